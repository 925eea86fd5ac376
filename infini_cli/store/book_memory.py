"""Book memories: what a model keeps of a book; `memory_file.py` keeps them as files.

With one a book is read once and asked many times, a stopped run goes on where it was, and the
book's own file is no longer needed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from infini_cli.errors import MemoryMismatch
from infini_cli.reading.book import Book

if TYPE_CHECKING:
    from infini_models.memory import Memory


@dataclass(frozen=True, slots=True)
class Note:
    """What the model wrote on one segment, while the segment was in its window.

    Attributes:
        segment: index of the segment.
        chapter_label, chapter_title: of the chapter it belongs to.
        text: the note: what of it the segment bears, or its best sentence where nothing is borne.
        support: share of the words of its best sentence that stand in one place of the segment.
        start, end: the segment's offsets in `Book.text`.
        orders: for each sentence of the text the share of its words that stand in one place of the
            segment in the same order, 0 where the place is about others; empty where it was not
            kept.
        confidences: how sure the model was of each, `Draft.confidence`; empty likewise.
        places: offsets in `Book.text` of the sentences that begin in the segment; empty where it
            was not measured how much they matter.
        saliences: how much each matters, as `infini_cli.tasks.salience` takes it.
    """

    segment: int
    chapter_label: str
    chapter_title: str
    text: str
    support: float = 1.0
    start: int = 0
    end: int = 0
    orders: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()
    places: tuple[int, ...] = ()
    saliences: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What a memory depends on; two readings that agree in it give the same memory.

    Attributes:
        model: name, for display.
        checkpoint: hash of the weights, the configuration and the gates.
        form: form of the weights it was computed with.
        tokenizer: sha256 of the tokenizer.
        source: sha256 of the book's file.
        plan: sha256 of the segments, ids and boundaries.
        recipe: hash of the prefix and of the prompts for notes, `` without notes.
    """

    model: str
    checkpoint: str
    form: str
    tokenizer: str
    source: str
    plan: str
    recipe: str

    @property
    def key(self) -> str:
        """Name the reading, hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A point in the middle of a text, to go on from when the text has grown.

    Attributes:
        memory: as it was there.
        num_segments: read until then.
        num_tokens: read until then.
        plan: sha256 of the plan of these segments.
    """

    memory: Memory
    num_segments: int
    num_tokens: int
    plan: str


@dataclass(frozen=True, slots=True)
class BookMemory:
    """What was read of a book, so far or whole.

    Attributes:
        identity: what made it.
        book: the book's kept chapters.
        memory: M and z of every layer, batch of 1.
        num_segments_read: segments read.
        num_segments: segments of the plan.
        num_tokens_read: tokens read.
        num_tokens: tokens of the plan.
        notes: in reading order.
        before: the last point before the last chapter at which notes were written; None where
            there is none.
    """

    identity: Identity
    book: Book
    memory: Memory
    num_segments_read: int
    num_segments: int
    num_tokens_read: int
    num_tokens: int
    notes: tuple[Note, ...] = ()
    before: Snapshot | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the whole plan was read."""
        return self.num_segments_read == self.num_segments

    def advanced(
        self, memory: Memory, num_segments: int, num_tokens: int, notes: tuple[Note, ...]
    ) -> BookMemory:
        """Give the memory after more segments."""
        return replace(
            self,
            memory=memory,
            num_segments_read=self.num_segments_read + num_segments,
            num_tokens_read=self.num_tokens_read + num_tokens,
            notes=self.notes + notes,
        )


def check_model(name: str, identity: Identity, model: Any) -> None:
    """Refuse a memory that another model made, saying in what it differs.

    Raises:
        MemoryMismatch: checkpoint, form or tokenizer differ.
    """
    pairs = {
        "checkpoint": (identity.checkpoint, model.checkpoint),
        "form of the weights": (identity.form, model.form),
        "tokenizer": (identity.tokenizer, model.tokenizer.sha256),
    }
    for what, (made_with, now) in pairs.items():
        if made_with != now:
            raise MemoryMismatch(
                f"`{name}` was made by `{identity.model}` with another {what} "
                f"({made_with[:12]}, now {now[:12]} of `{model.name}`)",
                hint=f"use `--model {identity.model}`, or read the book again with `infini read`",
            )
