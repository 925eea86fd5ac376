"""The tasks as the verbs call them: everything that brings torch in is imported here, late.

Where a person watches, `ask` is given a function that takes the model's words as they are
written; what stands around them follows when the answer is whole.

A verb that needs no weights (`toc`, `extract`, `--method lead`) never comes here for a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

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

WriteText = Callable[[str], None] | None


class TaskResult(Protocol):
    """What a task yields: a value that can be rendered."""

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""


def open_model(options: ModelOptions, progress: Progress) -> Any:
    """Load a model, fetching it first where it is not on this machine.

    Raises:
        ModelError: it cannot be had or used.
    """
    module = import_module("infini_cli.tasks.model")
    return module.open_model(options.model, offline=options.offline, progress=progress)


def summarize(
    book: Book | None,
    request: SummaryRequest,
    model: Any,
    progress: Progress,
) -> TaskResult:
    """Summarise a book; None stands for the book inside `request.memory`."""
    module = import_module("infini_cli.tasks.summarize")
    summary: TaskResult = module.summarize(book, request, model, progress)
    return summary


def ask(
    book: Book | None,
    request: AnswerRequest,
    model: Any,
    progress: Progress,
    write: WriteText = None,
) -> Iterator[TaskResult]:
    """Answer questions, one after the other."""
    module = import_module("infini_cli.tasks.ask")
    yield from module.ask(book, request, model, progress, write)


def read(book: Book, request: ReadRequest, model: Any, progress: Progress) -> TaskResult:
    """Read a book and write its memory."""
    module = import_module("infini_cli.tasks.read")
    read: TaskResult = module.read(book, request, model, progress)
    return read


def render(result: TaskResult, form: str) -> str:
    """Write a summary or an answer as `md`, `text` or `json`."""
    module = import_module("infini_cli.tasks.render")
    text: str = module.render(result, form)
    return text


def sampling_request(options: WritingOptions) -> SamplingRequest:
    """Take the sampling from the command line."""
    return SamplingRequest(options.temperature, options.top_p, options.top_k, options.seed)


def memory_request(options: MemoryOptions) -> MemoryRequest:
    """Take the use of memories from the command line."""
    return MemoryRequest(options.memory, use_cache=not options.no_cache)
