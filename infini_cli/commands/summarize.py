"""`infini summarize`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from infini_cli.commands import engine
from infini_cli.commands.inputs import STDIN, open_book
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
from infini_cli.commands.results import write_results
from infini_cli.commands.verb import verb
from infini_cli.errors import UsageError
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.ui.output import refuse_to_overwrite
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


MethodOption = Annotated[
    Method,
    typer.Option("--method", help="How; `lead` and `textrank` use no model.", show_default=True),
]
Length = Annotated[
    str,
    typer.Option(
        "--length", help="`short`, `medium`, `long`, `10%` of the book or `300w`.", metavar="LENGTH"
    ),
]
By = Annotated[
    Scope, typer.Option("--by", help="Summarise the book, or every chapter.", show_default=True)
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Leave out sentences that the book does not support.")
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
    method: MethodOption = Method.NOTES,
    length: Length = "medium",
    by: By = Scope.BOOK,
    strict: Strict = False,
    explain: Explain = False,
    form: Format = ResultFormat.MARKDOWN,
    json: Json = False,
    output: Output = None,
) -> None:
    """Summarise books."""
    if memories.memory is not None and books:
        raise UsageError("give a book or `--memory`, not both", hint="the memory holds its book")
    refuse_to_overwrite(output, books or ())
    request = summary_request(method, length, by, writing, memories, strict=strict, explain=explain)
    written = ResultFormat.JSON if json else form
    with terminal.progress() as progress:
        loaded = None
        results = []
        for path in books or [STDIN]:
            book = None if memories.memory else open_book(path, reading, terminal)
            if loaded is None and method not in METHODS_WITHOUT_MODEL:
                loaded = engine.open_model(model, progress)
            results.append(engine.summarize(book, request, loaded, progress))
        write_results(terminal, results, written, output)
        if explain and written is not ResultFormat.JSON:
            for summary in results:
                terminal.outline(engine.render_explanation(summary))


def summary_request(
    method: Method,
    length: str,
    by: Scope,
    writing: WritingOptions,
    memories: MemoryOptions,
    *,
    strict: bool = False,
    explain: bool = False,
) -> SummaryRequest:
    """Put a request together from the options that `summarize` and `batch` share."""
    return SummaryRequest(
        method=method.value,
        length=length,
        by_chapter=by is Scope.CHAPTER,
        strict=strict,
        explain=explain,
        sampling=engine.sampling_request(writing),
        memory=engine.memory_request(memories),
    )
