"""Small DOCX, ODT, RTF and FB2 files, from chapters of a title and paragraphs each."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.reading.build import make_zip

EMPHASIS = re.compile(r"\*([^*]+)\*")
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OPEN = "urn:oasis:names:tc:opendocument:xmlns"


@dataclass(frozen=True, slots=True)
class Story:
    """A book.

    Attributes:
        title: of the book.
        author: of the book.
        front: paragraphs of its title page, besides title and author.
        chapters: title and paragraphs; `*...*` is emphasis.
    """

    title: str
    author: str
    front: Sequence[str]
    chapters: Sequence[tuple[str, Sequence[str]]]


RAIN = Story(
    "Rain",
    "Ann Author",
    ["For all of you."],
    [("Chapter 1: Drizzle", ["It *rained*."]), ("Chapter 2: Flood", ["It poured.", "It ended."])],
)


def _runs(text: str, normal: str, emphasis: str) -> str:
    """Write text with its emphasis, by a template for each kind of run."""
    pieces = EMPHASIS.split(text)
    return "".join(
        (emphasis if number % 2 else normal).format(html.escape(piece, quote=False))
        for number, piece in enumerate(pieces)
        if piece
    )


def word_paragraph(text: str, style: str = "") -> str:
    """Write a paragraph of a Word document."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    space = 'xml:space="preserve"'
    runs = _runs(
        text,
        f"<w:r><w:t {space}>{{}}</w:t></w:r>",
        f"<w:r><w:rPr><w:i/></w:rPr><w:t {space}>{{}}</w:t></w:r>",
    )
    return f"<w:p>{properties}{runs}</w:p>"


def word_styles(styles: Sequence[tuple[str, str, str]]) -> str:
    """Write the styles: identifier, name, what it is based on."""
    inner = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>'
        + (f'<w:basedOn w:val="{based}"/>' if based else "")
        + "</w:style>"
        for key, name, based in styles
    )
    return f'<w:styles xmlns:w="{WORD}">{inner}</w:styles>'


HEADING_STYLES = word_styles(
    [("Title", "Title", ""), ("berschrift1", "heading 1", ""), ("Mine", "Mine", "berschrift1")]
)


def make_docx(
    body: str, *, styles: str = HEADING_STYLES, core: str = "", parts: dict[str, str] | None = None
) -> bytes:
    """Pack a Word document.

    Args:
        body: paragraphs.
        styles: of the document.
        core: elements of its properties.
        parts: other files, instead of or in addition to the usual.
    """
    content_types = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml"'
        ' ContentType="application/xml"/></Types>'
    )
    relationship = (
        f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{RELATIONSHIPS}/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    return make_zip(
        {
            "[Content_Types].xml": content_types,
            "_rels/.rels": relationship,
            "docProps/core.xml": f'<c xmlns:dc="http://purl.org/dc/elements/1.1/">{core}</c>',
            "word/document.xml": f'<w:document xmlns:w="{WORD}" xmlns:r="{RELATIONSHIPS}">'
            f"<w:body>{body}</w:body></w:document>",
            "word/styles.xml": styles,
            **(parts or {}),
        }
    )


def story_docx(story: Story) -> bytes:
    """Write a story as a Word document."""
    front = [f"by {story.author}", *story.front]
    body = word_paragraph(story.title, "Title") + "".join(map(word_paragraph, front))
    for title, paragraphs in story.chapters:
        body += word_paragraph(title, "berschrift1") + "".join(map(word_paragraph, paragraphs))
    core = f"<dc:title>{story.title}</dc:title><dc:creator>{story.author}</dc:creator>"
    return make_docx(body, core=core)


def make_odt(text: str, *, meta: str = "", manifest: str = "", styles: str = "") -> bytes:
    """Pack an OpenDocument text.

    Args:
        text: what its body holds.
        meta: what it says of itself.
        manifest: entries of the list of files.
        styles: automatic styles.
    """
    names = " ".join(
        f'xmlns:{name}="{OPEN}:{name}:1.0"'
        for name in ("office", "text", "style", "table", "meta", "manifest", "draw")
    )
    return make_zip(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": f"<manifest:manifest {names}>{manifest}</manifest:manifest>",
            "content.xml": f"<office:document-content {names}><office:automatic-styles>{styles}"
            f"</office:automatic-styles><office:body><office:text>{text}</office:text>"
            "</office:body></office:document-content>",
            "meta.xml": f'<office:document-meta {names} xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<office:meta>{meta}</office:meta></office:document-meta>",
        }
    )


def open_paragraph(text: str, style: str = "Standard") -> str:
    """Write a paragraph of an OpenDocument text."""
    runs = _runs(text, "{}", "<text:span>{}</text:span>")
    return f'<text:p text:style-name="{style}">{runs}</text:p>'


def open_heading(text: str, level: int = 1) -> str:
    """Write a heading of an OpenDocument text."""
    return f'<text:h text:outline-level="{level}">{html.escape(text, quote=False)}</text:h>'


def story_odt(story: Story) -> bytes:
    """Write a story as an OpenDocument text."""
    front = [f"by {story.author}", *story.front]
    text = open_paragraph(story.title, "Title") + "".join(map(open_paragraph, front))
    for title, paragraphs in story.chapters:
        text += open_heading(title) + "".join(map(open_paragraph, paragraphs))
    meta = (
        f"<dc:title>{story.title}</dc:title>"
        f"<meta:initial-creator>{story.author}</meta:initial-creator>"
    )
    return make_odt(text, meta=meta)


def rtf_text(text: str) -> str:
    """Escape text for RTF, beyond ASCII as numbers with a question mark to fall back on."""
    text = re.sub(r"([\\{}])", r"\\\1", text)
    text = EMPHASIS.sub(r"{\\i \1}", text)
    return "".join(
        character if character.isascii() else f"\\u{_signed(unit)}?"
        for character in text
        for unit in _units(character)
    )


def _units(character: str) -> list[int]:
    data = character.encode("utf-16-le")
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


def _signed(unit: int) -> int:
    return unit - 0x10000 if unit > 0x7FFF else unit


def story_rtf(story: Story, *, outline: bool = True) -> bytes:
    """Write a story as Rich Text, with outline levels or with none."""
    fonts = r"{\fonttbl{\f0\froman\fcharset0 Times New Roman;}{\f1\fswiss\fcharset204 Arial;}}"
    information = rf"{{\info{{\title {story.title}}}{{\author {story.author}}}}}"
    front = [story.title, f"by {story.author}", *story.front]
    paragraphs = [rf"\pard\plain\f0 {rtf_text(text)}\par" for text in front]
    level = r"\outlinelevel0" if outline else ""
    for title, texts in story.chapters:
        paragraphs.append(rf"\pard\plain\s1{level}\f0\b {rtf_text(title)}\b0\par")
        paragraphs += [rf"\pard\plain\f0 {rtf_text(text)}\par" for text in texts]
    body = "\r\n".join(paragraphs)
    return rf"{{\rtf1\ansi\ansicpg1252\deff0{fonts}{information}".encode() + f"{body}}}".encode()


def story_fb2(story: Story) -> bytes:
    """Write a story as a FictionBook."""
    first, _, last = story.author.partition(" ")
    front = "".join(
        f"<p>{html.escape(text, quote=False)}</p>" for text in (f"by {story.author}", *story.front)
    )
    sections = "".join(
        f"<section><title><p>{html.escape(title, quote=False)}</p></title>"
        + "".join(
            "<p>" + _runs(text, "{}", "<emphasis>{}</emphasis>") + "</p>" for text in paragraphs
        )
        + "</section>"
        for title, paragraphs in story.chapters
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info>'
        f"<author><first-name>{first}</first-name><last-name>{last}</last-name></author>"
        f"<book-title>{story.title}</book-title><lang>en</lang></title-info></description>"
        f"<body><title><p>{story.title}</p></title><section>{front}</section>{sections}</body>"
        "</FictionBook>"
    ).encode()
