"""`infini read`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infini_cli.commands import engine
from infini_cli.commands.documents import to_json
from infini_cli.commands.inputs import open_book
from infini_cli.commands.options import BookPath, Json, ModelOptions, ReadingOptions
from infini_cli.commands.verb import verb
from infini_cli.errors import UsageError
from infini_cli.tasks.requests import ReadRequest
from infini_cli.ui import phrases
from infini_cli.ui.output import check_destination
from infini_cli.ui.terminal import Terminal

SUFFIX = ".infmem"

MemoryFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help=f"The memory's file; the book's name with `{SUFFIX}` if not given.",
        metavar="FILE",
    ),
]
Append = Annotated[
    Path | None,
    typer.Option(
        "--append",
        help="A memory of the same text before it grew: what is new is read, and little more.",
        metavar="MEMORY",
    ),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read it again even if it was read.")]


@verb
def command(
    terminal: Terminal,
    reading: ReadingOptions,
    model: ModelOptions,
    book: BookPath = None,
    output: MemoryFile = None,
    append: Append = None,
    no_cache: NoCache = False,
    json: Json = False,
) -> None:
    """Read a book once and keep the memory of it in a file."""
    destination = output or _destination(book)
    check_destination(destination, [book])
    request = ReadRequest(destination, use_cache=not no_cache, append=append)
    with terminal.progress() as progress:
        found = open_book(book, reading, terminal)
        result = engine.read(found, request, engine.open_model(model, progress), progress)
    if json:
        terminal.write(to_json({"path": str(destination), **result.to_dict()}))
    else:
        size = phrases.size(destination.stat().st_size)
        if append is not None:
            kept = phrases.count(result.num_segments_kept, "segment")
            terminal.note(f"{kept} of {result.coverage.num_segments:,} had been read before")
        terminal.note(f"wrote `{destination}`, {size}")


def _destination(book: Path | None) -> Path:
    if book is None or str(book) == "-":
        raise UsageError("no file for the memory given", hint=f"name one: `-o book{SUFFIX}`")
    return Path(f"{book.stem}{SUFFIX}")
