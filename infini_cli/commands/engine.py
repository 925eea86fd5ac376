"""The tasks as the verbs call them: everything that brings torch in is imported here, late.

Where a person watches, `ask` is given a function that takes the model's words as they are
written; what stands around them follows when the answer is whole.

A verb that needs no weights (`toc`, `extract`, `--method lead`) never comes here for a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from infini_cli.commands.options import MemoryOptions, ModelOptions, WritingOptions
from infini_cli.progress import Progress
from infini_cli.tasks.requests import (
    AnswerRequest,
    MemoryRequest,
    ReadRequest,
    SamplingRequest,
    SummaryRequest,
)

if TYPE_CHECKING:
    from infini_cli.reading.book import Book
    from infini_cli.tasks.chat import Chat
    from infini_cli.tasks.model import Model
    from infini_cli.tasks.values import Answer, ReadResult, Summary

    TaskResult = Summary | Answer

WriteText = Callable[[str], None] | None


def open_model(options: ModelOptions, progress: Progress) -> Model:
    """Load a model, fetching it first where it is not on this machine.

    Raises:
        ModelError: it cannot be had or used.
    """
    from infini_cli.tasks import model

    return model.open_model(
        options.model,
        adapter=options.adapter,
        writer=options.writer,
        salience=options.salience,
        offline=options.offline,
        progress=progress,
    )


def summarize(
    book: Book | None, request: SummaryRequest, model: Model | None, progress: Progress
) -> Summary:
    """Summarise a book; None stands for the book inside `request.memory`."""
    from infini_cli.tasks.summarize import summarize

    return summarize(book, request, model, progress)


def read_together(
    books: Sequence[Book], request: SummaryRequest, model: Model, progress: Progress
) -> None:
    """Read short books side by side, for summaries to come."""
    from infini_cli.tasks.summarize import read_together

    read_together(books, request, model, progress)


def ask(
    book: Book | None,
    request: AnswerRequest,
    model: Model,
    progress: Progress,
    write: WriteText = None,
) -> Iterator[Answer]:
    """Answer questions, one after the other."""
    from infini_cli.tasks.ask import ask

    yield from ask(book, request, model, progress, write)


def begin_chat(
    book: Book | None,
    memory: MemoryRequest,
    sampling: SamplingRequest,
    model: Model,
    progress: Progress,
) -> Chat:
    """Read a book and begin to talk about it; None stands for the book inside `memory`."""
    from infini_cli.tasks.chat import begin

    return begin(book, memory, sampling, model, progress)


def reply(chat: Chat, question: str, progress: Progress, write: WriteText = None) -> Chat:
    """Answer the next question of a conversation."""
    from infini_cli.tasks.chat import reply

    return reply(chat, question, progress, write)


def read(book: Book, request: ReadRequest, model: Model, progress: Progress) -> ReadResult:
    """Read a book and write its memory."""
    from infini_cli.tasks.read import read

    return read(book, request, model, progress)


def render(result: TaskResult, form: str) -> str:
    """Write a summary or an answer as `md`, `text` or `json`."""
    from infini_cli.tasks.render import render

    return render(result, form)


def render_explanation(summary: Summary) -> str:
    """Write which text became what."""
    from infini_cli.tasks.render_explanation import render_explanation

    return render_explanation(summary)


def sampling_request(options: WritingOptions) -> SamplingRequest:
    """Take the sampling from the command line."""
    return SamplingRequest(options.temperature, options.top_p, options.top_k, options.seed)


def memory_request(options: MemoryOptions) -> MemoryRequest:
    """Take the use of memories from the command line."""
    return MemoryRequest(options.memory, use_cache=not options.no_cache)
