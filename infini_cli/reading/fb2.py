"""Read a FictionBook (FB2): XML whose sections, nested, are the chapters."""

from __future__ import annotations

from lxml import etree

from infini_cli.errors import damaged
from infini_cli.reading.archive import open_archive
from infini_cli.reading.limits import Limits
from infini_cli.reading.markup_book import Declared, book_of_markup
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.xhtml import read_tree
from infini_cli.reading.xml_tree import first_text, local_name, parse_document

NOTE_BODIES = frozenset({"notes", "comments", "footnotes"})
MAX_HEADING_LEVEL = 6
_TAGS = {
    "annotation": "div",
    "body": "div",
    "cite": "blockquote",
    "date": "span",
    "empty-line": "div",
    "epigraph": "blockquote",
    "image": "img",
    "p": "p",
    "poem": "div",
    "section": "section",
    "stanza": "p",
    "table": "table",
    "td": "td",
    "text-author": "p",
    "th": "th",
    "tr": "tr",
    "v": "span",
}


def read_fb2(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read a FictionBook, alone or in a zip archive.

    Args:
        data: the file.
        name: its name; the title where the book names none.
        options: `encoding` overrides what the file declares.

    Raises:
        UsageError: `options.encoding` is no encoding.
        DamagedInput: it is no XML, holds no text element, or is not in the encoding named.
        EncryptedInput: it is in a zip archive with a password.
        InputTooLarge: it unpacks to more than any book, or nests deeper.
    """
    content = _unpack(data, name, options.limits) if data.startswith(b"PK") else data
    root, warnings = parse_document(content, name, encoding=options.encoding)
    # Where the description is broken, the bodies may have come to stand inside it.
    first = next(root.iter("{*}body"), None) if root is not None else None
    parent = first.getparent() if first is not None else None
    bodies = parent.findall("{*}body") if parent is not None else []
    if root is None or not bodies:
        raise damaged(name, "it holds no text")
    return book_of_markup(
        read_tree(_to_html(bodies)), name, "fb2", _declared(root), warnings=warnings
    )


def _unpack(data: bytes, name: str, limits: Limits) -> bytes:
    with open_archive(data, name, limits) as archive:
        return archive.read(next(iter(archive.with_suffix(".fb2")), "book.fb2"))


def _declared(root: etree._Element) -> Declared:
    title = "{*}description/{*}title-info/"
    authors = (
        " ".join(
            part
            for key in ("first-name", "middle-name", "last-name")
            if (part := first_text(author, f"{{*}}{key}"))
        )
        or first_text(author, "{*}nickname")
        for author in root.findall(f"{title}{{*}}author")
    )
    return Declared(
        title=first_text(root, f"{title}{{*}}book-title"),
        authors=tuple(author for author in authors if author),
        language=first_text(root, f"{title}{{*}}lang"),
    )


def _to_html(bodies: list[etree._Element]) -> etree._Element:
    """Rename elements to those of HTML that mean the same."""
    html = etree.Element("html")
    top = etree.SubElement(html, "body")
    for body in bodies:
        is_notes = (body.get("name") or "").lower() in NOTE_BODIES
        for element, depth in _with_depth(body):
            _rename(element, depth)
        if is_notes:
            for note in body.findall("section") or [body]:
                note.set("role", "doc-footnote")
        top.append(body)
    return html


def _with_depth(body: etree._Element) -> list[tuple[etree._Element, int]]:
    """Pair each element with the number of sections around it."""
    found: list[tuple[etree._Element, int]] = []
    stack = [(body, 0)]
    while stack:
        element, depth = stack.pop()
        found.append((element, depth))
        inner = depth + (local_name(element) == "section")
        stack.extend((child, inner) for child in element)
    return found


def _rename(element: etree._Element, depth: int) -> None:
    tag = local_name(element)
    identifier, kind = element.get("id"), element.get("type")
    if not tag:
        return
    element.attrib.clear()
    if identifier:
        element.set("id", identifier)
    element.tag = _TAGS.get(tag, "span")
    if tag == "title":
        _make_heading(element, f"h{min(MAX_HEADING_LEVEL, depth + 1)}")
    elif tag == "subtitle":
        words = any(map(str.isalnum, "".join(map(str, element.itertext()))))
        element.tag = "hgroup" if words else "p"
    elif tag == "a" and kind == "note":
        element.set("role", "doc-noteref")
    elif tag == "v":
        element.addnext(etree.Element("br"))


def _make_heading(element: etree._Element, tag: str) -> None:
    """Make one heading of a title's paragraphs."""
    element.tag = tag
    for line in element:
        if local_name(line) == "p":
            line.tag = "span"
            line.tail = " "
