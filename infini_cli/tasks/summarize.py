"""Summarise a book, by any method; every summary says how much was read, and by what."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from infini_cli.errors import UsageError
from infini_cli.grounding.cited import SummarySentence
from infini_cli.progress import Note as NoteEvent
from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory
from infini_cli.store.memory_file import load_book_memory
from infini_cli.tasks.asking import make
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.explain import Explanation
from infini_cli.tasks.extractive import METHODS as EXTRACTIVE_METHODS
from infini_cli.tasks.extractive import summarize_without_model
from infini_cli.tasks.instructions import USUAL
from infini_cli.tasks.length import parse_length
from infini_cli.tasks.model import Model
from infini_cli.tasks.note_groups import note_recipe
from infini_cli.tasks.read_together import read_together as side_by_side
from infini_cli.tasks.requests import USUAL_STYLE, Style, SummaryRequest
from infini_cli.tasks.summary_writer import SummaryWriter
from infini_cli.tasks.values import ModelInfo, SectionSummary, Summary
from infini_cli.tokens.coverage import Coverage

CLOSED = (
    "this model's gates are closed: it was not trained to remember, so each part is read by "
    "itself and nothing comes out of the memory"
)

FOREIGN_NOTES = (
    "the notes in this memory were not written for this style, which asks for others: the summary "
    "is made of them as they are"
)
ROOM_FOR_NOTES = 512
"""Positions kept for what stands around a segment, and for the note on it."""

NOTHING_SUPPORTED = (
    "no sentence that was written is supported by the book, and `--strict` left all of them out"
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
    return summarize_each(book, [request], model, progress)[0]


def summarize_each(
    book: Book | None,
    requests: Sequence[SummaryRequest],
    model: Model | None,
    progress: Progress,
) -> list[Summary]:
    """Summarise a book for several requests side by side, as one batch where that is faster.

    Args:
        book: as for `summarize`.
        requests: that differ in their lengths and questions alone; at least one.
        model: as for `summarize`.
        progress: told of every step.

    Returns:
        A summary for each; the seconds are those of all.

    Raises:
        UsageError, InputError, MemoryMismatch: as for `summarize`.
        ValueError: the requests differ in something else.
    """
    first = requests[0]
    if any(replace(one, length=first.length, question=first.question) != first for one in requests):
        raise ValueError("requests differ in more than length and question")
    if first.method in EXTRACTIVE_METHODS:
        if book is None:
            raise UsageError(f"method `{first.method}` needs a book, not a memory")
        return [summarize_without_model(book, request) for request in requests]
    assert model is not None
    return _summarize_with_model(book, requests, _for_style(model, first.style), progress)


def read_together(
    books: Sequence[Book], request: SummaryRequest, model: Model, progress: Progress
) -> None:
    """Read short books side by side and keep their memories, for summaries to come.

    Args:
        books: those that are not short are left alone.
        request: how they will be summarised.
        model: who reads.
        progress: told of every step.
    """
    instructions = (request.style or USUAL_STYLE).instructions
    side_by_side(books, _for_style(model, request.style), progress, instructions)


def _summarize_with_model(
    book: Book | None, requests: Sequence[SummaryRequest], model: Model, progress: Progress
) -> list[Summary]:
    started, request = time.monotonic(), requests[0]
    book_memory = _book_memory(book, request, model, progress)
    book = book_memory.book if book is None else book
    warnings = list(book.warnings)
    if request.memory.memory is not None and _is_foreign(book_memory, request.style, model):
        warnings.append(FOREIGN_NOTES)
        progress(NoteEvent(FOREIGN_NOTES, warning=True))
    if not model.remembers and request.method == "memory":
        warnings.append(CLOSED)
        progress(NoteEvent(CLOSED, warning=True))
    lengths = [parse_length(request.length, book.num_words) for request in requests]
    works = [
        SummaryWriter(book, book_memory, request, length, model).write()
        for request, length in zip(requests, lengths, strict=True)
    ]
    written = make(works, model, request.sampling, progress)
    coverage, seconds = coverage_of(book_memory, book), round(time.monotonic() - started, 1)
    return [
        Summary(
            title=book.title,
            authors=book.authors,
            source_sha256=book.source_sha256,
            sentences=tuple(sentences),
            sections=tuple(sections),
            method=request.method,
            length=length.label,
            coverage=coverage,
            model=model_info(model),
            seed=request.sampling.seed,
            seconds=seconds,
            warnings=(*warnings, *strict_warnings(request, sentences, sections)),
            explanation=Explanation(tuple(steps), book_memory.notes) if request.explain else None,
            style=request.style.name if request.style is not None else None,
        )
        for request, length, (sentences, sections, steps) in zip(
            requests, lengths, written, strict=True
        )
    ]


def strict_warnings(
    request: SummaryRequest,
    sentences: Sequence[SummarySentence],
    sections: Sequence[SectionSummary],
) -> list[str]:
    """Say where `--strict` left nothing: silence would look like a book without contents."""
    if not request.strict or sentences:
        return []
    empty = [s.chapter_label or s.title for s in sections if not s.sentences]
    if len(empty) == len(sections):
        return [NOTHING_SUPPORTED]
    noun = "section" if sections[0].chapter_label is None else "chapter"
    which = f"{noun}{'s' if len(empty) > 1 else ''} {', '.join(empty)}"
    return [f"of {which} no sentence is supported, and `--strict` left all out"] if empty else []


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
    instructions = (request.style or USUAL_STYLE).instructions
    reading = read_through(
        book, model, progress, notes=notes, use_cache=use_cache, instructions=instructions
    )
    return reading.book_memory


def _for_style(model: Model, style: Style | None) -> Model:
    """Give the model with the segments that a style asks for.

    Raises:
        UsageError: they do not fit the model.
    """
    length = style.segment_length if style is not None else None
    if length is None:
        return model
    most = model.decoder.config.max_position_embeddings - ROOM_FOR_NOTES
    if length > most:
        raise UsageError(
            f"segments of {length:,} tokens do not fit `{model.name}`",
            hint=f"`options.segment_length` can be {most:,} at most",
        )
    return replace(model, segment_length=length)


def _is_foreign(book_memory: BookMemory, style: Style | None, model: Model) -> bool:
    """Tell whether a style asks for other notes than those that there are."""
    if style is None or not book_memory.notes:
        return False
    recipe = note_recipe(model, style.instructions)
    is_other = recipe not in (note_recipe(model, USUAL), book_memory.identity.recipe)
    return is_other or style.segment_length is not None
