"""One pass over a book: memory carried on, notes asked for, nothing lost on the way.

Segments are read in order. With notes, each segment's window is kept until a group is full; then
the pass stops until the notes of the group are written, and saves the state. Groups depend on
the plan alone, so a run that was stopped goes on at the last saved group and ends in the same
state, bit for bit. Without notes the state is saved every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
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
from infini_cli.tasks import prompts
from infini_cli.tasks.instructions import Instructions
from infini_cli.tasks.model import Model
from infini_cli.tasks.notes import make_note
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.support import MIN_SUPPORT, NAME_REACH, NOTE_REACH
from infini_cli.tasks.writer import (
    NO_REPEAT_NGRAM_SIZE,
    REPETITION_PENALTY,
    Draft,
    write_branches,
)
from infini_cli.tokens.chat import Message
from infini_cli.tokens.segments import Segment, SegmentPlan

if TYPE_CHECKING:
    from infini_models.generate import Branch
    from infini_models.memory import Memory
    from torch import Tensor

MIN_GROUP_BYTES = 256 * 1024 * 1024
GROUP_SHARE = 0.1
"""Of the bytes of the weights, but no less than above: what the keys and values of a group may take
while notes are written, each segment's once, and room for its notes. The larger the model, the
more a step costs, whatever the number of texts."""
MAX_GROUP_SEGMENTS = 24
MAX_SHORT_SEGMENTS = 12
"""Of a short book: a longer one fills a batch by itself."""
SEGMENTS_TO_GIVE_BACK = 4
"""Read before what lies between their keys and values goes back to the system."""
NOTE_TOKENS = 64
SECONDS_BETWEEN_SAVES = 15.0

Group = list[list["Branch"]]
"""What is to be written: several texts on each of some segments."""
Steps = Generator[Group, Sequence[Draft], None]
"""Gives what is to be written, and takes what was."""


def note_recipe(model: Model, instructions: Instructions) -> str:
    """Hash what notes depend on besides the model's memory and the text."""
    questions, is_taught = _questions(model, instructions)
    return prompts.notes_recipe(
        NOTE_TOKENS,
        NO_REPEAT_NGRAM_SIZE,
        REPETITION_PENALTY,
        MIN_SUPPORT,
        NOTE_REACH,
        NAME_REACH,
        questions=[*questions, model.writer] if is_taught else questions,
    )


def _questions(model: Model, instructions: Instructions) -> tuple[tuple[str, ...], bool]:
    """Give what is asked of every segment, and whether the model was taught to answer that."""
    questions = instructions.questions(is_taught=bool(model.writer))
    return questions, prompts.TAUGHT_NOTE in questions


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
        turn = [Message("system", prompts.SYSTEM), Message("user", "")]
        split = model.chat.split(turn, 1)
        encode = model.tokenizer.encode
        self.prefix = [*split.before, *encode(prompts.PART_INTRODUCTION)]
        questions, self.is_taught = _questions(model, instructions)
        self.suffixes = [[*encode(question), *split.after] for question in questions]
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
            done = len(self.state.notes) * len(self.suffixes)
            drafts = write_notes(
                self.model,
                group,
                self.progress,
                done=done,
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
        """Texts that are written in all, several a segment."""
        return len(self.plan.segments) * len(self.suffixes) if self.notes else 0

    def steps(self) -> Steps:
        """Read to the end of the plan, stopping where notes are to be written."""
        from infini_models.machine import give_back_memory

        memory = self.state.memory
        group: Group = []
        waiting: list[Segment] = []
        group_bytes = 0
        for segment in self.plan.segments[self.state.num_segments_read :]:
            branches, memory = self._read(segment, memory)
            waiting.append(segment)
            if branches:
                group.append(branches)
                group_bytes += num_bytes(branches, independent=self.is_short)
            self._tell(segment, waiting)
            if len(waiting) % SEGMENTS_TO_GIVE_BACK == 0:
                give_back_memory()
            if self._is_due(segment, group, group_bytes):
                drafts = (yield group) if group else ()
                self._save(memory, waiting, self._notes(waiting, drafts))
                group, waiting, group_bytes = [], [], 0
                give_back_memory()

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

    def _is_due(self, segment: Segment, group: Group, group_bytes: int) -> bool:
        if segment.index == len(self.plan.segments) - 1:
            return True
        if not self.notes:
            return time.monotonic() - self.last_save >= SECONDS_BETWEEN_SAVES
        return len(group) >= MAX_GROUP_SEGMENTS or group_bytes >= self.max_group_bytes

    def _notes(self, segments: Sequence[Segment], drafts: Sequence[Draft]) -> tuple[Note, ...]:
        if not drafts:
            return ()
        size = len(self.suffixes)
        return tuple(
            make_note(
                segment,
                self.model.tokenizer.decode(segment.ids.tolist()),
                *drafts[index * size : (index + 1) * size],
            )
            for index, segment in enumerate(segments)
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
            if self.text is None:
                self.text = pack_text(self.state.book)
            save_book_memory(self.path, self.state, self.text)
        except OSError as error:
            self.progress(NoteEvent(f"the state cannot be saved: {error.strerror}", warning=True))
            self.path = None

    def _tell(self, segment: Segment, waiting: Sequence[Segment]) -> None:
        tokens = self.state.num_tokens_read + sum(s.num_tokens for s in waiting)
        event = self.clock.at(
            segment.index + 1, tokens, segment.chapter_title, segment.chapter_label
        )
        self.progress(event)


def advance(steps: Steps, drafts: Sequence[Draft] | None) -> Group:
    """Have a pass go on to where it stops again; gives what is to be written, nothing at its end.

    Args:
        steps: the pass.
        drafts: what it stopped for; None: it begins.
    """
    try:
        return next(steps) if drafts is None else steps.send(drafts)
    except StopIteration:
        return []


def write_notes(
    model: Model,
    group: Group,
    progress: Progress,
    *,
    done: int,
    total: int,
    independent: bool,
    is_taught: bool,
) -> list[Draft]:
    """Write what passes over books stopped for, as one batch.

    Args:
        model: who writes.
        group: what to write.
        progress: told of tokens.
        done: texts written before, for display.
        total: texts in all, for display.
        independent: whether each is to be the same whatever is written beside it.
        is_taught: whether the model writes as it was taught to write notes.
    """
    return write_branches(
        model,
        [branch for branches in group for branch in branches],
        sampling=SamplingRequest(),
        progress=progress,
        what="notes",
        done=done,
        total=total,
        independent=independent,
        is_taught=is_taught,
    )


def max_group_bytes(model: Model) -> int:
    """Give the most bytes that the keys and values of a group may take."""
    return max(MIN_GROUP_BYTES, int(GROUP_SHARE * model.decoder.num_bytes))


def num_bytes(branches: Sequence[Branch], *, independent: bool) -> int:
    """Give the bytes of keys and values that writing after one segment takes.

    Args:
        branches: that continue the segment.
        independent: as for `write_notes`.
    """
    from infini_models.branch_cache import ATTENTION_BLOCK, aligned

    cache = branches[0].cache
    assert cache is not None
    room = len(branches) * max(len(branch.prompt) + branch.max_tokens for branch in branches)
    places = aligned(cache.num_tokens + room, ATTENTION_BLOCK if independent else 1)
    return cache.num_bytes * places // cache.num_tokens
