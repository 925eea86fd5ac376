"""Read a folder of HTML files as one book: in the order of its contents page, else by name."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infini_cli.errors import InputNotFound, InputTooLarge, NoTextInput
from infini_cli.reading.archive import resolve
from infini_cli.reading.encoding import declared_encoding, decode
from infini_cli.reading.epub_chapters import Document, split_chapters
from infini_cli.reading.epub_navigation import TocEntry
from infini_cli.reading.epub_package import PackageItem
from infini_cli.reading.gutenberg import strip_licence_blocks
from infini_cli.reading.limits import MIB, Limits, raised_by
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.removals import sum_removals
from infini_cli.reading.source import read_bytes
from infini_cli.reading.xhtml import parse_markup, read_markup

SUFFIXES = frozenset({".html", ".htm", ".xhtml", ".xht"})
CONTENTS_NAMES = ("nav", "toc", "contents", "index")
"""Names, without suffix, of the page that may list the others."""
MIN_CONTENTS_LINKS = 2
_DIGITS = re.compile(r"(\d+)")


def read_html_folder(folder: Path, options: ReadOptions) -> tuple[RawBook, str]:
    """Read every HTML file of a folder and those below it.

    Args:
        folder: links in it are not followed.
        options: `encoding` overrides what the files declare.

    Returns:
        The book, and the sha256 of its files' names and bytes.

    Raises:
        InputNotFound: it holds no HTML file.
        NoTextInput: its files hold no text.
        InputTooLarge: they are more or larger than any book.
        UsageError: `options.encoding` is no encoding.
        DamagedInput: a file is not in the encoding that the user names.
    """
    files = _read_files(folder, options.limits)
    digest = hashlib.sha256()
    for path, content in files.items():
        digest.update(f"{path}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    texts, warnings = _decode(files, options)
    contents_path, toc = _contents(texts)
    linked = list(dict.fromkeys(entry.path for entry in toc))
    order = [*linked, *(path for path in texts if path not in set(linked))]
    if contents_path is not None and contents_path not in linked:
        order.remove(contents_path)
        order.insert(0, contents_path)
    anchors: dict[str, set[str]] = {path: set() for path in texts}
    for entry in toc:
        anchors[entry.path].add(entry.fragment)
    documents = [
        Document(
            PackageItem(
                path,
                files[path],
                properties=frozenset({"nav"} if path == contents_path else ()),
            ),
            read_markup(texts[path], options, None, frozenset(anchors[path])),
        )
        for path in order
    ]
    if not any(document.markup.blocks for document in documents):
        raise NoTextInput(f"the HTML files in `{folder}` hold no text")
    chapters = strip_licence_blocks(tuple(split_chapters(documents, toc)))
    first = documents[0].markup
    taken = [removal for document in documents for removal in document.markup.removals]
    book = RawBook(
        title=(first.title if contents_path is not None else None) or folder.resolve().name,
        authors=(),
        language=first.language,
        format="html",
        chapters=chapters.chapters,
        removals=sum_removals([*taken, *chapters.removals]),
        warnings=tuple(warnings),
    )
    return book, digest.hexdigest()


def natural_order(path: str) -> tuple[tuple[int, int, str], ...]:
    """Give a key by which `2.html` comes before `10.html`, and a folder's files stay together."""
    return tuple(
        (0, int(part), "")
        if part.isascii() and part.isdecimal() and len(part) < 1000
        else (1, 0, part)
        for part in _DIGITS.split(path.casefold())
        if part
    )


def _read_files(folder: Path, limits: Limits) -> dict[str, bytes]:
    paths: list[str] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent) / name
            if (
                not name.startswith(".")
                and path.suffix.lower() in SUFFIXES
                and not path.is_symlink()
            ):
                paths.append(path.relative_to(folder).as_posix())
        if len(paths) > limits.num_members:
            raise InputTooLarge(f"`{folder}` holds more than {limits.num_members:,} HTML files")
    if not paths:
        raise InputNotFound(
            f"`{folder}` is a folder without HTML files",
            hint="name a file in it, or read all of it with `infini batch`",
        )
    files: dict[str, bytes] = {}
    total = 0
    for name in sorted(paths, key=natural_order):
        try:
            files[name] = read_bytes(folder / name, max_bytes=limits.member_bytes)
        except NoTextInput:
            continue
        total += len(files[name])
        if total > limits.unpacked_bytes:
            raise InputTooLarge(
                f"the HTML files in `{folder}` have more than {limits.unpacked_bytes // MIB} MiB",
                hint=raised_by("unpacked_bytes"),
            )
    return files


def _decode(files: dict[str, bytes], options: ReadOptions) -> tuple[dict[str, str], list[str]]:
    texts: dict[str, str] = {}
    warnings: list[str] = []
    for path, content in files.items():
        decoded = decode(content, override=options.encoding, declared=declared_encoding(content))
        texts[path] = decoded.text
        warnings += [f"`{path}`: {warning}" for warning in decoded.warnings]
    return texts, warnings


def _contents(texts: dict[str, str]) -> tuple[str | None, list[TocEntry]]:
    """Find the page that lists the others, and its lines; None if there is none."""
    for name in CONTENTS_NAMES:
        for path in texts:
            if Path(path).stem.casefold() == name:
                entries = _links(path, texts)
                if len({entry.path for entry in entries}) >= MIN_CONTENTS_LINKS:
                    return path, entries
    return None, []


def _links(path: str, texts: dict[str, str]) -> list[TocEntry]:
    root = parse_markup(texts[path])
    entries: list[TocEntry] = []
    seen: set[tuple[str, str]] = set()
    for link in root.iter("a") if root is not None else ():
        entry = _entry(link.get("href") or "", path, "".join(map(str, link.itertext())))
        if entry is None or entry.path == path or entry.path not in texts:
            continue
        if (entry.path, entry.fragment) not in seen:
            seen.add((entry.path, entry.fragment))
            entries.append(entry)
    return entries


def _entry(href: str, base: str, title: str) -> TocEntry | None:
    try:
        parts = urlsplit(href)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path:
        return None
    return TocEntry(
        title=" ".join(title.split()),
        path=resolve(base, unquote(parts.path)),
        fragment=unquote(parts.fragment),
        depth=0,
    )
