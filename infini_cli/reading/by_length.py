"""Cut a book that is one chapter into sections by length: none of its headings was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from infini_cli.reading.book import BlockKind
from infini_cli.reading.labels import pages_title
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter

MIN_WORDS = 15_000
"""Of a chapter that is cut; a story or an essay may well have none."""
MIN_SHARE = 0.9
"""Of a book's words in such a chapter; beside it stand title pages and licences."""
SECTION_WORDS = 5_000
PATIENCE_WORDS = 1_000
"""Beyond the length of a section, for a break that the author made."""


def cut_by_length(raw: RawBook) -> RawBook:
    """Cut the one long chapter of a book, if it has no other, and say so.

    Sections end with a block, so that nothing is torn, and do not depend on what comes later, so
    that a text can grow.
    """
    sizes = [_num_words(chapter.blocks) for chapter in raw.chapters]
    longest = max(sizes, default=0)
    if longest < MIN_WORDS or longest < MIN_SHARE * sum(sizes):
        return raw
    place = sizes.index(longest)
    chapter = raw.chapters[place]
    sections = [
        _section(chapter, number, blocks)
        for number, blocks in enumerate(_sections(chapter.blocks), 1)
    ]
    if len(sections) == 1:
        return raw
    warning = f"no chapter headings were found: it was cut into {len(sections)} sections by length"
    return replace(
        raw,
        chapters=(*raw.chapters[:place], *sections, *raw.chapters[place + 1 :]),
        warnings=(*raw.warnings, warning),
    )


def _section(chapter: RawChapter, number: int, blocks: tuple[RawBlock, ...]) -> RawChapter:
    """Name a section by its pages, which a reader can find, or else by its number."""
    title, source = f"Section {number}", chapter.source
    first, last = blocks[0].page, blocks[-1].page
    if first is not None and last is not None:
        title = pages_title(first, last)
        source = title.lower()
    return replace(chapter, title=title, title_source="position", source=source, blocks=blocks)


def _sections(blocks: Sequence[RawBlock]) -> Iterator[tuple[RawBlock, ...]]:
    begin = num_words = 0
    for end, block in enumerate(blocks, 1):
        num_words += len(block.text.split())
        is_break = block.kind is BlockKind.SEPARATOR
        if num_words >= SECTION_WORDS + (0 if is_break else PATIENCE_WORDS) and end < len(blocks):
            yield tuple(blocks[begin:end])
            begin, num_words = end, 0
    yield tuple(blocks[begin:])


def _num_words(blocks: Sequence[RawBlock]) -> int:
    return sum(len(block.text.split()) for block in blocks)
