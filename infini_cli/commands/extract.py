"""`infini extract`."""

from __future__ import annotations

from typing import Annotated

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.inputs import open_book
from infini_cli.commands.options import BookPath, Json, Output, ReadingOptions, TextFormat
from infini_cli.commands.toc import book_facts, chapter_facts
from infini_cli.commands.verb import verb
from infini_cli.reading.book import Book
from infini_cli.ui.output import check_destination
from infini_cli.ui.terminal import Terminal


@verb
def command(
    terminal: Terminal,
    reading: ReadingOptions,
    book: BookPath = None,
    form: Annotated[
        TextFormat,
        typer.Option("--format", "-f", help="Form of the text; `jsonl` is one block a line."),
    ] = TextFormat.TEXT,
    json: Json = False,
    output: Output = None,
) -> None:
    """Write the text of a book, cleaned and in reading order."""
    from infini_cli.reading.export import export

    check_destination(output, [book])
    found = open_book(book, reading, terminal)
    if json:
        terminal.write(to_json({"book": book_facts(found), "chapters": _chapters(found)}), output)
        return
    terminal.write(export(found, form.value), output)


def _chapters(book: Book) -> list[dict[str, object]]:
    """Give the kept chapters with their blocks."""
    facts = {fact["label"]: fact for fact in chapter_facts(book)}
    return [
        {
            **facts[chapter.label],
            "blocks": [
                {
                    "id": block.id,
                    "kind": block.kind.value,
                    "level": block.level,
                    "start": block.start,
                    "end": block.end,
                    "page": block.page,
                    "text": block.text,
                }
                for block in chapter.blocks
            ],
        }
        for chapter in book.kept_chapters
    ]
