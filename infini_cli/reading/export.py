"""Write a book's text: plain, Markdown, or one JSON object a block."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from infini_cli.reading.book import Block, BlockKind, Book, Chapter

Exporter = Callable[[Book], Iterator[str]]


def export(book: Book, form: str) -> Iterator[str]:
    """Give the kept chapters as pieces of text, in order.

    Args:
        book: what was read.
        form: `text`, `md` or `jsonl`.
    """
    return EXPORTERS[form](book)


def export_text(book: Book) -> Iterator[str]:
    """Give blocks with blank lines between them."""
    for position, chapter in enumerate(book.kept_chapters):
        yield "\n" if position else ""
        for block in chapter.blocks:
            yield f"{block.text}\n\n" if block is not chapter.blocks[-1] else f"{block.text}\n"


def export_markdown(book: Book) -> Iterator[str]:
    """Give a document with a heading for the book and one for each chapter."""
    yield f"# {book.title}\n"
    if book.authors:
        yield f"\n{', '.join(book.authors)}\n"
    for chapter in book.kept_chapters:
        if not _begins_with_title(chapter):
            yield f"\n## {chapter.title}\n"
        for block in chapter.blocks:
            yield f"\n{_markdown(block)}\n"


def export_jsonl(book: Book) -> Iterator[str]:
    """Give one line a block, with its identifier and its place."""
    for chapter in book.kept_chapters:
        for block in chapter.blocks:
            fields = {
                "schema": "infini/1",
                "id": block.id,
                "chapter": chapter.number,
                "chapter_title": chapter.title,
                "kind": block.kind.value,
                "level": block.level,
                "page": block.page,
                "start": block.start,
                "end": block.end,
                "text": block.text,
            }
            yield json.dumps(fields, ensure_ascii=False) + "\n"


def _begins_with_title(chapter: Chapter) -> bool:
    return bool(chapter.blocks) and chapter.blocks[0].kind is BlockKind.HEADING


def _markdown(block: Block) -> str:
    if block.kind is BlockKind.HEADING:
        return f"{'#' * min(max(block.level, 2), 6)} {block.text}"
    if block.kind is BlockKind.QUOTE:
        return "> " + block.text
    if block.kind is BlockKind.LIST_ITEM:
        return "- " + block.text
    if block.kind is BlockKind.VERSE:
        # Two spaces keep the line ends of verse.
        return block.text.replace("\n", "  \n")
    return block.text


EXPORTERS: dict[str, Exporter] = {
    "text": export_text,
    "md": export_markdown,
    "jsonl": export_jsonl,
}
