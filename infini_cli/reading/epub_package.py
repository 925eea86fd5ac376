"""Open an EPUB through EbookLib, made tolerant of what it chokes on.

EbookLib reads the package: metadata, manifest, spine. Before it does, the package is put into
the shape that EbookLib expects (one namespace, no item without an address); while it does, it
is given only the files that hold text, and nothing for those that are missing. Tables of
contents and chapters are read by this project's own modules, since EbookLib fails on or loses
the odd ones.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from ebooklib import epub
from lxml import etree

from infini_cli.errors import damaged
from infini_cli.reading.archive import BookArchive, open_archive, resolve
from infini_cli.reading.epub_protection import check_protection
from infini_cli.reading.limits import Limits
from infini_cli.reading.xml_tree import parse_xml

NCX_TYPE = "application/x-dtbncx+xml"
MARKUP_TYPES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
PICTURE_TYPES = ("image/",)
NO_TEXT_TYPES = (*PICTURE_TYPES, "audio/", "video/", "font/", "text/css", "application/json")
CONTAINER_PATH = "META-INF/container.xml"
_OPF = "http://www.idpf.org/2007/opf"
_DC = "http://purl.org/dc/elements/1.1/"
_MAX_FALLBACKS = 16


@dataclass(frozen=True, slots=True)
class PackageItem:
    """A file of the book.

    Attributes:
        path: inside the archive.
        content: its bytes; empty if it is missing, damaged or a picture.
        media_type: as the manifest says.
        properties: what the manifest says of it (`nav`, `cover-image`, ...).
        linear: whether it is part of the main text.
    """

    path: str
    content: bytes
    media_type: str = "application/xhtml+xml"
    properties: frozenset[str] = frozenset()
    linear: bool = True

    @property
    def is_picture(self) -> bool:
        """Whether it is one by its very kind."""
        return self.media_type.startswith(PICTURE_TYPES)


@dataclass(frozen=True, slots=True)
class Package:
    """What an EPUB holds, in reading order.

    Attributes:
        title: as declared, None if it is not.
        authors: as declared.
        language: as declared.
        spine: the chapters' files, those out of line (`linear="no"`) last.
        nav: the EPUB 3 navigation document.
        ncx: the EPUB 2 table of contents.
        metadata: identifier, publisher and date, where declared.
        warnings: what was missing or broken.
    """

    title: str | None
    authors: tuple[str, ...]
    language: str | None
    spine: tuple[PackageItem, ...]
    nav: PackageItem | None
    ncx: PackageItem | None
    metadata: dict[str, str]
    warnings: tuple[str, ...]


def open_package(data: bytes, name: str, limits: Limits) -> Package:
    """Open an EPUB.

    Raises:
        DamagedInput: the archive or the package cannot be read at all.
        ProtectedInput: its chapters are encrypted.
        EncryptedInput: it is a zip archive with a password.
        InputTooLarge: it unpacks to more than any book.
    """
    with open_archive(data, name, limits) as archive:
        try:
            return _Reader(archive).read()
        except (epub.EpubException, LookupError, AttributeError, TypeError, ValueError) as error:
            # EbookLib's errors on odd packages are of no family of their own.
            raise damaged(name, "its package cannot be read") from error


class _Reader(epub.EpubReader):  # type: ignore[misc]  # EbookLib has no types
    """EbookLib's reader over an open archive."""

    def __init__(self, archive: BookArchive) -> None:
        super().__init__(archive.name, {"ignore_ncx": True})
        self.archive = archive
        self.problems = archive.problems
        self.wanted: frozenset[str] = frozenset()

    def read(self) -> Package:
        self.opf_file = self._package_path()
        self.opf_dir = posixpath.dirname(self.opf_file)
        root = parse_xml(self.archive.read(self.opf_file))
        if root is None or root.find("{*}manifest") is None:
            raise damaged(self.archive.name, "its package lists no files")
        _normalise(root)
        self.container = etree.ElementTree(root)
        try:
            self._load_metadata()
        except (AttributeError, LookupError, TypeError, ValueError):
            self.problems.append("what the book says of itself cannot be read")
        references = _spine_references(root)
        readable = self._readable_items(root)
        spine_ids = [_with_text(idref, readable) for idref, _ in references]
        contents = [key for key, item in readable.items() if _is_contents(item)]
        if not references:
            self.problems.append("no reading order is given; files are read as they are listed")
            spine_ids = [key for key, item in readable.items() if _is_markup(item)]
            references = [(key, True) for key in spine_ids]
        self.wanted = frozenset(
            resolve(self.opf_file, unquote(readable[key].get("href", "")))
            for key in (*spine_ids, *contents)
            if key in readable
        )
        check_protection(self.archive, self.wanted)
        self._load_manifest()
        return self._assemble(
            [(key, linear) for key, (_, linear) in zip(spine_ids, references, strict=True)],
            root.find(f"{{{_OPF}}}spine"),
        )

    def read_file(self, name: str) -> bytes:
        """Give EbookLib the files that are wanted; nothing for pictures, fonts and styles."""
        for path in (resolve("", name), resolve("", unquote(name))):
            if path in self.wanted:
                return self.archive.read(path)
        return b""

    def _package_path(self) -> str:
        if self.archive.find(CONTAINER_PATH) is not None:
            root = parse_xml(self.archive.read(CONTAINER_PATH))
            for rootfile in root.iter("{*}rootfile") if root is not None else ():
                path = resolve("", unquote(rootfile.get("full-path") or ""))
                if path and self.archive.find(path) is not None:
                    return path
        found = self.archive.with_suffix(".opf")
        if not found:
            raise damaged(self.archive.name, "it has no package file")
        self.problems.append("the container does not name the package; found it by its name")
        return found[0]

    def _readable_items(self, root: etree._Element) -> dict[str, etree._Element]:
        items: dict[str, etree._Element] = {}
        for item in root.iter(f"{{{_OPF}}}item"):
            media_type = (item.get("media-type") or "").lower()
            if not media_type.startswith(NO_TEXT_TYPES) or item.get("fallback"):
                items.setdefault(item.get("id", ""), item)
        return items

    def _assemble(
        self, references: list[tuple[str, bool]], spine_element: etree._Element | None
    ) -> Package:
        items: dict[str, PackageItem] = {}
        for item in self.book.items:
            items.setdefault(item.id or "", self._item(item))
        spine = list(self._spine(references, items))
        spine.sort(key=lambda item: not item.linear)
        ncx = items.get(spine_element.get("toc") or "") if spine_element is not None else None
        if ncx is None or ncx.media_type != NCX_TYPE:
            ncx = next((item for item in items.values() if item.media_type == NCX_TYPE), None)
        facts = {key: self._declared(key) for key in ("identifier", "publisher", "date")}
        return Package(
            title=next(iter(self._declared("title")), None),
            authors=tuple(self._declared("creator")),
            language=next(iter(self._declared("language")), None),
            spine=tuple(spine),
            nav=next((item for item in items.values() if "nav" in item.properties), None),
            ncx=ncx,
            metadata={key: values[0] for key, values in facts.items() if values},
            warnings=tuple(dict.fromkeys(self.problems)),
        )

    def _spine(
        self, references: list[tuple[str, bool]], items: dict[str, PackageItem]
    ) -> Iterator[PackageItem]:
        seen: set[str] = set()
        for key, linear in references:
            item = items.get(key)
            if item is None:
                self.problems.append(f"the reading order names `{key}`, which is not listed")
            elif item.path not in seen:
                seen.add(item.path)
                yield PackageItem(item.path, item.content, item.media_type, item.properties, linear)

    def _item(self, item: epub.EpubItem) -> PackageItem:
        content = item.content or b""
        properties = set(getattr(item, "properties", None) or ())
        if isinstance(item, epub.EpubNav):
            properties.add("nav")
        return PackageItem(
            path=resolve(self.opf_file, str(item.file_name or "")),
            content=content.encode() if isinstance(content, str) else content,
            media_type=str(item.media_type or "").lower(),
            properties=frozenset(properties),
        )

    def _declared(self, field: str) -> list[str]:
        values = (value for value, _ in self.book.metadata.get(_DC, {}).get(field, []))
        return list(dict.fromkeys(" ".join(value.split()) for value in values if value))


def _normalise(root: etree._Element) -> None:
    """Give every element the namespace that EbookLib looks for, every item what it asks of it."""
    for element in list(root.iter("*")):
        name = etree.QName(element)
        if name.namespace is not None and "dc/elements" in name.namespace:
            element.tag = f"{{{_DC}}}{name.localname.lower()}"
        elif name.namespace is None or "oeb-package" in name.namespace:
            element.tag = f"{{{_OPF}}}{name.localname}"
        if etree.QName(element).localname == "item":
            element.set("href", (element.get("href") or "").strip())
            element.set("id", element.get("id") or "")
            # EbookLib forgets the address of an item with the property `cover`.
            properties = set((element.get("properties") or "").split()) - {"cover"}
            element.set("properties", " ".join(sorted(properties)))
    for inner in root.findall(f"{{{_OPF}}}metadata/{{{_OPF}}}dc-metadata"):
        outer = inner.getparent()
        if outer is not None:
            outer.extend(list(inner))
            outer.remove(inner)


def _spine_references(root: etree._Element) -> list[tuple[str, bool]]:
    return [
        (reference.get("idref") or "", reference.get("linear") != "no")
        for reference in root.iterfind(f"{{{_OPF}}}spine/{{{_OPF}}}itemref")
    ]


def _with_text(key: str, items: dict[str, etree._Element]) -> str:
    """Follow the fallbacks of a file that is no markup to one that is, if there is one."""
    found = key
    for _ in range(_MAX_FALLBACKS):
        item = items.get(found)
        if item is None:
            break
        if _is_markup(item):
            return found
        found = item.get("fallback") or ""
    return key


def _is_markup(item: etree._Element) -> bool:
    return (item.get("media-type") or "").lower() in MARKUP_TYPES


def _is_contents(item: etree._Element) -> bool:
    return item.get("media-type") == NCX_TYPE or "nav" in (item.get("properties") or "").split()
