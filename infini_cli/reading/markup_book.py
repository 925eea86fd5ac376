"""Make a book of one document whose headings are its chapters: HTML, and what becomes HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from infini_cli.reading.book import BlockKind
from infini_cli.reading.gutenberg import strip_licence_blocks
from infini_cli.reading.headings import is_chapter_heading
from infini_cli.reading.raw import RawBlock, RawBook
from infini_cli.reading.sections import split_sections
from infini_cli.reading.xhtml import ParsedMarkup

FOUND_HEADING_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file says of itself.

    Attributes:
        title: None if it names none.
        authors: in order.
        language: None if it names none.
    """

    title: str | None = None
    authors: tuple[str, ...] = ()
    language: str | None = None


def book_of_markup(
    markup: ParsedMarkup,
    name: str,
    kind: str,
    declared: Declared,
    *,
    warnings: Sequence[str] = (),
    encoding: str | None = None,
) -> RawBook:
    """Cut a document into chapters at its headings.

    Args:
        markup: the document.
        name: of the file; the title where nothing else names one.
        kind: the format, for display.
        declared: what the file says of itself.
        warnings: what was wrong with it.
        encoding: that it was decoded from, where there was a choice.
    """
    fallback = PurePath(name).stem or name
    sections = split_sections(markup.blocks, declared.title or fallback)
    stripped = strip_licence_blocks(sections.chapters)
    return RawBook(
        title=declared.title or sections.title or fallback,
        authors=declared.authors,
        language=declared.language,
        format=kind,
        chapters=stripped.chapters,
        removals=(*markup.removals, *stripped.removals),
        warnings=tuple(warnings),
        encoding=encoding,
    )


def with_found_headings(markup: ParsedMarkup) -> ParsedMarkup:
    """Take lines worded like chapter headings for such where no style says what a heading is."""
    if any(block.kind is BlockKind.HEADING for block in markup.blocks):
        return markup
    found = [
        block.kind is BlockKind.PARAGRAPH and is_chapter_heading(block.text)
        for block in markup.blocks
    ]
    blocks = tuple(
        RawBlock(BlockKind.HEADING, block.text, FOUND_HEADING_LEVEL, block.page)
        if is_one
        else block
        for block, is_one in zip(markup.blocks, found, strict=True)
    )
    return replace(markup, blocks=blocks)
