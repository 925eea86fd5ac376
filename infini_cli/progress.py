"""Progress as values: what work reports, and to whom.

Library code takes a `Progress` and calls it; only the display draws. The
default, `silent`, does nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes of a download so far.

    Attributes:
        name: what is fetched, for display.
        done_bytes: received so far (resumed bytes included).
        total_bytes: the whole size, 0 if unknown.
        doing: what is done to it, for display.
    """

    name: str
    done_bytes: int
    total_bytes: int
    doing: str = "fetching"


@dataclass(frozen=True, slots=True)
class Read:
    """The model has read one more segment.

    Attributes:
        book: title for display.
        chapter: title of the chapter the segment belongs to.
        chapter_label: its label in the book.
        segment: segments read so far.
        num_segments: segments in all.
        tokens: tokens read so far.
        num_tokens: tokens in all.
        tokens_per_second: rate of this run, resumed tokens left out.
        seconds_left: estimate for the rest of the reading.
    """

    book: str
    chapter: str
    chapter_label: str
    segment: int
    num_segments: int
    tokens: int
    num_tokens: int
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Write:
    """The model has written more tokens.

    Attributes:
        what: `chapter summaries`, `summary`, `answer`, ...
        done: units finished.
        total: units in all.
        tokens: tokens written so far.
        tokens_per_second: rate since the first; 0: not known yet.
    """

    what: str
    done: int
    total: int
    tokens: int
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Learn:
    """The model has learnt one more step.

    Attributes:
        recipe: for display.
        step: steps taken so far.
        num_steps: steps in all.
        task: what this one was about.
        loss: its loss, in nats.
        token_accuracy: share of the learnt tokens that were right, 0 to 1.
        tokens_per_second: its rate.
        seconds_left: estimate for the rest.
    """

    recipe: str
    step: int
    num_steps: int
    task: str
    loss: float
    token_accuracy: float
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class BatchStep:
    """A batch has begun a book (`outcome` empty) or finished one.

    Attributes:
        path: the input, for display.
        done: books finished so far.
        total: books in all.
        outcome: `` while it begins, then `done`, `skipped` or `failed`.
        noun: what is counted.
    """

    path: str
    done: int
    total: int
    outcome: str = ""
    noun: str = "book"


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the user: a decision, a warning.

    Attributes:
        text: one line.
        warning: whether it is a warning.
    """

    text: str
    warning: bool = False


Event = Download | Read | Write | Learn | BatchStep | Note


class Progress(Protocol):
    """Whoever wants to know how far the work is."""

    def __call__(self, event: Event) -> None:
        """Take one event; must not raise."""


def silent(event: Event) -> None:
    """Ignore every event."""


class Once:
    """Passes everything on, but each note only once: many tasks in a row say the same.

    Args:
        progress: to whom.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._told: set[Note] = set()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Note):
            if event in self._told:
                return
            self._told.add(event)
        self._progress(event)


class ReadingClock:
    """Makes a `Read` of each segment, with the rate since it was made.

    Args:
        book: title for display.
        num_segments: segments in all.
        num_tokens: tokens in all.
        done_tokens: read before, by another run; they do not count for the rate.
    """

    def __init__(
        self, book: str, num_segments: int, num_tokens: int, *, done_tokens: int = 0
    ) -> None:
        self._book, self._num_segments, self._num_tokens = book, num_segments, num_tokens
        self._done_tokens = done_tokens
        self._start = time.monotonic()

    def at(self, segment: int, tokens: int, chapter: str = "", chapter_label: str = "") -> Read:
        """Give the state after some segments and tokens."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        rate = (tokens - self._done_tokens) / seconds
        return Read(
            book=self._book,
            chapter=chapter,
            chapter_label=chapter_label,
            segment=segment,
            num_segments=self._num_segments,
            tokens=tokens,
            num_tokens=self._num_tokens,
            tokens_per_second=rate,
            seconds_left=(self._num_tokens - tokens) / max(rate, 1e-9),
        )
