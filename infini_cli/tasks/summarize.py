"""Summarise a book, by any method; every summary says how much was read, and by what."""

from __future__ import annotations

import time

from infini_cli.errors import UsageError
from infini_cli.progress import Note as NoteEvent
from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, load_book_memory
from infini_cli.tasks import prompts
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.extractive import METHODS as EXTRACTIVE_METHODS
from infini_cli.tasks.extractive import summarize_without_model
from infini_cli.tasks.length import Length, chapter_words, parse_length, trim_to_words
from infini_cli.tasks.merge import MAX_OVERSHOOT, TOKENS_PER_WORD, Merger
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.tasks.support import reliable
from infini_cli.tasks.values import ModelInfo, SectionSummary, Summary
from infini_cli.tasks.writer import write_prompts
from infini_cli.tokens.coverage import Coverage

CLOSED = (
    "this model's gates are closed: it was not trained to remember, so each part is read by "
    "itself and nothing comes out of the memory"
)


def summarize(
    book: Book | None,
    request: SummaryRequest,
    model: Model | None,
    progress: Progress,
) -> Summary:
    """Summarise a book.

    Args:
        book: what was read; None takes the book inside `request.memory`.
        request: method, length and the rest.
        model: who reads and writes; None for the extractive methods.
        progress: told of every step.

    Raises:
        UsageError: the request does not fit the method.
        InputError, MemoryMismatch: the memory file cannot be used.
    """
    if request.method in EXTRACTIVE_METHODS:
        if book is None:
            raise UsageError(f"method `{request.method}` needs a book, not a memory")
        return summarize_without_model(book, request)
    assert model is not None
    return _summarize_with_model(book, request, model, progress)


def _summarize_with_model(
    book: Book | None, request: SummaryRequest, model: Model, progress: Progress
) -> Summary:
    started = time.monotonic()
    book_memory = _book_memory(book, request, model, progress)
    book = book_memory.book if book is None else book
    warnings = list(book.warnings)
    if not model.remembers and request.method == "memory":
        warnings.append(CLOSED)
        progress(NoteEvent(CLOSED, warning=True))
    length = parse_length(request.length, book.num_words)
    text, sections = _write(book, book_memory, request, length, model, progress)
    return Summary(
        title=book.title,
        authors=book.authors,
        source_sha256=book.source_sha256,
        text=text,
        sections=sections,
        method=request.method,
        length=length.label,
        coverage=coverage_of(book_memory, book),
        model=model_info(model),
        seed=request.sampling.seed,
        seconds=round(time.monotonic() - started, 1),
        warnings=tuple(warnings),
    )


def coverage_of(book_memory: BookMemory, book: Book) -> Coverage:
    """State what was read of a book."""
    num_words = book.num_words
    share = book_memory.num_tokens_read / max(1, book_memory.num_tokens)
    return Coverage(
        tokens_read=book_memory.num_tokens_read,
        num_tokens=book_memory.num_tokens,
        num_segments=book_memory.num_segments,
        num_chapters=len(book.kept_chapters),
        words_read=num_words if book_memory.is_complete else int(num_words * share),
        num_words=num_words,
    )


def model_info(model: Model) -> ModelInfo:
    """Say which model it was."""
    return ModelInfo(model.name, model.checkpoint, model.form, model.segment_length)


def _book_memory(
    book: Book | None, request: SummaryRequest, model: Model, progress: Progress
) -> BookMemory:
    if request.memory.memory is not None:
        found = load_book_memory(request.memory.memory, model)
        if request.method != "memory" and not found.notes:
            raise UsageError(
                f"`{request.memory.memory.name}` holds no notes to summarise from",
                hint="read the book again with `infini read`, or use `--method memory`",
            )
        return found
    assert book is not None
    notes = request.method != "memory"
    use_cache = request.memory.use_cache
    return read_through(book, model, progress, notes=notes, use_cache=use_cache).book_memory


def _write(
    book: Book,
    book_memory: BookMemory,
    request: SummaryRequest,
    length: Length,
    model: Model,
    progress: Progress,
) -> tuple[str, tuple[SectionSummary, ...]]:
    words = length.target_words
    merger = Merger(model, book.title, request.sampling, progress, request.question)
    if request.method == "memory":
        prompt = prompts.MEMORY.format(title=book.title, words=words)
        draft = write_prompts(
            model,
            [prompts.with_focus(prompt, request.question)],
            max_tokens=int(words * TOKENS_PER_WORD),
            sampling=request.sampling,
            progress=progress,
            what="summary",
            memory=book_memory.memory,
        )[0]
        return draft.text, ()
    notes = reliable(book_memory.notes)
    if request.by_chapter:
        each = chapter_words(length, len(book.kept_chapters))
        chapters = merger.chapters(notes, each)
        return "", tuple(SectionSummary(*chapter) for chapter in chapters)
    texts = [note.text for note in notes]
    if request.method == "incremental":
        return trim_to_words(merger.incremental(texts, words), round(words * MAX_OVERSHOOT)), ()
    return merger.hierarchical(texts, words), ()
