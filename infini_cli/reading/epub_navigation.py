"""Tables of contents of an EPUB: the navigation document, else the NCX."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from infini_cli.reading.archive import resolve
from infini_cli.reading.encoding import declared_encoding, decode
from infini_cli.reading.epub_package import Package, PackageItem
from infini_cli.reading.xhtml import parse_markup, roles_of
from infini_cli.reading.xml_tree import parse_xml

MAX_DEPTH = 32
MAX_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class TocEntry:
    """A line of a table of contents.

    Attributes:
        title: as printed, perhaps empty.
        path: the file inside the archive.
        fragment: the element in it, empty for its beginning.
        depth: nesting, 0 at the top.
    """

    title: str
    path: str
    fragment: str
    depth: int


def read_toc(package: Package) -> list[TocEntry]:
    """Give the lines of the best table of contents there is; none if there is none."""
    for item, read in ((package.nav, _nav_entries), (package.ncx, _ncx_entries)):
        if item is not None and (entries := list(read(item))):
            return entries[:MAX_ENTRIES]
    return []


def _nav_entries(item: PackageItem) -> Iterator[TocEntry]:
    decoded = decode(item.content, declared=declared_encoding(item.content))
    root = parse_markup(decoded.text)
    if root is None:
        return
    navs = list(root.iter("nav"))
    named = [nav for nav in navs if "toc" in roles_of(nav)]
    # Some books forget to say which list is the contents; page lists and landmarks say so.
    unnamed = [nav for nav in navs if not roles_of(nav)]
    for nav in (named or unnamed)[:1]:
        for top in nav.findall(".//ol")[:1]:
            yield from _list_entries(top, item.path, 0)


def _list_entries(element: etree._Element, base: str, depth: int) -> Iterator[TocEntry]:
    if depth > MAX_DEPTH:
        return
    for line in element.findall("li"):
        inner = line.findall("ol")
        link = line.find("a")
        if link is None and not inner:
            link = line.find(".//a")
        if link is not None and link.get("href"):
            yield _entry(link, str(link.get("href")), base, depth)
        for nested in inner:
            yield from _list_entries(nested, base, depth + 1)


def _ncx_entries(item: PackageItem) -> Iterator[TocEntry]:
    root = parse_xml(item.content)
    top = root.find("{*}navMap") if root is not None else None
    if top is None:
        return
    stack = [(point, 0) for point in reversed(top.findall("{*}navPoint"))]
    while stack:
        point, depth = stack.pop()
        content = point.find("{*}content")
        if content is not None and content.get("src"):
            yield _entry(point.find("{*}navLabel"), str(content.get("src")), item.path, depth)
        stack.extend((inner, depth + 1) for inner in reversed(point.findall("{*}navPoint")))


def _entry(label: etree._Element | None, href: str, base: str, depth: int) -> TocEntry:
    path, _, fragment = href.partition("#")
    text = "".join(map(str, label.itertext())) if label is not None else ""
    return TocEntry(
        title=" ".join(text.split()),
        path=resolve(base, unquote(path)) if path else base,
        fragment=unquote(fragment),
        depth=depth,
    )
