"""Read a Word document (DOCX) through `mammoth`: paragraphs styled as headings are the chapters.

`mammoth` gets an archive made anew: only the parts that hold text, each parsed by the hardened
parser and written again, so that no entity, picture or lying header reaches it.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import mammoth
from lxml import etree

from infini_cli.errors import InputTooLarge, damaged
from infini_cli.reading.archive import open_archive
from infini_cli.reading.limits import Limits
from infini_cli.reading.markup_book import Declared, book_of_markup, with_found_headings
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.xhtml import ParsedMarkup, read_markup
from infini_cli.reading.xml_tree import attribute, first_text, local_name, parse_document

MAX_ELEMENTS = 1_000_000
"""A long novel has a tenth of it, and `mammoth` keeps some kilobytes for each."""
MAX_HEADING_LEVEL = 6
MAX_STYLE_DEPTH = 20
_PARTS = re.compile(
    r"\[content_types\]\.xml|_rels/\.rels|docprops/core\.xml|word/[\w.-]+\.xml|word/_rels/[\w.-]+",
    re.IGNORECASE,
)
_ESSENTIAL = re.compile(r"content_types|(?:^|/)_rels/|document\d*\.xml$", re.IGNORECASE)
# Pictures, how text looks, where it goes on a page, and what a proof-reader thought.
_NOT_TEXT = frozenset({"blip", "imagedata", "lang", "proofErr", "rFonts", "sectPr", "theme"})
_FALSE = frozenset({"0", "false", "off"})
_STYLE_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_NOTE_MARK = re.compile(r'<a href="#(?:foot|end)note-\d+"')
_NOTE = re.compile(r'<li id="(?:foot|end)note-\d+"')


def read_docx(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read a Word document.

    Args:
        data: the file.
        name: its name; the title where the document names none.
        options: what it may cost; nothing else concerns Word documents.

    Raises:
        DamagedInput: the archive or the document in it cannot be read.
        EncryptedInput: it is a zip archive with a password.
        InputTooLarge: it unpacks to more than any book, or nests deeper.
    """
    parts, warnings = _clean_parts(data, name, options.limits)
    declared = _declared(parts.get("docProps/core.xml"))
    html, broken = _convert(parts, name)
    # Word marks no notes as such, but `mammoth` gives theirs these names.
    html = _NOTE_MARK.sub(lambda match: f'{match[0]} role="doc-noteref"', html)
    html = _NOTE.sub(lambda match: f'{match[0]} role="doc-footnote"', html)
    markup: ParsedMarkup = with_found_headings(read_markup(html, options))
    return book_of_markup(markup, name, "docx", declared, warnings=[*warnings, *broken])


def _clean_parts(
    data: bytes, name: str, limits: Limits
) -> tuple[dict[str, etree._Element], list[str]]:
    parts: dict[str, etree._Element] = {}
    warnings: list[str] = []
    num_elements = 0
    with open_archive(data, name, limits) as archive:
        for member in archive.members:
            if not _PARTS.fullmatch(member) or member in parts:
                continue
            root, broken = parse_document(archive.read(member), member)
            warnings += broken
            if root is None:
                continue
            _strip(root)
            num_elements += sum(1 for _ in root.iter())
            if num_elements > MAX_ELEMENTS:
                raise InputTooLarge(f"`{name}` holds more elements than any book")
            parts[member] = root
        warnings += archive.problems
    if not any(member.lower().startswith("word/document") for member in parts):
        raise damaged(name, "it holds no document")
    return parts, warnings


def _strip(root: etree._Element) -> None:
    """Take out what is no text: pictures, looks, and hidden text, which a reader of Word skips."""
    for element in list(root.iter()):
        name, parent = local_name(element), element.getparent()
        if name in ("", *_NOT_TEXT):
            _take_out(element)
        elif name == "rPr" and parent is not None and local_name(parent) == "r":
            hidden = element.find("{*}vanish")
            shows = hidden is None or attribute(hidden, "val") in _FALSE
            _take_out(element if shows else parent)


def _take_out(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail, element.getprevious()
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _convert(parts: dict[str, etree._Element], name: str) -> tuple[str, list[str]]:
    """Turn the document into HTML, without its styles and notes if these are broken."""
    try:
        return _to_html(parts), []
    # `mammoth` expects well-formed documents, and its errors on others are of no one family.
    except Exception as error:
        if isinstance(error, RecursionError):
            raise InputTooLarge(f"`{name}` is nested deeper than any book") from error
    try:
        essential = {key: root for key, root in parts.items() if _ESSENTIAL.search(key)}
        return _to_html(essential), ["the document's styles or notes are broken and were not read"]
    except Exception as error:
        raise damaged(name, "its document cannot be read") from error


def _to_html(parts: dict[str, etree._Element]) -> str:
    """Give the parts to `mammoth`; pictures become nothing."""
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as archive:
        for member, root in parts.items():
            archive.writestr(member, etree.tostring(root, encoding="utf-8", xml_declaration=True))
    result: Any = mammoth.convert_to_html(
        clean,
        style_map=_style_map(parts.get("word/styles.xml")),
        include_embedded_style_map=False,
        convert_image=lambda _: [],
        external_file_access=False,
    )
    return str(result.value)


def _style_map(styles: etree._Element | None) -> str:
    """Say which styles are headings, those included that are made from headings."""
    levels: dict[str, int] = {}
    parents: dict[str, str] = {}
    for style in styles.iterfind("{*}style") if styles is not None else ():
        key = attribute(style, "styleId")
        outline, title = style.find(".//{*}outlineLvl"), style.find("{*}name")
        based = style.find("{*}basedOn")
        if based is not None:
            parents[key] = attribute(based, "val")
        word = attribute(title, "val").lower() if title is not None else ""
        if word == "title":
            levels[key] = 1
        elif (match := re.fullmatch(r"heading (\d)", word)) is not None:
            levels[key] = min(MAX_HEADING_LEVEL, int(match[1]) + 1)
        elif outline is not None and re.fullmatch(r"[0-8]", attribute(outline, "val")):
            levels[key] = min(MAX_HEADING_LEVEL, int(attribute(outline, "val")) + 2)
    lines = ["p.Title => h1:fresh"]
    lines += [f"p.Heading{number} => h{min(6, number + 1)}:fresh" for number in range(1, 10)]
    for key in {*levels, *parents}:
        found = key
        for _ in range(MAX_STYLE_DEPTH):
            if found in levels or found not in parents:
                break
            found = parents[found]
        if found in levels and _STYLE_NAME.fullmatch(key):
            lines.append(f"p.{key} => h{levels[found]}:fresh")
    return "\n".join(lines)


def _declared(core: etree._Element | None) -> Declared:
    if core is None:
        return Declared()
    author = first_text(core, "{*}creator")
    return Declared(
        title=first_text(core, "{*}title"),
        authors=tuple(filter(None, (part.strip() for part in (author or "").split(";")))),
        language=first_text(core, "{*}language"),
    )
