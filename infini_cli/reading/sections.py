"""Cut blocks that carry heading levels into chapters: Markdown and HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from infini_cli.reading.book import BlockKind
from infini_cli.reading.headings import Rank, parse_heading
from infini_cli.reading.raw import RawBlock, RawChapter

MIN_WORDS_PER_CHAPTER = 100


@dataclass(frozen=True, slots=True)
class Sections:
    """Chapters and the title that the headings gave the book.

    Attributes:
        chapters: in order.
        title: of the book, if one heading stands above all others.
    """

    chapters: list[RawChapter]
    title: str | None


def split_sections(blocks: Sequence[RawBlock], title: str) -> Sections:
    """Cut at the headings of the highest level that occurs more than once.

    A single heading above it is the book's title. Where the upper level are
    parts, the level below is cut as well.

    Args:
        blocks: the whole text.
        title: for what stands before the first heading, and for a text without any.
    """
    levels = _chapter_levels(blocks)
    top = blocks[0] if blocks and blocks[0].kind is BlockKind.HEADING else None
    own_title = top.text if top is not None and levels and top.level < levels[0] else None
    chapters: list[RawChapter] = []
    heading: RawBlock | None = None
    pending: list[RawBlock] = []

    def close() -> None:
        if not pending:
            return
        if heading is None:
            source = "heading" if own_title else "file"
            chapters.append(RawChapter(own_title or title, source, tuple(pending)))
        else:
            depth = levels.index(heading.level)
            chapters.append(RawChapter(heading.text, "heading", tuple(pending), depth=depth))

    for block in blocks:
        if block.kind is BlockKind.HEADING and block.level in levels:
            close()
            heading, pending = block, []
        pending.append(block)
    close()
    return Sections(chapters, own_title)


def _chapter_levels(blocks: Sequence[RawBlock]) -> list[int]:
    """Return the heading levels at which chapters begin, the upper one first."""
    headings = [block for block in blocks if block.kind is BlockKind.HEADING]
    counts = Counter(block.level for block in headings)
    repeated = sorted(level for level, count in counts.items() if count > 1)
    if not repeated:
        # A lone heading names the text only if it stands at its head.
        return [headings[0].level] if headings and blocks[0] is not headings[0] else []
    upper = repeated[0]
    parts = [parse_heading(block.text) for block in headings if block.level == upper]
    num_parts = sum(1 for part in parts if part is not None and part.rank is Rank.DIVISION)
    if len(repeated) > 1 and 2 * num_parts >= len(parts):
        return [upper, repeated[1]]
    return [upper]
