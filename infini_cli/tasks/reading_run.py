"""One pass over a book: memory carried on, notes asked for, nothing lost on the way.

Segments are read in order. With notes, each segment's window is kept until a group is full; then
the pass stops until the notes of the group are written, and saves the state. Groups depend on the
segments alone, so a run that was stopped goes on at the last saved group and ends in the same
state, bit for bit. Without notes the state is saved every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.progress import Note as NoteEvent
from infini_cli.progress import Progress, ReadingClock
from infini_cli.store.book_memory import BookMemory, Note, Snapshot
from infini_cli.store.memory_file import pack_text, save_book_memory
from infini_cli.tasks.frame import frame
from infini_cli.tasks.instructions import Instructions
from infini_cli.tasks.model import Model
from infini_cli.tasks.note_groups import (
    MAX_GROUP_SEGMENTS,
    MAX_SHORT_SEGMENTS,
    Group,
    Steps,
    advance,
    max_group_bytes,
    num_bytes,
    write_notes,
)
from infini_cli.tasks.note_questions import NoteQuestions
from infini_cli.tasks.notes import make_note
from infini_cli.tasks.writer import Draft
from infini_cli.tokens.segments import Segment, SegmentPlan

if TYPE_CHECKING:
    from infini_models.generate import Branch
    from infini_models.memory import Memory
    from torch import Tensor

SEGMENTS_TO_GIVE_BACK = 4
"""Read before what lies between their keys and values goes back to the system."""
SECONDS_BETWEEN_SAVES = 15.0


@dataclass(frozen=True, slots=True)
class _Read:
    """A segment that was read.

    Attributes:
        segment: as planned.
        saliences: how much each sentence matters that begins in it, by its place.
        num_drafts: notes that are asked for on it.
    """

    segment: Segment
    saliences: dict[int, float]
    num_drafts: int


class ReadingRun:
    """One pass over what is left of a plan.

    Args:
        start: what was read before.
        plan: of the book.
        model: who reads.
        progress: told of every segment.
        path: where the state is saved; None: nowhere.
        notes: whether a note is written on every segment.
        use_memory: whether the memory is on.
        instructions: what the model is told about each segment.
    """

    def __init__(
        self,
        start: BookMemory,
        plan: SegmentPlan,
        model: Model,
        progress: Progress,
        path: Path | None,
        notes: bool,
        use_memory: bool,
        instructions: Instructions,
    ) -> None:
        self.state, self.plan, self.model = start, plan, model
        self.progress, self.path = progress, path
        self.use_memory = use_memory
        self.prefix = frame(model).before
        self.questions = NoteQuestions(model, start.book, instructions) if notes else None
        last = plan.segments[-1].chapter_label if plan.segments else ""
        self.last_chapter = len(plan.segments) - len(plan.chapter_segments(last))
        self.max_group_bytes = max_group_bytes(model)
        self.text: Tensor | None = None
        self.last_save = time.monotonic()
        self.clock = ReadingClock(
            start.book.title,
            len(plan.segments),
            plan.num_tokens,
            done_tokens=start.num_tokens_read,
        )

    def finish(self) -> BookMemory:
        """Read to the end of the plan; what is saved survives any interruption."""
        steps, drafts = self.steps(), None
        while group := advance(steps, drafts):
            drafts = write_notes(
                self.model,
                group,
                self.progress,
                done=self._notes_on(self.state.num_segments_read),
                total=self.num_notes,
                independent=self.is_short,
                is_taught=self.is_taught,
            )
        return self.state

    @property
    def is_short(self) -> bool:
        """Whether its notes may be written beside those on other books, with the same outcome."""
        return len(self.plan.segments) <= MAX_SHORT_SEGMENTS

    @property
    def num_notes(self) -> int:
        """The most notes that are written in all."""
        return self._notes_on(len(self.plan.segments))

    @property
    def is_taught(self) -> bool:
        """Whether notes are written as the model was taught to."""
        return self.questions is not None and self.questions.is_taught

    def _notes_on(self, num_segments: int) -> int:
        return self.questions.most * num_segments if self.questions is not None else 0

    def steps(self) -> Steps:
        """Read to the end of the plan, stopping where notes are to be written."""
        from infini_models.machine import give_back_memory

        memory = self.state.memory
        group: Group = []
        waiting: list[_Read] = []
        group_bytes = 0
        for segment in self.plan.segments[self.state.num_segments_read :]:
            branches, memory, saliences = self._read(segment, memory)
            waiting.append(_Read(segment, saliences, len(branches)))
            group += branches
            group_bytes += num_bytes(branches, independent=self.is_short)
            self._tell(segment, waiting)
            if len(waiting) % SEGMENTS_TO_GIVE_BACK == 0:
                give_back_memory()
            if self._is_due(segment, len(waiting), group_bytes):
                drafts = (yield group) if group else ()
                self._save(memory, waiting, self._notes(waiting, drafts))
                group, waiting, group_bytes = [], [], 0
                give_back_memory()

    def _read(
        self, segment: Segment, memory: Memory
    ) -> tuple[list[Branch], Memory, dict[int, float]]:
        import torch

        ids_1S = torch.tensor([[*self.prefix, *segment.ids.tolist()]])
        before = memory if self.use_memory else None
        questions = self.questions
        with torch.inference_mode():
            result = self.model.decoder.read_segment(
                ids_1S,
                before,
                num_prefix=len(self.prefix),
                keep_cache=questions is not None,
                memory_only=questions is None,
                tap=questions.layer if questions is not None else None,
            )
        after = memory if result.memory is None else result.memory
        if questions is None:
            return [], after, {}
        saliences = questions.saliences(segment, result.tapped_BSD)
        return questions.ask(segment, saliences, result.cache, before), after, saliences

    def _is_due(self, segment: Segment, num_waiting: int, group_bytes: int) -> bool:
        if segment.index == len(self.plan.segments) - 1:
            return True
        if self.questions is None:
            return time.monotonic() - self.last_save >= SECONDS_BETWEEN_SAVES
        return num_waiting >= MAX_GROUP_SEGMENTS or group_bytes >= self.max_group_bytes

    def _notes(self, waiting: Sequence[_Read], drafts: Sequence[Draft]) -> tuple[Note, ...]:
        if self.questions is None:
            return ()
        written = iter(drafts)
        notes = []
        for read in waiting:
            source = self.model.tokenizer.decode(read.segment.ids.tolist())
            own = [next(written) for _ in range(read.num_drafts)]
            notes.append(
                replace(
                    make_note(
                        read.segment,
                        source,
                        own,
                        told=self.questions.told(read.segment, source),
                    ),
                    places=tuple(read.saliences),
                    saliences=tuple(read.saliences.values()),
                )
            )
        return tuple(notes)

    def _save(self, memory: Memory, waiting: Sequence[_Read], notes: tuple[Note, ...]) -> None:
        num_tokens = sum(read.segment.num_tokens for read in waiting)
        self.state = self.state.advanced(memory, len(waiting), num_tokens, notes)
        num_read = self.state.num_segments_read
        if self.questions is not None and num_read <= self.last_chapter:
            plan = self.plan.prefix_sha256(num_read)
            point = Snapshot(memory, num_read, self.state.num_tokens_read, plan)
            self.state = replace(self.state, before=point)
        self.last_save = time.monotonic()
        if self.path is None:
            return
        try:
            if self.text is None:
                self.text = pack_text(self.state.book)
            save_book_memory(self.path, self.state, self.text)
        except OSError as error:
            self.progress(NoteEvent(f"the state cannot be saved: {error.strerror}", warning=True))
            self.path = None

    def _tell(self, segment: Segment, waiting: Sequence[_Read]) -> None:
        tokens = self.state.num_tokens_read + sum(r.segment.num_tokens for r in waiting)
        event = self.clock.at(
            segment.index + 1, tokens, segment.chapter_title, segment.chapter_label
        )
        self.progress(event)
