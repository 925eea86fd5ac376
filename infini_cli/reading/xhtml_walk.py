"""One pass over a document's tree, gathering blocks of text.

Block elements end a block, `br` a line. What is no running text is left out and counted:
notes and their marks, page numbers (kept as the page of the blocks that follow),
pronunciation aids, navigation, hidden elements.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from lxml import etree

from infini_cli.errors import InputTooLarge
from infini_cli.reading.book import BlockKind
from infini_cli.reading.limits import MAX_NESTING
from infini_cli.reading.raw import RawBlock


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLOCK_TAGS = _words(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html li main ol p pre "
    "section summary table tbody tfoot thead tr ul"
)
SKIPPED_TAGS = _words(
    "audio canvas datalist head iframe math noscript object script select style svg template "
    "title video"
)
COUNTED_TAGS = {"nav": "navigation", "rt": "pronunciation", "rp": "pronunciation"}
CELL_TAGS = _words("td th")
PICTURE_TAGS = _words("img image svg")
HEADING_LEVELS = {f"h{level}": level for level in range(1, 7)}
NOTE_ROLES = _words("footnote footnotes endnote endnotes rearnote rearnotes")
ROLE_REMOVALS = {
    "pagebreak": "page number",
    "noteref": "note mark",
    "backlink": "note mark",
    **dict.fromkeys(NOTE_ROLES, "note"),
}
SUBTITLE_LEVEL = 6
MAX_PARAGRAPHS_IN_ROW = 6
SEPARATOR_TEXT = "* * *"

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""Soft hyphens, zero-width spaces, word joiners: they would make one word look like another."""
_SPACES = re.compile(r"\s+")
_SPACES_IN_LINE = re.compile(r"[^\S\n\t]+")


def roles_of(element: etree._Element) -> frozenset[str]:
    """Give the words of `epub:type` and `role`, lower case, without prefixes."""
    kind, role = element.get("epub:type"), element.get("role")
    if kind is None and role is None:
        return frozenset()
    words = f"{kind or ''} {role or ''}".lower().split()
    return frozenset(word.rpartition(":")[2].removeprefix("doc-") for word in words)


class Anchor(NamedTuple):
    """Where an element with an identifier is.

    Attributes:
        block: index of the block it stands in or before.
        roles: what it and the elements around it are.
    """

    block: int
    roles: frozenset[str]


@dataclass
class Walk:
    """State of the pass.

    Attributes:
        page: label of the page reached.
        document_roles: of the document as a whole; in a file of notes, notes are the text.
        chapter_anchors: identifiers that the table of contents names; notes that it names are
            a chapter of their own.
        blocks: gathered so far.
        anchors: by identifier.
        removed: how often something was left out.
        removed_words: its words.
        num_pictures: met so far.
    """

    page: str | None = None
    document_roles: frozenset[str] = frozenset()
    chapter_anchors: frozenset[str] = frozenset()
    blocks: list[RawBlock] = field(default_factory=list)
    anchors: dict[str, Anchor] = field(default_factory=dict)
    removed: Counter[str] = field(default_factory=Counter)
    removed_words: Counter[str] = field(default_factory=Counter)
    num_pictures: int = 0
    _pieces: list[str] = field(default_factory=list)
    _tags: list[str] = field(default_factory=list)
    _roles: list[frozenset[str]] = field(default_factory=lambda: [frozenset()])
    _block_page: str | None = None

    def run(self, root: etree._Element) -> None:
        """Visit every element; the stack is a list, since markup may nest without end.

        Raises:
            InputTooLarge: it nests deeper than in any book.
        """
        steps: list[tuple[etree._Element, bool]] = [(root, False)]
        while steps:
            element, is_end = steps.pop()
            if is_end:
                self._leave()
            elif self._is_left_out(element):
                pass
            else:
                self._enter(element)
                steps.append((element, True))
                steps.extend((child, False) for child in reversed(element))
                continue
            if element is not root:
                self._add(element.tail)
        self._flush()

    def _enter(self, element: etree._Element) -> None:
        tag = _tag(element)
        if len(self._tags) >= MAX_NESTING:
            raise InputTooLarge("markup is nested deeper than in any book")
        if tag in BLOCK_TAGS:
            self._end_block()
        self._roles.append(self._roles[-1] | roles_of(element))
        self._mark(element)
        # A row that holds a page, as in books laid out by tables, is no row of text.
        self._tags.append("div" if tag == "tr" and _is_layout(element) else tag)
        if tag == "br":
            self._pieces.append("\n")
        elif tag == "hr":
            self.blocks.append(RawBlock(BlockKind.SEPARATOR, SEPARATOR_TEXT, page=self.page))
        elif tag in CELL_TAGS and "tr" not in self._tags:
            self._flush()
        elif tag in CELL_TAGS and any(piece.strip() for piece in self._pieces):
            self._pieces.append("\t")
        self._add(element.text)

    def _leave(self) -> None:
        if self._tags[-1] == "tr":
            self._flush()
        elif self._tags[-1] in BLOCK_TAGS:
            self._end_block()
        self._tags.pop()
        self._roles.pop()

    def _is_left_out(self, element: etree._Element) -> bool:
        tag, roles = _tag(element), roles_of(element)
        if tag in PICTURE_TAGS:
            self.num_pictures += 1
        what = COUNTED_TAGS.get(tag) or self._removal_by_role(roles, element)
        if what is None and _is_hidden(element):
            what = "hidden text"
        if what is None and tag not in SKIPPED_TAGS:
            return False
        if tag in BLOCK_TAGS:
            self._end_block()
        text = "".join(map(str, element.itertext()))
        if "pagebreak" in roles:
            label = element.get("title") or element.get("aria-label") or text
            self.page = label.strip(" .") or self.page
        for inner in element.iter():
            self._mark(inner)
        if what is not None:
            self.removed[what] += 1
            self.removed_words[what] += len(text.split())
        return True

    def _removal_by_role(self, roles: frozenset[str], element: etree._Element) -> str | None:
        reason = next((ROLE_REMOVALS[role] for role in roles if role in ROLE_REMOVALS), None)
        if reason == "note" and (
            (self._roles[-1] | self.document_roles) & NOTE_ROLES
            or any(inner.get("id") in self.chapter_anchors for inner in element.iter())
        ):
            return None
        return reason

    def _mark(self, element: etree._Element) -> None:
        names = [element.get("id"), element.get("name") if _tag(element) == "a" else None]
        for name in filter(None, names):
            self.anchors.setdefault(name, Anchor(len(self.blocks), self._roles[-1]))

    def _add(self, text: str | None) -> None:
        if not text:
            return
        spaces = _SPACES_IN_LINE if "pre" in self._tags else _SPACES
        if not self._pieces:
            self._block_page = self.page
        self._pieces.append(spaces.sub(" ", text.translate(_INVISIBLE)))

    def _end_block(self) -> None:
        """End a block, or in a table's row a line: a row is one block."""
        if "tr" not in self._tags:
            self._flush()
        elif self._pieces and self._pieces[-1] not in ("\n", "\t"):
            self._pieces.append("\n")

    def _flush(self) -> None:
        raw, self._pieces = "".join(self._pieces), []
        lines = (_SPACES_IN_LINE.sub(" ", line).strip() for line in raw.split("\n"))
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        kind, level = _kind(self._tags, has_lines="\n" in text)
        if kind is not BlockKind.VERSE:
            text = text.replace("\n", " ")
        self.blocks.append(RawBlock(kind, text, level=level, page=self._block_page))


def _kind(tags: Sequence[str], *, has_lines: bool) -> tuple[BlockKind, int]:
    """Tell what a block is by the elements around it, innermost first."""
    for tag in reversed(tags):
        if tag in HEADING_LEVELS:
            return BlockKind.HEADING, HEADING_LEVELS[tag]
        if tag == "hgroup":
            return BlockKind.HEADING, SUBTITLE_LEVEL
        if tag == "tr":
            return BlockKind.TABLE_ROW, 0
    if has_lines:
        return BlockKind.VERSE, 0
    for tag in reversed(tags):
        if tag == "li":
            return BlockKind.LIST_ITEM, 0
        if tag == "blockquote":
            return BlockKind.QUOTE, 0
    return BlockKind.PARAGRAPH, 0


def _tag(element: etree._Element) -> str:
    """Give an element's name without the prefix that some XHTML has."""
    return str(element.tag).rpartition(":")[2]


def _is_layout(row: etree._Element) -> bool:
    if next(row.iter("table", *HEADING_LEVELS), None) is not None:
        return True
    return len(list(islice(row.iter("p"), MAX_PARAGRAPHS_IN_ROW + 1))) > MAX_PARAGRAPHS_IN_ROW


def _is_hidden(element: etree._Element) -> bool:
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    return style is not None and "display:none" in "".join(style.split()).lower()
