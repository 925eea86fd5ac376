"""Turn what a format's reader found into a `Book`: labels, identifiers, offsets, matter."""

from __future__ import annotations

from collections.abc import Iterator

from infini_cli.errors import NoTextInput
from infini_cli.reading.book import BLOCK_SEPARATOR, CHAPTER_SEPARATOR, Block, Book, Chapter
from infini_cli.reading.labels import block_id, label_chapters
from infini_cli.reading.matter import classify
from infini_cli.reading.raw import RawBook, RawChapter


def assemble(raw: RawBook, *, source_sha256: str) -> Book:
    """Turn a raw book into a book: label it, and decide which chapters are left out.

    Blocks without a word and chapters without a block are dropped. `Book.text` from a
    block's `start` to its `end` is the block's text.

    Raises:
        NoTextInput: nothing is left.
    """
    kept = [chapter for chapter in map(_without_empty_blocks, raw.chapters) if chapter.blocks]
    if not kept:
        raise NoTextInput(
            f"`{raw.title}` holds no text", hint="a scan needs text recognition first"
        )
    return Book(
        title=raw.title,
        authors=raw.authors,
        language=raw.language,
        chapters=tuple(_chapters(kept, raw)),
        format=raw.format,
        source_sha256=source_sha256,
        removals=raw.removals,
        warnings=raw.warnings,
        encoding=raw.encoding,
        metadata=raw.metadata,
    )


def _without_empty_blocks(chapter: RawChapter) -> RawChapter:
    blocks = tuple(block for block in chapter.blocks if block.text.strip())
    return RawChapter(
        chapter.title, chapter.title_source, blocks, chapter.source, chapter.depth, chapter.roles
    )


def _chapters(raw_chapters: list[RawChapter], raw: RawBook) -> Iterator[Chapter]:
    offset = 0
    placed = list(classify(raw_chapters, raw.title, raw.authors))
    labels = label_chapters(place for _, place in placed)
    for label, (chapter, place) in zip(labels, placed, strict=True):
        blocks: list[Block] = []
        for position, block in enumerate(chapter.blocks, 1):
            blocks.append(
                Block(
                    id=block_id(label, position),
                    kind=block.kind,
                    text=block.text,
                    start=offset,
                    page=block.page,
                    level=block.level,
                )
            )
            offset += len(block.text) + len(BLOCK_SEPARATOR)
        # After a chapter's last block stands the chapter separator, not the block separator.
        offset += len(CHAPTER_SEPARATOR) - len(BLOCK_SEPARATOR)
        yield Chapter(
            label=label,
            title=chapter.title,
            title_source=chapter.title_source,
            blocks=tuple(blocks),
            matter=place.matter,
            skip_reason=place.skip_reason,
            source=chapter.source,
            depth=chapter.depth,
        )
