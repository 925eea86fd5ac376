"""Write a book's text: plain, Markdown, or one JSON object a block."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from infini_cli.reading.book import (
    BLOCK_SEPARATOR,
    CHAPTER_SEPARATOR,
    Block,
    BlockKind,
    Book,
    Chapter,
)
from infini_cli.schema import SCHEMA

Exporter = Callable[[Book], Iterator[str]]

CHAPTER_LEVEL = 2
MAX_LEVEL = 6
_INLINE = re.compile(r"[\\`*_\[\]<>&#|~]")
_LINE_START = re.compile(r"^(\s*)([-+=]|\d{1,9}[.)])", re.MULTILINE)


def export(book: Book, form: str) -> Iterator[str]:
    """Give the kept chapters as pieces of text, in order.

    Args:
        book: what was read.
        form: `text`, `md` or `jsonl`.
    """
    return EXPORTERS[form](book)


def export_text(book: Book) -> Iterator[str]:
    """Give blocks with blank lines between them, as `Book.text` has them."""
    for position, chapter in enumerate(book.kept_chapters):
        yield CHAPTER_SEPARATOR if position else ""
        yield BLOCK_SEPARATOR.join(block.text for block in chapter.blocks)
    yield "\n"


def export_markdown(book: Book) -> Iterator[str]:
    """Give a document with a heading for the book and one for each chapter."""
    yield f"# {_escaped(book.title)}\n"
    if book.authors:
        yield f"\n{_escaped(', '.join(book.authors))}\n"
    for chapter in book.kept_chapters:
        has_heading = bool(chapter.blocks) and chapter.blocks[0].kind is BlockKind.HEADING
        if not has_heading:
            yield f"\n{'#' * CHAPTER_LEVEL} {_escaped(chapter.title)}\n"
        top = _top_level(chapter, has_heading)
        for number, block in enumerate(chapter.blocks):
            below = 0 if has_heading and number == 0 else max(block.level - top, 1)
            yield f"\n{_markdown(block, min(CHAPTER_LEVEL + below, MAX_LEVEL))}\n"


def export_jsonl(book: Book) -> Iterator[str]:
    """Give one line a block, with its identifier and its place."""
    for chapter in book.kept_chapters:
        for block in chapter.blocks:
            fields = {
                "schema": SCHEMA,
                "id": block.id,
                "chapter": chapter.label,
                "chapter_title": chapter.title,
                "kind": block.kind.value,
                "level": block.level,
                "page": block.page,
                "start": block.start,
                "end": block.end,
                "text": block.text,
            }
            yield json.dumps(fields, ensure_ascii=False) + "\n"


def _top_level(chapter: Chapter, has_heading: bool) -> int:
    """Give the level of a chapter's own heading, there or not: sections are below it."""
    if has_heading:
        return chapter.blocks[0].level
    return min((block.level for block in chapter.blocks if block.level), default=1) - 1


def _markdown(block: Block, level: int) -> str:
    text = _escaped(block.text)
    match block.kind:
        case BlockKind.HEADING:
            return f"{'#' * level} {text}"
        case BlockKind.QUOTE:
            return f"> {text}"
        case BlockKind.LIST_ITEM:
            return f"- {text}"
        case BlockKind.VERSE:
            # A backslash keeps the line ends of verse.
            return text.replace("\n", "\\\n")
        case BlockKind.SEPARATOR:
            return "* * *"
        case _:
            return text


def _escaped(text: str) -> str:
    """Keep the text of a book from being taken for markup."""
    return _LINE_START.sub(_escape_line_start, _INLINE.sub(r"\\\g<0>", text))


def _escape_line_start(match: re.Match[str]) -> str:
    space, mark = match.groups()
    return f"{space}{mark[:-1]}\\{mark[-1]}"


EXPORTERS: dict[str, Exporter] = {
    "text": export_text,
    "md": export_markdown,
    "jsonl": export_jsonl,
}
