"""Progress as plain lines, for logs and pipes: at most one every 10 % or 30 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from infini_cli.progress import BatchStep, Download, Event, Learn, Note, Read, Write
from infini_cli.text_safety import clean_line
from infini_cli.ui import phrases

STEP_PERCENT = 10
STEP_SECONDS = 30.0


class PlainDisplay:
    """A `Progress` that writes lines.

    Args:
        write_note: takes a line.
        write_warning: takes a warning.
        clock: gives seconds; only differences count.
    """

    def __init__(
        self,
        write_note: Callable[[str], None],
        write_warning: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write_note = write_note
        self._write_warning = write_warning
        self._clock = clock
        self._work = ""
        self._percent = 0
        self._time = 0.0

    def __call__(self, event: Event) -> None:
        """Write a line for an event if it is due."""
        match event:
            case Note():
                (self._write_warning if event.warning else self._write_note)(event.text)
            case BatchStep():
                self._write_note(batch_line(event))
            case Download():
                done, total = event.done_bytes, event.total_bytes
                self._step(f"{event.doing} {event.name}", done, total, download_details(event))
            case Read():
                details = read_details(event)
                self._step(f"reading {event.book}", event.tokens, event.num_tokens, details)
            case Write():
                details = write_details(event)
                self._step(f"writing {event.what}", event.done, event.total, details)
            case Learn():
                details = learn_details(event)
                self._step(f"learning {event.recipe}", event.step, event.num_steps, details)

    def _step(self, work: str, done: int, total: int, details: str) -> None:
        now, percent = self._clock(), phrases.percent(done, total)
        if work != self._work:
            self._work, self._percent, self._time = work, 0, now
        due = percent >= self._percent + STEP_PERCENT or now >= self._time + STEP_SECONDS
        if not due and not (percent == 100 > self._percent):
            return
        self._percent, self._time = percent - percent % STEP_PERCENT, now
        share = f"{percent} %, " if total > 0 else ""
        self._write_note(f"{clean_line(work)}: {share}{details}")


def batch_line(event: BatchStep) -> str:
    """Say where a batch is: `[3/22] war-and-peace.epub: done`."""
    number = event.done if event.outcome else event.done + 1
    return f"[{number}/{event.total}] {clean_line(event.path)}: {event.outcome or 'begins'}"


def read_details(event: Read) -> str:
    """Say chapter, rate and time left."""
    parts = (
        clean_line(event.chapter),
        phrases.rate(event.tokens_per_second),
        f"{phrases.duration(event.seconds_left)} left",
    )
    return ", ".join(part for part in parts if part)


def write_details(event: Write) -> str:
    """Say units, tokens and rate."""
    parts = (
        f"{event.done} of {event.total}",
        phrases.count(event.tokens, "token") if event.tokens else "",
        phrases.rate(event.tokens_per_second),
    )
    return ", ".join(part for part in parts if part)


def learn_details(event: Learn) -> str:
    """Say task, loss, accuracy, rate and time left."""
    return ", ".join(
        (
            f"{event.task} {event.loss:.3f}",
            f"{100 * event.token_accuracy:.0f} % right",
            phrases.rate(event.tokens_per_second),
            f"{phrases.duration(event.seconds_left)} left",
        )
    )


def download_details(event: Download) -> str:
    """Say the sizes."""
    done = phrases.size(event.done_bytes)
    return f"{done} of {phrases.size(event.total_bytes)}" if event.total_bytes else done
