"""One pass over a book: memory carried on, notes asked for, nothing lost on the way.

Segments are read in order. A model that was taught to write notes is asked for one on each of the
sentences that matter most in a segment, any other for one on the segment. With notes, each
segment's window is kept until a group is full; then the pass stops until the notes of the group
are written, and saves the state. Groups depend on the segments alone, so a run that was stopped
goes on at the last saved group and ends in the same state, bit for bit. Without notes the state is
saved every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.progress import Note as NoteEvent
from infini_cli.progress import Progress, ReadingClock
from infini_cli.store.book_memory import (
    BookMemory,
    Note,
    Snapshot,
    pack_text,
    save_book_memory,
)
from infini_cli.tasks.book_sentences import Sentence, sentences_of
from infini_cli.tasks.frame import frame
from infini_cli.tasks.instructions import Instructions
from infini_cli.tasks.model import Model
from infini_cli.tasks.note_groups import (
    MAX_GROUP_SEGMENTS,
    MAX_SHORT_SEGMENTS,
    NOTE_TOKENS,
    Group,
    Steps,
    advance,
    max_group_bytes,
    num_bytes,
    write_notes,
    writes_as_taught,
)
from infini_cli.tasks.notes import make_note
from infini_cli.tasks.pointing import NUM_POINTS, points
from infini_cli.tasks.sentence_tokens import Span, sentence_tokens
from infini_cli.tasks.writer import Draft
from infini_cli.tokens.segments import Segment, SegmentPlan

if TYPE_CHECKING:
    from infini_models.cache import SegmentCache
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
        self.progress, self.path, self.notes = progress, path, notes
        self.use_memory = use_memory
        around = frame(model)
        self.prefix, self.suffix = around.before, around.after
        self.is_taught = writes_as_taught(model, instructions)
        self.question = instructions.question(is_taught=self.is_taught)
        last = plan.segments[-1].chapter_label if plan.segments else ""
        self.last_chapter = len(plan.segments) - len(plan.chapter_segments(last))
        self.max_group_bytes = max_group_bytes(model)
        self.salience = model.salience if notes else None
        self.sentences: dict[int, Sentence] = {}
        if self.salience is not None:
            found = sentences_of(start.book.kept_chapters)
            self.sentences = {one.place[0]: one for one in found}
        self.places: list[Span] = [one.place for one in self.sentences.values()]
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

    def _notes_on(self, num_segments: int) -> int:
        if not self.notes:
            return 0
        return (NUM_POINTS if self.is_taught else 1) * num_segments

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
        with torch.inference_mode():
            result = self.model.decoder.read_segment(
                ids_1S,
                before,
                num_prefix=len(self.prefix),
                keep_cache=self.notes,
                memory_only=not self.notes,
                tap=self.salience.layer if self.salience is not None else None,
            )
            saliences = self._saliences(segment, result.tapped_BSD)
        after = memory if result.memory is None else result.memory
        if not self.notes:
            return [], after, saliences
        return self._ask(segment, saliences, result.cache, before), after, saliences

    def _ask(
        self,
        segment: Segment,
        saliences: dict[int, float],
        cache: SegmentCache | None,
        before: Memory | None,
    ) -> list[Branch]:
        """Ask for notes, with the memory of all before, the segment itself being in sight."""
        from infini_models.generate import Branch

        questions = [self.question]
        if self.is_taught:
            told = points([self.sentences[place] for place in saliences], saliences)
            questions = [self.question.format(passage=passage) for passage in told]
        encode = self.model.tokenizer.encode
        return [
            Branch([*encode(question), *self.suffix], NOTE_TOKENS, cache, before, stream=number)
            for number, question in enumerate(questions, NUM_POINTS * segment.index)
        ]

    def _saliences(self, segment: Segment, tapped_BSD: Tensor | None) -> dict[int, float]:
        """Give how much each sentence that begins in a segment matters, by its place."""
        if self.salience is None or tapped_BSD is None:
            return {}
        of_token_S = self.salience(tapped_BSD)[0, len(self.prefix) :]
        return {
            one.start: round(float(of_token_S[one.first : one.end].mean()), 4)
            for one in sentence_tokens(segment, self.places)
        }

    def _is_due(self, segment: Segment, num_waiting: int, group_bytes: int) -> bool:
        if segment.index == len(self.plan.segments) - 1:
            return True
        if not self.notes:
            return time.monotonic() - self.last_save >= SECONDS_BETWEEN_SAVES
        return num_waiting >= MAX_GROUP_SEGMENTS or group_bytes >= self.max_group_bytes

    def _notes(self, waiting: Sequence[_Read], drafts: Sequence[Draft]) -> tuple[Note, ...]:
        if not self.notes:
            return ()
        written = iter(drafts)
        notes = []
        for read in waiting:
            source = self.model.tokenizer.decode(read.segment.ids.tolist())
            own = [next(written) for _ in range(read.num_drafts)]
            notes.append(
                replace(
                    make_note(read.segment, source, own),
                    places=tuple(read.saliences),
                    saliences=tuple(read.saliences.values()),
                )
            )
        return tuple(notes)

    def _save(self, memory: Memory, waiting: Sequence[_Read], notes: tuple[Note, ...]) -> None:
        num_tokens = sum(read.segment.num_tokens for read in waiting)
        self.state = self.state.advanced(memory, len(waiting), num_tokens, notes)
        num_read = self.state.num_segments_read
        if self.notes and num_read <= self.last_chapter:
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
