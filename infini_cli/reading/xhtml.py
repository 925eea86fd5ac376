"""Markup to blocks: a chapter of an EPUB, or an HTML file.

The tree is walked once, in document order. Block elements end a block, `br` a line. What is
no running text is left out and counted: notes and their marks, page numbers (kept as the
page of the blocks that follow), pronunciation aids, navigation, hidden elements.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import lxml.html
from lxml import etree

from infini_cli.errors import InputTooLarge
from infini_cli.reading.book import BlockKind, Removal
from infini_cli.reading.limits import MAX_NESTING
from infini_cli.reading.raw import RawBlock, ReadOptions

BLOCK_TAGS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    }
)
SKIPPED_TAGS = frozenset(
    {
        "audio",
        "canvas",
        "head",
        "iframe",
        "math",
        "nav",
        "noscript",
        "object",
        "rp",
        "rt",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "title",
        "video",
    }
)
CELL_TAGS = frozenset({"td", "th"})
PAGE_ROLES = frozenset({"pagebreak", "doc-pagebreak"})
MARK_ROLES = frozenset({"noteref", "doc-noteref", "backlink", "doc-backlink"})
NOTE_ROLES = frozenset({"footnote", "footnotes", "doc-footnote", "rearnote", "annotation"})
PICTURE_TAGS = frozenset({"img", "image", "svg"})

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""Soft hyphens, zero-width spaces, word joiners: they would make one word look like another."""


@dataclass(frozen=True, slots=True)
class ParsedMarkup:
    """A document's text.

    Attributes:
        blocks: in order.
        anchors: element identifiers, each with the index of the block it stands at or before.
        title: the document's `title`, if it has one.
        language: of the document, if it says so.
        roles: `epub:type` words of the body and of the sections that hold all of it.
        removals: what was left out.
        last_page: label of the page that the document ends on, where pages are marked.
        num_pictures: pictures met.
    """

    blocks: tuple[RawBlock, ...]
    anchors: dict[str, int]
    title: str | None
    language: str | None
    roles: frozenset[str]
    removals: tuple[Removal, ...]
    last_page: str | None = None
    num_pictures: int = 0


def read_markup(
    text: str, options: ReadOptions | None = None, page: str | None = None
) -> ParsedMarkup:
    """Take a document apart.

    Args:
        text: decoded markup; broken markup is read as browsers do.
        options: nothing of them concerns markup yet.
        page: label of the page that the document begins on.

    Raises:
        InputTooLarge: elements are nested deeper than in any book.
    """
    text = _DECLARATION.sub("", text.replace("\x00", ""), count=1)
    if not text.strip():
        return ParsedMarkup((), {}, None, None, frozenset(), ())
    parser = lxml.html.HTMLParser(
        huge_tree=True, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = lxml.html.document_fromstring(text, parser=parser)
    except (etree.LxmlError, ValueError):
        return ParsedMarkup((), {}, None, None, frozenset(), ())
    walk = _Walk(page)
    walk.run(root)
    title = root.findtext(".//title")
    return ParsedMarkup(
        blocks=tuple(walk.blocks),
        anchors=walk.anchors,
        title=_SPACE.sub(" ", title).strip() or None if title else None,
        language=root.get("lang") or root.get("xml:lang"),
        roles=_document_roles(root),
        removals=tuple(
            Removal(what, count, walk.removed_words[what]) for what, count in walk.removed.items()
        ),
        last_page=walk.page,
        num_pictures=walk.num_pictures,
    )


def roles_of(element: etree._Element) -> frozenset[str]:
    """Give the words of `epub:type` and `role`, lower case, without prefixes."""
    words = f"{element.get('epub:type') or ''} {element.get('role') or ''}".lower().split()
    return frozenset(word.rpartition(":")[2].removeprefix("doc-") for word in words)


def _document_roles(root: etree._Element) -> frozenset[str]:
    body = root.find("body")
    roles: frozenset[str] = frozenset()
    while body is not None:
        roles |= roles_of(body)
        children = [child for child in body if isinstance(child.tag, str)]
        inner = [child for child in children if child.tag in ("section", "article", "div")]
        if len(inner) != 1 or len(children) != 1:
            break
        body = inner[0]
    return roles


@dataclass
class _Walk:
    """State of one pass over a tree."""

    page: str | None
    blocks: list[RawBlock] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    removed: Counter[str] = field(default_factory=Counter)
    removed_words: Counter[str] = field(default_factory=Counter)
    num_pictures: int = 0
    pieces: list[str] = field(default_factory=list)
    stack: list[etree._Element] = field(default_factory=list)
    block_page: str | None = None

    def run(self, root: etree._Element) -> None:
        """Visit every element; an explicit stack, since markup may nest without end."""
        steps: list[tuple[etree._Element, bool]] = [(root, False)]
        while steps:
            element, is_end = steps.pop()
            if is_end:
                self._leave(element)
                self.stack.pop()
                self._add(element.tail)
                continue
            if self._skip(element):
                self._add(element.tail)
                continue
            if len(self.stack) > MAX_NESTING:
                raise InputTooLarge("markup is nested deeper than in any book")
            self._enter(element)
            self.stack.append(element)
            self._add(element.text)
            steps.append((element, True))
            steps.extend((child, False) for child in reversed(element))
        self._flush()

    def _skip(self, element: etree._Element) -> bool:
        tag, roles = element.tag, roles_of(element)
        self._note_anchor(element)
        if tag in PICTURE_TAGS:
            self.num_pictures += 1
        if roles & PAGE_ROLES or "pagebreak" in roles:
            label = element.get("title") or element.get("aria-label") or _text(element)
            self.page = label.strip(" .") or self.page
            self._remove("page number", element)
            return True
        if roles & MARK_ROLES:
            self._remove("note mark", element)
            return True
        if roles & NOTE_ROLES and tag != "body":
            self._flush()
            self._remove("note", element)
            return True
        if tag in ("rt", "rp"):
            self._remove("pronunciation", element)
            return True
        if tag in SKIPPED_TAGS:
            if tag == "nav":
                self._remove("navigation", element)
            return True
        style = (element.get("style") or "").replace(" ", "").lower()
        if element.get("hidden") is not None or "display:none" in style:
            self._remove("hidden text", element)
            return True
        return False

    def _enter(self, element: etree._Element) -> None:
        tag = element.tag
        if tag == "br":
            self.pieces.append("\n")
        elif tag in CELL_TAGS:
            if any(piece.strip() for piece in self.pieces):
                self.pieces.append("\t")
        elif tag in BLOCK_TAGS:
            if self._in_row():
                self._break_line()
            else:
                self._flush()
        if tag == "hr":
            self.blocks.append(RawBlock(BlockKind.SEPARATOR, "* * *", page=self.page))

    def _leave(self, element: etree._Element) -> None:
        if element.tag == "tr" or (element.tag in BLOCK_TAGS and not self._in_row()):
            self._flush(element)
        elif element.tag in BLOCK_TAGS:
            self._break_line()

    def _in_row(self) -> bool:
        return any(element.tag == "tr" for element in self.stack[-8:])

    def _break_line(self) -> None:
        joined = "".join(self.pieces)
        if joined.strip() and not joined.endswith(("\n", "\t")):
            self.pieces.append("\n")

    def _add(self, text: str | None) -> None:
        if not text:
            return
        if not any(element.tag == "pre" for element in self.stack[-4:]):
            text = _SPACE.sub(" ", text)
        if not self.pieces:
            self.block_page = self.page
        self.pieces.append(text.translate(_INVISIBLE))

    def _flush(self, element: etree._Element | None = None) -> None:
        raw, self.pieces = "".join(self.pieces), []
        lines = [line.strip(" \n\r\f\t") for line in raw.split("\n")]
        text = re.sub(r"\n{2,}", "\n", "\n".join(_SPACE_RUN.sub(" ", line) for line in lines))
        text = text.strip("\n")
        if not text.strip():
            return
        kind, level = self._kind(element, text)
        if kind is not BlockKind.VERSE:
            text = text.replace("\n", " ")
        self.blocks.append(RawBlock(kind, text, level=level, page=self.block_page or self.page))

    def _kind(self, element: etree._Element | None, text: str) -> tuple[BlockKind, int]:
        path = [*self.stack] if element is None or element in self.stack[-1:] else self.stack
        tags = [str(e.tag) for e in path]
        for tag in reversed(tags):
            if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
                return BlockKind.HEADING, int(tag[1])
        if "hgroup" in tags[-2:]:
            return BlockKind.HEADING, 6
        if "\n" in text:
            return BlockKind.VERSE, 0
        if "tr" in tags[-6:]:
            return BlockKind.TABLE_ROW, 0
        if "li" in tags[-3:]:
            return BlockKind.LIST_ITEM, 0
        if "blockquote" in tags:
            return BlockKind.QUOTE, 0
        return BlockKind.PARAGRAPH, 0

    def _note_anchor(self, element: etree._Element) -> None:
        for name in (element.get("id"), element.get("name") if element.tag == "a" else None):
            if name:
                # Text already gathered belongs to the block before the anchor's place only
                # if the anchor is itself a block.
                self.anchors.setdefault(name, len(self.blocks))

    def _remove(self, what: str, element: etree._Element) -> None:
        for inner in element.iter():
            if isinstance(inner.tag, str) and inner is not element:
                self._note_anchor(inner)
        self.removed[what] += 1
        self.removed_words[what] += len(_text(element).split())


_SPACE_RUN = re.compile(r"[ \r\f]{2,}")


def _text(element: etree._Element) -> str:
    return "".join(_texts(element))


def _texts(element: etree._Element) -> Iterator[str]:
    for piece in element.itertext():
        yield str(piece)
