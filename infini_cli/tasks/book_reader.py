"""Stream a book through the model: memory carried on, notes written, nothing lost on the way.

Segments are read in order. With notes, each segment's window is kept until a group is full;
then the notes of the group are written as one batch, and the state is saved. Groups depend on
the plan alone, so a run that was stopped goes on at the last saved group and ends in the same
state, bit for bit. Without notes the state is saved every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli import paths
from infini_cli.errors import InfiniError
from infini_cli.progress import Note as NoteEvent
from infini_cli.progress import Progress, ReadingClock, silent
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import (
    SUFFIX,
    BookMemory,
    Identity,
    Note,
    Snapshot,
    load_book_memory,
    save_book_memory,
)
from infini_cli.tasks import prompts
from infini_cli.tasks.growth import continued
from infini_cli.tasks.instructions import USUAL
from infini_cli.tasks.model import Model
from infini_cli.tasks.notes import make_note
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.support import MIN_SUPPORT, NAME_REACH, NOTE_REACH
from infini_cli.tasks.writer import NO_REPEAT_NGRAM_SIZE, REPETITION_PENALTY, write_branches
from infini_cli.tokens.chat import Message
from infini_cli.tokens.segments import Segment, SegmentPlan, plan_segments

if TYPE_CHECKING:
    from infini_models.generate import Branch
    from infini_models.memory import Memory

MIN_GROUP_BYTES = 256 * 1024 * 1024
GROUP_SHARE = 0.1
"""Of the bytes of the weights, but no less than above: what the keys and values of a group may take
while notes are written, each segment's once, and room for its notes. The larger the model, the
more a step costs, whatever the number of texts."""
MAX_GROUP_SEGMENTS = 24
SEGMENTS_TO_GIVE_BACK = 4
"""Read before what lies between their keys and values goes back to the system."""
NOTE_TOKENS = 64
SECONDS_BETWEEN_SAVES = 15.0


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
    questions: Sequence[str] = USUAL.questions,
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
        questions: what the model is told about each segment; each brings a sentence or two.
        after: what was read of the text before it grew.
    """
    plan = plan_segments(book, model.tokenizer, model.segment_length)
    identity = _identity(book, model, plan, note_recipe(questions) if notes else "", use_memory)
    path = paths.memories_dir() / f"{identity.key}{SUFFIX}" if use_cache else None
    start = _restore(path, model, progress) if path is not None else None
    grown = continued(after, identity, book, plan) if after is not None else None
    if start is None or (grown and grown.num_segments_read > start.num_segments_read):
        start = grown
    if start is None:
        start = BookMemory(
            identity, book, model.decoder.empty_memory(), 0, len(plan.segments), 0, plan.num_tokens
        )
    run = _Run(start, plan, model, progress, path, notes, use_memory, questions)
    return Reading(run.finish(), plan, start.num_segments_read)


def kept_notes(book: Book, model: Model) -> tuple[Note, ...]:
    """Give the usual notes on a book that an earlier run kept; none if it was not read to its end.

    Args:
        book: what they are on.
        model: who wrote them.
    """
    plan = plan_segments(book, model.tokenizer, model.segment_length)
    identity = _identity(book, model, plan, note_recipe(USUAL.questions), use_memory=True)
    path = paths.memories_dir() / f"{identity.key}{SUFFIX}"
    found = _restore(path, model, silent)
    return found.notes if found is not None and found.is_complete else ()


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


def note_recipe(questions: Sequence[str]) -> str:
    """Hash what notes depend on besides the model and the text."""
    return prompts.notes_recipe(
        NOTE_TOKENS,
        NO_REPEAT_NGRAM_SIZE,
        REPETITION_PENALTY,
        MIN_SUPPORT,
        NOTE_REACH,
        NAME_REACH,
        questions=questions,
    )


def _restore(path: Path, model: Model, progress: Progress) -> BookMemory | None:
    if not path.is_file():
        return None
    try:
        return load_book_memory(path, model)
    except InfiniError as error:
        progress(NoteEvent(f"{error.message}; reading the book again", warning=True))
        return None


class _Run:
    """One pass over what is left of a plan."""

    def __init__(
        self,
        start: BookMemory,
        plan: SegmentPlan,
        model: Model,
        progress: Progress,
        path: Path | None,
        notes: bool,
        use_memory: bool,
        questions: Sequence[str],
    ) -> None:
        self.state, self.plan, self.model = start, plan, model
        self.progress, self.path, self.notes = progress, path, notes
        self.use_memory = use_memory
        turn = [Message("system", prompts.SYSTEM), Message("user", "")]
        split = model.chat.split(turn, 1)
        encode = model.tokenizer.encode
        self.prefix = [*split.before, *encode(prompts.PART_INTRODUCTION)]
        self.suffixes = [[*encode(question), *split.after] for question in questions]
        last = plan.segments[-1].chapter_label if plan.segments else ""
        self.last_chapter = len(plan.segments) - len(plan.chapter_segments(last))
        self.max_group_bytes = max(MIN_GROUP_BYTES, int(GROUP_SHARE * model.decoder.num_bytes))
        self.last_save = time.monotonic()
        self.clock = ReadingClock(
            start.book.title,
            len(plan.segments),
            plan.num_tokens,
            done_tokens=start.num_tokens_read,
        )

    def finish(self) -> BookMemory:
        """Read to the end of the plan; what is saved survives any interruption."""
        from infini_models.machine import give_back_memory

        memory = self.state.memory
        group: list[tuple[Segment, list[Branch]]] = []
        waiting: list[Segment] = []
        group_bytes = 0
        for segment in self.plan.segments[self.state.num_segments_read :]:
            branches, memory = self._read(segment, memory)
            waiting.append(segment)
            if branches:
                group.append((segment, branches))
                group_bytes += _num_bytes(branches)
            self._tell(segment, waiting)
            if len(waiting) % SEGMENTS_TO_GIVE_BACK == 0:
                give_back_memory()
            if self._is_due(segment, group, group_bytes):
                self._save(memory, waiting, self._write_notes(group))
                group, waiting, group_bytes = [], [], 0
                give_back_memory()
        return self.state

    def _read(self, segment: Segment, memory: Memory) -> tuple[list[Branch], Memory]:
        import torch
        from infini_models.generate import Branch

        ids_1S = torch.tensor([[*self.prefix, *segment.ids.tolist()]])
        before = memory if self.use_memory else None
        with torch.inference_mode():
            result = self.model.decoder.read_segment(
                ids_1S,
                before,
                num_prefix=len(self.prefix),
                keep_cache=self.notes,
                memory_only=not self.notes,
            )
        after = memory if result.memory is None else result.memory
        if not self.notes:
            return [], after
        # A note is written with the memory of all before, the segment itself being in sight.
        branches = [
            Branch(suffix, NOTE_TOKENS, result.cache, before, stream=segment.index)
            for suffix in self.suffixes
        ]
        return branches, after

    def _is_due(
        self, segment: Segment, group: Sequence[tuple[Segment, list[Branch]]], group_bytes: int
    ) -> bool:
        if segment.index == len(self.plan.segments) - 1:
            return True
        if not self.notes:
            return time.monotonic() - self.last_save >= SECONDS_BETWEEN_SAVES
        return len(group) >= MAX_GROUP_SEGMENTS or group_bytes >= self.max_group_bytes

    def _write_notes(self, group: Sequence[tuple[Segment, list[Branch]]]) -> tuple[Note, ...]:
        if not group:
            return ()
        drafts = write_branches(
            self.model,
            [branch for _, branches in group for branch in branches],
            sampling=SamplingRequest(),
            progress=self.progress,
            what="notes",
            done=len(self.state.notes) * len(self.suffixes),
            total=len(self.plan.segments) * len(self.suffixes),
        )
        written = iter(drafts)
        return tuple(
            make_note(
                segment,
                self.model.tokenizer.decode(segment.ids.tolist()),
                [next(written) for _ in branches],
            )
            for segment, branches in group
        )

    def _save(self, memory: Memory, segments: Sequence[Segment], notes: tuple[Note, ...]) -> None:
        num_tokens = sum(segment.num_tokens for segment in segments)
        self.state = self.state.advanced(memory, len(segments), num_tokens, notes)
        num_read = self.state.num_segments_read
        if self.notes and num_read <= self.last_chapter:
            plan = self.plan.prefix_sha256(num_read)
            point = Snapshot(memory, num_read, self.state.num_tokens_read, plan)
            self.state = replace(self.state, before=point)
        self.last_save = time.monotonic()
        if self.path is None:
            return
        try:
            save_book_memory(self.path, self.state)
        except OSError as error:
            self.progress(NoteEvent(f"the state cannot be saved: {error.strerror}", warning=True))
            self.path = None

    def _tell(self, segment: Segment, waiting: Sequence[Segment]) -> None:
        tokens = self.state.num_tokens_read + sum(s.num_tokens for s in waiting)
        event = self.clock.at(
            segment.index + 1, tokens, segment.chapter_title, segment.chapter_label
        )
        self.progress(event)


def _num_bytes(branches: Sequence[Branch]) -> int:
    """Give the bytes of keys and values that writing after one segment takes."""
    cache = branches[0].cache
    assert cache is not None
    room = len(branches) * max(len(branch.prompt) + branch.max_tokens for branch in branches)
    return cache.num_bytes * (cache.num_tokens + room) // cache.num_tokens
