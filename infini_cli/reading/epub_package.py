"""Open an EPUB through EbookLib, made tolerant of what it chokes on.

EbookLib reads the container, the package, its manifest and its spine. Files that the
manifest lists and the archive lacks, contents tables that are not where the package says,
and markup in odd encodings would stop it or come out empty; here they are warnings, and the
tables of contents and the chapters are read by this project's own modules.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from urllib.parse import unquote

from ebooklib import epub
from lxml import etree

from infini_cli.errors import DamagedInput, InputTooLarge, ProtectedInput
from infini_cli.reading.limits import check_archive, read_member

MARKUP_TYPES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
NCX_TYPE = "application/x-dtbncx+xml"
FONT_ALGORITHMS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
READ_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_OPF = "{http://www.idpf.org/2007/opf}"


@dataclass(frozen=True, slots=True)
class PackageItem:
    """A file of the book.

    Attributes:
        path: inside the archive.
        content: its bytes; empty if it could not be read.
        properties: what the manifest says of it (`nav`, `cover-image`, ...).
    """

    path: str
    content: bytes
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Package:
    """What an EPUB holds, in reading order.

    Attributes:
        title, authors, language: as declared.
        spine: the chapters' files, those out of line (`linear="no"`) last.
        nav: the EPUB 3 navigation document.
        ncx: the EPUB 2 table of contents.
        metadata: identifier, publisher and date, where declared.
        warnings: what was missing or broken.
        num_missing: files of the spine that could not be read.
    """

    title: str | None
    authors: tuple[str, ...]
    language: str | None
    spine: tuple[PackageItem, ...]
    nav: PackageItem | None
    ncx: PackageItem | None
    metadata: dict[str, str]
    warnings: tuple[str, ...]
    num_missing: int


def open_package(data: bytes, name: str) -> Package:
    """Open an EPUB.

    Raises:
        DamagedInput: the archive or the package cannot be read at all.
        ProtectedInput: its chapters are encrypted.
        InputTooLarge: it unpacks to more than any book.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive, name)
            reader = _Reader(archive, name)
            return reader.read()
    except (InputTooLarge, DamagedInput, ProtectedInput):
        raise
    except READ_ERRORS as error:
        raise _damaged(name, "the archive cannot be opened") from error
    except (epub.EpubException, etree.LxmlError, KeyError, AttributeError, ValueError) as error:
        # EbookLib's errors are of no family of their own.
        raise _damaged(name, "its package cannot be read") from error


class _Reader(epub.EpubReader):  # type: ignore[misc]  # EbookLib has no types
    """EbookLib's reader over an open archive, reading only what holds text."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        super().__init__(name, {"ignore_ncx": True})
        self.zf = archive
        self.display_name = name
        self.members = {m.lower(): m for m in archive.namelist()}
        self.problems: list[str] = []

    def read(self) -> Package:
        try:
            self._load_container()
        except (KeyError, etree.LxmlError, ValueError):
            self.opf_file = ""
        if not self.opf_file or self._member(self.opf_file) is None:
            self._find_package()
        self._load_opf_file()
        self._check_encryption()
        return self._package()

    def read_file(self, name: str) -> bytes:
        """Read a member; pictures, fonts and sounds are not read, a missing file is empty."""
        path = posixpath.normpath(name)
        extension = posixpath.splitext(path)[1].lower()
        if extension in (".jpg", ".jpeg", ".png", ".gif", ".svg", ".ttf", ".otf", ".woff", ".css"):
            return b""
        if extension in (".woff2", ".js", ".mp3", ".mp4", ".m4a", ".webp", ".pls", ".smil"):
            return b""
        member = self._member(path)
        if member is None:
            if extension in (".xhtml", ".html", ".htm", ".xml"):
                self.problems.append(f"`{path}` is listed but not in the file")
            return b""
        try:
            return read_member(self.zf, member)
        except READ_ERRORS:
            self.problems.append(f"`{path}` is damaged")
            return b""

    def _member(self, path: str) -> str | None:
        path = posixpath.normpath(path)
        return self.members.get(path.lower()) or self.members.get(unquote(path).lower())

    def _find_package(self) -> None:
        found = sorted(m for m in self.members.values() if m.lower().endswith(".opf"))
        if not found:
            raise _damaged(self.display_name, "it has no package file")
        self.problems.append("the container does not name the package; found it by its name")
        self.opf_file = found[0]
        self.opf_dir = posixpath.dirname(found[0])

    def _load_opf_file(self) -> None:
        content = self.read_file(self.opf_file)
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
        root = etree.fromstring(content, parser) if content.strip() else None
        if root is None or root.find(f"{_OPF}manifest") is None:
            raise _damaged(self.display_name, "its package lists no files")
        for item in root.iter(f"{_OPF}item"):
            # EbookLib fails on items without these.
            item.set("href", item.get("href") or "")
            item.set("id", item.get("id") or "")
        for part in list(root):
            for comment in list(part.iter(etree.Comment)):
                parent = comment.getparent()
                if parent is not None:
                    parent.remove(comment)
        self.container = etree.ElementTree(root)
        try:
            self._load_metadata()
        except (AttributeError, KeyError, TypeError, ValueError):
            self.problems.append("the metadata cannot be read")
        self._load_manifest()
        spine = root.find(f"{_OPF}spine")
        self.spine_toc = spine.get("toc") if spine is not None else None
        itemrefs = spine.findall(f"{_OPF}itemref") if spine is not None else []
        self.book.spine = [(ref.get("idref"), ref.get("linear", "yes")) for ref in itemrefs]

    def _check_encryption(self) -> None:
        member = self._member("META-INF/encryption.xml")
        if member is None:
            return
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
        try:
            root = etree.fromstring(read_member(self.zf, member), parser)
        except (*READ_ERRORS, etree.LxmlError, ValueError):
            return
        if root is None:
            return
        markup = {self._path(item).lower() for item in self.book.items if _is_markup(item)}
        for entry in root.iter("{*}EncryptedData"):
            method = entry.find("{*}EncryptionMethod")
            target = entry.find(".//{*}CipherReference")
            algorithm = method.get("Algorithm", "") if method is not None else ""
            path = unquote(target.get("URI", "")) if target is not None else ""
            if algorithm not in FONT_ALGORITHMS and path.lower() in markup:
                raise ProtectedInput(
                    f"`{self.display_name}` is locked by digital rights management",
                    hint="infini reads only books without such a lock",
                )

    def _package(self) -> Package:
        by_id: dict[str, object] = {}
        for item in self.book.items:
            by_id.setdefault(item.id or "", item)
        lines: dict[bool, list[PackageItem]] = {True: [], False: []}
        seen: set[str] = set()
        for idref, linear in self.book.spine:
            item = by_id.get(idref or "")
            if item is None:
                self.problems.append(f"the reading order names `{idref}`, which is not listed")
                continue
            path = self._path(item)
            if path in seen:
                continue
            seen.add(path)
            lines[linear != "no"].append(self._item(item))
        if not self.book.spine:
            self.problems.append("no reading order is given; files are read as they are listed")
            lines[True] = [self._item(item) for item in self.book.items if _is_markup(item)]
        spine = (*lines[True], *lines[False])
        ncx = by_id.get(self.spine_toc or "")
        if not isinstance(ncx, epub.EpubNcx):
            ncx = next((i for i in self.book.items if isinstance(i, epub.EpubNcx)), None)
        nav = next((i for i in self.book.items if isinstance(i, epub.EpubNav)), None)
        return Package(
            title=self._first("title"),
            authors=tuple(self._all("creator")),
            language=self._first("language"),
            spine=spine,
            nav=self._item(nav) if nav is not None else None,
            ncx=self._item(ncx) if ncx is not None else None,
            metadata={
                key: value
                for key in ("identifier", "publisher", "date")
                if (value := self._first(key)) is not None
            },
            warnings=tuple(dict.fromkeys(self.problems)),
            num_missing=sum(1 for item in spine if not item.content),
        )

    def _item(self, item: object) -> PackageItem:
        properties = getattr(item, "properties", None) or []
        content = getattr(item, "content", b"") or b""
        if isinstance(content, str):
            content = content.encode()
        return PackageItem(self._path(item), content, frozenset(properties))

    def _path(self, item: object) -> str:
        return posixpath.normpath(posixpath.join(self.opf_dir, str(getattr(item, "file_name", ""))))

    def _all(self, field: str) -> list[str]:
        values = []
        for namespace in self.book.metadata.values():
            for value, _ in namespace.get(field, []) if isinstance(namespace, dict) else []:
                if value and " ".join(value.split()) not in values:
                    values.append(" ".join(value.split()))
        return values

    def _first(self, field: str) -> str | None:
        return next(iter(self._all(field)), None)


def _is_markup(item: object) -> bool:
    return str(getattr(item, "media_type", "")).lower() in MARKUP_TYPES or isinstance(
        item, epub.EpubHtml
    )


def _damaged(name: str, what: str) -> DamagedInput:
    return DamagedInput(f"`{name}` is damaged: {what}", hint="get another copy of the file")
