"""`infini ask`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from infini_cli.commands import engine
from infini_cli.commands.inputs import open_book, read_questions, refuse_choice
from infini_cli.commands.options import (
    BookPath,
    Format,
    Json,
    MemoryOptions,
    ModelOptions,
    Output,
    ReadingOptions,
    ResultFormat,
    WritingOptions,
)
from infini_cli.commands.results import write_lines, write_streamed
from infini_cli.commands.verb import verb
from infini_cli.errors import UsageError
from infini_cli.tasks.requests import AnswerRequest
from infini_cli.ui.output import check_destination
from infini_cli.ui.terminal import Terminal

Question = Annotated[str | None, typer.Argument(metavar="QUESTION", help="What to ask.")]
Questions = Annotated[
    Path | None,
    typer.Option(
        "--questions",
        help="Questions, one a line (text or JSON Lines); answers come as JSON Lines.",
        metavar="FILE",
    ),
]
MemoryOnly = Annotated[
    bool,
    typer.Option("--memory-only", help="Show the model no passages: what does it remember?"),
]


@verb
def command(
    terminal: Terminal,
    reading: ReadingOptions,
    model: ModelOptions,
    writing: WritingOptions,
    memories: MemoryOptions,
    book: BookPath = None,
    question: Question = None,
    questions: Questions = None,
    memory_only: MemoryOnly = False,
    form: Format = ResultFormat.MARKDOWN,
    json: Json = False,
    output: Output = None,
) -> None:
    """Ask a book a question; the answer cites its passages.

    Where the book does not answer, infini says so.
    """
    path, asked = sort_out(book, question, questions, memories.memory)
    refuse_choice(reading, memories.memory)
    check_destination(output, [path, questions, memories.memory])
    request = AnswerRequest(
        questions=asked,
        memory_only=memory_only,
        sampling=engine.sampling_request(writing),
        memory=engine.memory_request(memories),
    )
    written = ResultFormat.JSON if json else form
    with terminal.progress() as progress:
        found = None if memories.memory else open_book(path, reading, terminal)
        answer = partial(engine.ask, found, request, engine.open_model(model, progress), progress)
        if questions is not None:
            write_lines(terminal, answer(), output)
        elif written is ResultFormat.JSON:
            terminal.write(engine.render(next(answer()), written), output)
        else:
            write_streamed(terminal, lambda write: next(answer(write)), written, output)


def sort_out(
    book: Path | None, question: str | None, questions: Path | None, memory: Path | None
) -> tuple[Path | None, tuple[str, ...]]:
    """Tell book and question apart: with `--memory` or `--questions` only one is needed.

    Args:
        book: the first argument.
        question: the second.
        questions: a file of questions.
        memory: a book memory in place of the book.

    Returns:
        The book's path, None where a memory takes its place; and the questions.

    Raises:
        UsageError: a question is missing, or there is one too many.
    """
    if memory is not None:
        if book is not None and question is not None:
            raise UsageError(
                "give a book or `--memory`, not both", hint="the memory holds its book"
            )
        book, question = None, question or (str(book) if book is not None else None)
    if questions is not None:
        if question is not None:
            raise UsageError("give a question or `--questions`, not both")
        return book, read_questions(questions)
    if question is None or not question.strip():
        raise UsageError("no question given", hint='infini ask BOOK "Who wrote the letter?"')
    return book, (question,)
