"""What reading yields: a `Book` of `Chapter`s of `Block`s, as plain values.

Every later layer (tokens, model, tasks, display) works on these alone, so a
new file format is one function that returns a `Book`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block is; it decides how it is written out again."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    VERSE = "verse"
    LIST_ITEM = "list_item"
    QUOTE = "quote"
    TABLE_ROW = "table_row"
    SEPARATOR = "separator"


class Matter(StrEnum):
    """Where in a book a chapter belongs."""

    FRONT = "front"
    BODY = "body"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading or line group.

    Attributes:
        id: stable identifier `c03.b0127` (chapter label, running number in the chapter).
        kind: what the block is.
        text: its text, without markup; line breaks only inside verse.
        start: offset of its first character in `Book.text`.
        page: the label of the page it begins on, where the file has pages.
        level: heading level 1 to 6; 0 for anything else.
    """

    id: str
    kind: BlockKind
    text: str
    start: int
    page: str | None = None
    level: int = 0

    @property
    def end(self) -> int:
        """Offset just past its last character in `Book.text`."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A division of a book, in reading order.

    Attributes:
        label: what a reader calls it: `7` in the body, `iii` elsewhere; unique in the book, and
            the same whatever is kept.
        title: from the table of contents, else the heading, else the file.
        title_source: `toc`, `heading`, `file` or `position`.
        blocks: the text.
        matter: front, body or back.
        skip_reason: why it is left out by default; None if it is kept.
        source: where it came from (a path in the EPUB, `pages 3-9`), for display only.
        depth: nesting in the table of contents, 0 at the top.
    """

    label: str
    title: str
    title_source: str
    blocks: tuple[Block, ...]
    matter: Matter = Matter.BODY
    skip_reason: str | None = None
    source: str = ""
    depth: int = 0

    @property
    def kept(self) -> bool:
        """Whether the chapter is read."""
        return self.skip_reason is None

    @property
    def text(self) -> str:
        """The chapter's blocks joined by blank lines."""
        return BLOCK_SEPARATOR.join(block.text for block in self.blocks)

    @property
    def num_words(self) -> int:
        """Whitespace-separated words."""
        return sum(len(block.text.split()) for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Removal:
    """Something taken out of the text, counted and reported.

    Attributes:
        what: `page header`, `note`, `page number`, `licence`, ...
        count: how many times.
        num_words: words taken out in all.
    """

    what: str
    count: int
    num_words: int


@dataclass(frozen=True, slots=True)
class Book:
    """A whole book as read from a file.

    Attributes:
        title: as the file declares it, else the file's name.
        authors: names, possibly none.
        language: BCP 47 tag where declared.
        chapters: all chapters in reading order, those left out included.
        format: `epub`, `pdf`, `text`, `markdown` or `html`.
        source_sha256: hash of the file's bytes, hexadecimal.
        removals: what was taken out of the text.
        warnings: what could not be read properly, one line each.
        encoding: what plain text was decoded with, where it was.
    """

    title: str
    authors: tuple[str, ...]
    language: str | None
    chapters: tuple[Chapter, ...]
    format: str
    source_sha256: str
    removals: tuple[Removal, ...] = ()
    warnings: tuple[str, ...] = ()
    encoding: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def kept_chapters(self) -> tuple[Chapter, ...]:
        """The chapters that are read."""
        return tuple(chapter for chapter in self.chapters if chapter.kept)

    @property
    def text(self) -> str:
        """All chapters, left out ones included; block offsets point into it."""
        return CHAPTER_SEPARATOR.join(chapter.text for chapter in self.chapters)

    @property
    def num_words(self) -> int:
        """Words of the kept chapters."""
        return sum(chapter.num_words for chapter in self.kept_chapters)


BLOCK_SEPARATOR = "\n\n"
CHAPTER_SEPARATOR = "\n\n\n"
