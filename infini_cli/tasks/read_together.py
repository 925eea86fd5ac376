"""Read short books side by side: notes on all of them are written as one batch.

A step of writing costs nearly the same for one text as for many, and the notes on a short book are
few. They are written so that each is the same to the last bit alone or beside others. That was
measured on some processors and may fail on another; so that a run which was stopped still ends in
the same bytes there, what is written together follows from the books alone: unless earlier runs
kept all of them, all are read again.
"""

from __future__ import annotations

from collections.abc import Sequence

from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.tasks.book_reader import begin_afresh, is_kept
from infini_cli.tasks.instructions import Instructions
from infini_cli.tasks.model import Model
from infini_cli.tasks.note_groups import (
    MAX_GROUP_SEGMENTS,
    Group,
    Steps,
    advance,
    by_segment,
    max_group_bytes,
    num_bytes,
    write_notes,
)


def read_together(
    books: Sequence[Book], model: Model, progress: Progress, instructions: Instructions
) -> None:
    """Read the short ones among books and keep what is left of each, notes included.

    Args:
        books: those that are not short are left alone.
        model: who reads.
        progress: told of every segment.
        instructions: what the model is told about each segment.
    """
    runs = [begin_afresh(book, model, progress, instructions) for book in books]
    runs = [run for run in runs if run.plan.segments and run.is_short]
    if len(runs) < 2 or all(is_kept(run) for run in runs):
        return
    num_notes = sum(run.num_notes for run in runs)
    writer = _Writer(model, progress, num_notes, is_taught=runs[0].is_taught)
    for run in runs:
        steps = run.steps()
        writer.add(steps, advance(steps, None))
    writer.write()


class _Writer:
    """Gathers what passes over books stop for, until it fills a batch."""

    def __init__(self, model: Model, progress: Progress, total: int, *, is_taught: bool) -> None:
        self.model, self.progress, self.total = model, progress, total
        self.is_taught = is_taught
        self.done = 0
        self.waiting: list[tuple[Steps, Group]] = []

    def add(self, steps: Steps, group: Group) -> None:
        """Take what a pass stops for; nothing if it is over."""
        if not group:
            return
        self.waiting.append((steps, group))
        segments = by_segment(branch for _, waiting in self.waiting for branch in waiting)
        size = sum(num_bytes(branches, independent=True) for branches in segments)
        if len(segments) >= MAX_GROUP_SEGMENTS or size >= max_group_bytes(self.model):
            self.write()

    def write(self) -> None:
        """Write what waits, and what the passes stop for after that."""
        while waiting := self.waiting:
            self.waiting = []
            branches = [branch for _, group in waiting for branch in group]
            written = iter(
                write_notes(
                    self.model,
                    branches,
                    self.progress,
                    done=self.done,
                    total=self.total,
                    independent=True,
                    is_taught=self.is_taught,
                )
            )
            for steps, group in waiting:
                drafts = [next(written) for _ in group]
                self.done += len(drafts)
                if again := advance(steps, drafts):
                    self.waiting.append((steps, again))
