"""Tables of contents of an EPUB: the navigation document, else the NCX."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import unquote

import lxml.html
from lxml import etree

from infini_cli.reading.encoding import decode
from infini_cli.reading.epub_package import Package, PackageItem

MAX_DEPTH = 32
_DECLARATION_END = "?>"


@dataclass(frozen=True, slots=True)
class TocEntry:
    """A line of a table of contents.

    Attributes:
        title: as printed.
        path: the file inside the archive.
        fragment: the element in it, `` for its beginning.
        depth: nesting, 0 at the top.
    """

    title: str
    path: str
    fragment: str
    depth: int


def read_toc(package: Package) -> list[TocEntry]:
    """Give the lines of the best table of contents there is; none if there is none."""
    if package.nav is not None and (entries := _nav_entries(package.nav)):
        return entries
    if package.ncx is not None:
        return _ncx_entries(package.ncx)
    return []


def _nav_entries(item: PackageItem) -> list[TocEntry]:
    text = decode(item.content).text
    if text.lstrip().startswith("<?xml"):
        text = text.partition(_DECLARATION_END)[2]
    try:
        root = lxml.html.document_fromstring(text)
    except (etree.LxmlError, ValueError):
        return []
    navs = list(root.iter("nav"))
    named = [nav for nav in navs if "toc" in f"{nav.get('epub:type')} {nav.get('role')}"]
    chosen = named or [nav for nav in navs if nav.get("epub:type") is None] or navs
    entries: list[TocEntry] = []
    for nav in chosen[:1]:
        for top in nav.findall(".//ol")[:1]:
            _walk_list(top, item.path, 0, entries)
    return entries


def _walk_list(element: etree._Element, base: str, depth: int, entries: list[TocEntry]) -> None:
    if depth > MAX_DEPTH:
        return
    for line in element.findall("li"):
        link = line.find("a")
        if link is None:
            link = line.find(".//a") if line.find("ol") is None else None
        if link is not None and link.get("href"):
            _append(entries, _words(link), str(link.get("href")), base, depth)
        for inner in line.findall("ol"):
            _walk_list(inner, base, depth + 1, entries)


def _ncx_entries(item: PackageItem) -> list[TocEntry]:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(item.content, parser) if item.content.strip() else None
    except (etree.LxmlError, ValueError):
        return []
    entries: list[TocEntry] = []
    if root is None:
        return entries
    for point in root.iter("{*}navPoint"):
        depth = sum(1 for up in point.iterancestors() if str(up.tag).endswith("}navPoint"))
        label, content = point.find("{*}navLabel"), point.find("{*}content")
        if content is not None and content.get("src"):
            title = _words(label) if label is not None else ""
            _append(entries, title, str(content.get("src")), item.path, depth)
    return entries


def _append(entries: list[TocEntry], title: str, href: str, base: str, depth: int) -> None:
    path, _, fragment = href.partition("#")
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(path)))
    entries.append(TocEntry(title, joined if path else base, unquote(fragment), depth))


def _words(element: etree._Element) -> str:
    return " ".join("".join(str(piece) for piece in element.itertext()).split())
