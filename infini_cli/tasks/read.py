"""Read a book once and keep what the model remembers of it in a file."""

from __future__ import annotations

import time

from infini_cli.atomic import output_errors
from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.memory_file import load_book_memory, save_book_memory
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.growth import check_growth
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import ReadRequest
from infini_cli.tasks.summarize import coverage_of, model_info
from infini_cli.tasks.values import ReadResult


def read(book: Book, request: ReadRequest, model: Model, progress: Progress) -> ReadResult:
    """Read a book, write notes on its parts, and save both with the memory.

    Args:
        book: what to read.
        request: where to.
        model: who reads.
        progress: told of every segment.

    Raises:
        InputError, MemoryMismatch: the memory to go on from cannot be used.
        UsageError: its text is not the beginning of the book, or the file cannot be written there.
        InfiniError: the disk is full, or the like; what was read is kept.
    """
    started = time.monotonic()
    after = None
    if request.append is not None:
        after = load_book_memory(request.append, model)
        check_growth(after.book, book)
    reading = read_through(
        book, model, progress, notes=True, use_cache=request.use_cache, after=after
    )
    with output_errors(request.destination):
        save_book_memory(request.destination, reading.book_memory)
    return ReadResult(
        title=book.title,
        coverage=coverage_of(reading.book_memory, book),
        model=model_info(model),
        seconds=round(time.monotonic() - started, 1),
        num_notes=len(reading.book_memory.notes),
        num_segments_kept=reading.num_resumed,
    )
