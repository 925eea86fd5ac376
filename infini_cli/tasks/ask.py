"""Answer questions about a book: from passages found in it, and from the model's memory.

The memory is lossy and cannot cite; passages can. The best passages by BM25 go into the
model's window, the question after them. A model whose gates are closed gets nothing from its
memory, so for it the book is searched whole and not read through. A question that the book's
words do not bear is declined before the model sees it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from infini_cli.grounding.passages import Passages
from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory
from infini_cli.store.memory_file import load_book_memory
from infini_cli.tasks.answerer import Answerer, WriteText
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import AnswerRequest, MemoryRequest, SamplingRequest
from infini_cli.tasks.values import Answer

QUESTIONS_AT_ONCE = 8
"""Written as one batch, six times as fast as one by one; their passages are all in memory."""


def ask(
    book: Book | None,
    request: AnswerRequest,
    model: Model,
    progress: Progress,
    write: WriteText = None,
) -> Iterator[Answer]:
    """Answer questions, in order and a few at a time.

    Args:
        book: what was read; None takes the book inside `request.memory`.
        request: the questions and the rest.
        model: who answers.
        progress: told of every step.
        write: takes the model's words as they are written.

    Raises:
        InputError, MemoryMismatch: the memory file cannot be used.
    """
    started = time.monotonic()
    answerer = prepare(
        book, model, progress, request.memory, request.sampling, memory_only=request.memory_only
    )
    for first in range(0, len(request.questions), QUESTIONS_AT_ONCE):
        questions = request.questions[first : first + QUESTIONS_AT_ONCE]
        yield from answerer.answer(questions, progress, write, started)
        started = time.monotonic()


def prepare(
    book: Book | None,
    model: Model,
    progress: Progress,
    memory: MemoryRequest,
    sampling: SamplingRequest,
    *,
    memory_only: bool = False,
) -> Answerer:
    """Read a book, as far as the model gains by it, and make it searchable.

    Args:
        book: what was read; None takes the book inside `memory`.
        model: who is to answer.
        progress: told of every segment.
        memory: which book memory is used.
        sampling: how words are chosen.
        memory_only: whether the model sees no passages, only its memory.

    Raises:
        InputError, MemoryMismatch: the memory file cannot be used.
    """
    book_memory = _book_memory(book, model, progress, memory, memory_only)
    if book is None:
        assert book_memory is not None
        book = book_memory.book
    return Answerer(book, book_memory, None if memory_only else Passages(book), sampling, model)


def _book_memory(
    book: Book | None,
    model: Model,
    progress: Progress,
    memory: MemoryRequest,
    memory_only: bool,
) -> BookMemory | None:
    if memory.memory is not None:
        return load_book_memory(memory.memory, model)
    assert book is not None
    if not model.remembers and not memory_only:
        return None
    use_cache = memory.use_cache
    return read_through(book, model, progress, notes=False, use_cache=use_cache).book_memory
