"""Read an OpenDocument text (ODT): its headings are the chapters."""

from __future__ import annotations

from lxml import etree

from infini_cli.errors import EncryptedInput, damaged
from infini_cli.reading.archive import open_archive
from infini_cli.reading.markup_book import Declared, book_of_markup, with_found_headings
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.xhtml import read_tree
from infini_cli.reading.xml_tree import attribute, first_text, local_name, parse_document, parse_xml

MAX_HEADING_LEVEL = 6
_TITLE_STYLE = "Title"
_TAGS = {
    "list": "ul",
    "list-header": "div",
    "list-item": "li",
    "p": "p",
    "section": "section",
    "table": "table",
    "table-cell": "td",
    "table-header-rows": "tbody",
    "table-row": "tr",
    "text-box": "div",
    "line-break": "br",
    "image": "img",
    "ruby-text": "rt",
    "table-of-content": "nav",
}
_LEFT_OUT = frozenset(
    {"annotation", "covered-table-cell", "desc", "forms", "object", "object-ole", "script"}
    | {"sequence-decls", "title", "tracked-changes", "user-field-decls", "variable-decls"}
)


def read_odt(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read an OpenDocument text.

    Args:
        data: the file.
        name: its name; the title where the document names none.
        options: what it may cost; nothing else concerns OpenDocument.

    Raises:
        DamagedInput: the archive cannot be opened, or it holds no text.
        EncryptedInput: it was saved with a password.
        InputTooLarge: it unpacks to more than any book, or nests deeper.
    """
    with open_archive(data, name, options.limits) as archive:
        manifest = parse_xml(archive.read("META-INF/manifest.xml"))
        if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
            raise EncryptedInput(
                f"`{name}` was saved with a password", hint="save it again without one"
            )
        content, warnings = parse_document(archive.read("content.xml"), "content.xml")
        meta = parse_xml(archive.read("meta.xml")) if archive.find("meta.xml") else None
    text = content.find("{*}body/{*}text") if content is not None else None
    if content is None or text is None:
        raise damaged(name, "it holds no text")
    markup = with_found_headings(read_tree(_to_html(text, _title_styles(content))))
    declared = _declared(meta) if meta is not None else Declared()
    return book_of_markup(markup, name, "odt", declared, warnings=[*archive.problems, *warnings])


def _declared(meta: etree._Element) -> Declared:
    author = first_text(meta, ".//{*}initial-creator") or first_text(meta, ".//{*}creator")
    return Declared(
        title=first_text(meta, "{*}meta/{*}title"),
        authors=(author,) if author else (),
        language=first_text(meta, "{*}meta/{*}language"),
    )


def _title_styles(content: etree._Element) -> frozenset[str]:
    """Give the names of the style for titles and of those made from it in passing."""
    derived = (
        attribute(style, "name")
        for style in content.iterfind("{*}automatic-styles/{*}style")
        if attribute(style, "parent-style-name") == _TITLE_STYLE
    )
    return frozenset({_TITLE_STYLE, *derived})


def _to_html(text: etree._Element, title_styles: frozenset[str]) -> etree._Element:
    """Rename elements to those of HTML that mean the same."""
    for element in list(text.iter()):
        _rename(element, title_styles)
    html = etree.Element("html")
    text.tag = "body"
    html.append(text)
    return html


def _rename(element: etree._Element, title_styles: frozenset[str]) -> None:
    tag = local_name(element)
    if not tag:
        return
    level, style = (attribute(element, key) for key in ("outline-level", "style-name"))
    element.attrib.clear()
    element.tag = "template" if tag in _LEFT_OUT else _TAGS.get(tag, "span")
    if tag == "h":
        # The title of the book stands above the headings of the first level.
        depth = int(level) if level.isascii() and level.isdecimal() and len(level) < 4 else 1
        element.tag = f"h{min(MAX_HEADING_LEVEL, depth + 1)}"
    elif tag == "p" and style in title_styles:
        element.tag = "h1"
    elif tag == "note":
        element.set("role", "doc-footnote")
    elif tag in ("s", "tab"):
        element.text = " "
