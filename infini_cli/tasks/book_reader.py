"""Read a book, or go on where an earlier run stopped, or take what it kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infini_cli import paths
from infini_cli.errors import InfiniError
from infini_cli.progress import Note as NoteEvent
from infini_cli.progress import Progress, silent
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, Identity, Note
from infini_cli.store.memory_file import SUFFIX, load_book_memory
from infini_cli.tasks.growth import continued
from infini_cli.tasks.instructions import USUAL, Instructions
from infini_cli.tasks.model import Model
from infini_cli.tasks.note_groups import note_recipe
from infini_cli.tasks.reading_run import ReadingRun
from infini_cli.tokens.segments import SegmentPlan, plan_segments


@dataclass(frozen=True, slots=True)
class Reading:
    """A book that was read.

    Attributes:
        book_memory: what is left of it.
        plan: what was read.
        num_resumed: segments that an earlier run had read.
    """

    book_memory: BookMemory
    plan: SegmentPlan
    num_resumed: int


def read_through(
    book: Book,
    model: Model,
    progress: Progress,
    *,
    notes: bool,
    use_cache: bool,
    use_memory: bool = True,
    instructions: Instructions = USUAL,
    after: BookMemory | None = None,
) -> Reading:
    """Read all kept chapters of a book, going on where an earlier run stopped.

    Args:
        book: what to read.
        model: who reads.
        progress: told of every segment.
        notes: whether a note is written on every segment.
        use_cache: whether an earlier run's state is used, and this one's kept.
        use_memory: whether the memory is on; off, each segment is read by the base alone, and
            only the notes are left.
        instructions: what the model is told about each segment.
        after: what was read of the text before it grew.
    """
    plan = plan_segments(book, model.tokenizer, model.segment_length)
    identity = _identity(
        book, model, plan, note_recipe(model, instructions) if notes else "", use_memory
    )
    path = _path(identity) if use_cache else None
    start = _restore(path, model, progress) if path is not None else None
    grown = continued(after, identity, book, plan) if after is not None else None
    if start is None or (grown and grown.num_segments_read > start.num_segments_read):
        start = grown
    if start is None:
        start = _unread(identity, book, model, plan)
    run = ReadingRun(start, plan, model, progress, path, notes, use_memory, instructions)
    return Reading(run.finish(), plan, start.num_segments_read)


def kept_notes(book: Book, model: Model) -> tuple[Note, ...]:
    """Give the usual notes on a book that an earlier run kept; none if it was not read to its end.

    Args:
        book: what they are on.
        model: who wrote them.
    """
    plan = plan_segments(book, model.tokenizer, model.segment_length)
    identity = _identity(book, model, plan, note_recipe(model, USUAL), use_memory=True)
    found = _restore(_path(identity), model, silent)
    return found.notes if found is not None and found.is_complete else ()


def begin_afresh(
    book: Book, model: Model, progress: Progress, instructions: Instructions
) -> ReadingRun:
    """Make a pass over a book, whatever an earlier run kept of it; the state is kept, with notes.

    Args:
        book: what to read.
        model: who reads.
        progress: told of every segment.
        instructions: what the model is told about each segment.
    """
    plan = plan_segments(book, model.tokenizer, model.segment_length)
    identity = _identity(book, model, plan, note_recipe(model, instructions), use_memory=True)
    start = _unread(identity, book, model, plan)
    path = _path(identity)
    return ReadingRun(start, plan, model, progress, path, True, True, instructions)


def is_kept(run: ReadingRun) -> bool:
    """Tell whether an earlier run kept what a pass over a book will leave."""
    found = _restore(_path(run.state.identity), run.model, silent)
    return found is not None and found.is_complete


def _path(identity: Identity) -> Path:
    return paths.memories_dir() / f"{identity.key}{SUFFIX}"


def _unread(identity: Identity, book: Book, model: Model, plan: SegmentPlan) -> BookMemory:
    memory = model.decoder.empty_memory()
    return BookMemory(identity, book, memory, 0, len(plan.segments), 0, plan.num_tokens)


def _identity(
    book: Book, model: Model, plan: SegmentPlan, recipe: str, use_memory: bool
) -> Identity:
    return Identity(
        model=model.name,
        checkpoint=model.checkpoint,
        form=model.form,
        tokenizer=model.tokenizer.sha256,
        source=book.source_sha256,
        plan=plan.sha256,
        recipe=recipe if use_memory else f"{recipe} memory off",
    )


def _restore(path: Path, model: Model, progress: Progress) -> BookMemory | None:
    if not path.is_file():
        return None
    try:
        return load_book_memory(path, model)
    except InfiniError as error:
        progress(NoteEvent(f"{error.message}; reading the book again", warning=True))
        return None
