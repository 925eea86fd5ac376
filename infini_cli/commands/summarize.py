"""`infini summarize`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from infini_cli.commands import engine
from infini_cli.commands.inputs import STDIN, open_book, refuse_choice
from infini_cli.commands.options import (
    BookPaths,
    Format,
    Json,
    MemoryOptions,
    ModelOptions,
    Output,
    ReadingOptions,
    ResultFormat,
    WritingOptions,
)
from infini_cli.commands.results import write_summaries
from infini_cli.commands.verb import verb
from infini_cli.errors import UsageError
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.ui.output import check_destination
from infini_cli.ui.terminal import Terminal


class Method(StrEnum):
    """What `--method` may be."""

    NOTES = "notes"
    HIERARCHICAL = "hierarchical"
    INCREMENTAL = "incremental"
    MEMORY = "memory"
    LEAD = "lead"
    TEXTRANK = "textrank"


METHODS_WITHOUT_MODEL = (Method.LEAD, Method.TEXTRANK)


class Scope(StrEnum):
    """What `--by` may be."""

    BOOK = "book"
    CHAPTER = "chapter"


# None stands for what the style says, or else for what is usual.
StyleOption = Annotated[
    str | None,
    typer.Option(
        "--style",
        help="How it is written: a recipe that `infini recipes list` shows, or a file of your own.",
        metavar="NAME|FILE.toml",
    ),
]
MethodOption = Annotated[
    Method | None,
    typer.Option("--method", help="How; `lead` and `textrank` use no model. Usually `notes`."),
]
Length = Annotated[
    str | None,
    typer.Option(
        "--length",
        help="`short`, `medium`, `long`, `10%` of the book or `300w`. Usually `medium`.",
        metavar="LENGTH",
    ),
]
By = Annotated[
    Scope | None,
    typer.Option("--by", help="Summarise the book, as is usual, or every chapter."),
]
Strict = Annotated[
    bool | None,
    typer.Option(
        "--strict/--no-strict", help="Leave out sentences that the book does not support."
    ),
]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain", help="Tell which text became what: on standard error, or in the JSON."
    ),
]


@verb
def command(
    terminal: Terminal,
    reading: ReadingOptions,
    model: ModelOptions,
    writing: WritingOptions,
    memories: MemoryOptions,
    books: BookPaths = None,
    style: StyleOption = None,
    method: MethodOption = None,
    length: Length = None,
    by: By = None,
    strict: Strict = None,
    explain: Explain = False,
    form: Format = ResultFormat.MARKDOWN,
    json: Json = False,
    output: Output = None,
) -> None:
    """Summarise books."""
    if memories.memory is not None and books:
        raise UsageError("give a book or `--memory`, not both", hint="the memory holds its book")
    refuse_choice(reading, memories.memory)
    check_destination(output, [*(books or ()), memories.memory])
    request = summary_request(
        method, length, by, writing, memories, style=style, strict=strict, explain=explain
    )
    written = ResultFormat.JSON if json else form
    with terminal.progress() as progress:
        # All of them, so that a file that cannot be read is told before one is summarised.
        opened = [
            None if memories.memory else open_book(path, reading, terminal)
            for path in books or [STDIN]
        ]
        needs_model = request.method not in METHODS_WITHOUT_MODEL
        loaded = engine.open_model(model, progress) if needs_model else None
        made = (engine.summarize(book, request, loaded, progress) for book in opened)
        results = write_summaries(terminal, made, written, output)
        if explain and written is not ResultFormat.JSON:
            for summary in results:
                terminal.outline(engine.render_explanation(summary))


def summary_request(
    method: Method | None,
    length: str | None,
    by: Scope | None,
    writing: WritingOptions,
    memories: MemoryOptions,
    *,
    style: str | None = None,
    strict: bool | None = None,
    explain: bool = False,
) -> SummaryRequest:
    """Put a request together from the options that `summarize` and `batch` share.

    What the command line says wins over the style, and the style over what is usual.

    Raises:
        InputNotFound, UsageError: the style cannot be used.
    """
    from infini_cli.tasks.recipes import request_of

    return request_of(
        style,
        method=method.value if method is not None else None,
        length=length,
        by_chapter=by is Scope.CHAPTER if by is not None else None,
        strict=strict,
        explain=explain,
        sampling=engine.sampling_request(writing),
        memory=engine.memory_request(memories),
    )
