"""A bound on the time of a piece of work, whatever it is doing when time is up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from infini_cli.errors import InputTooLarge, UsageError

RINGS_AGAIN_AFTER_SECONDS = 1.0
"""Libraries that catch every exception go on; then it rings again."""


@contextmanager
def time_limit(seconds: float | None, name: str) -> Iterator[None]:
    """Stop what is done inside when time is up. For the main thread of a program alone.

    Args:
        seconds: above zero; None: as long as it takes.
        name: of the work, for the error.

    Raises:
        InputTooLarge: it took longer.
        UsageError: this system has no alarm clock.
    """
    if seconds is None:
        yield
        return
    if not hasattr(signal, "setitimer"):
        raise UsageError("there is no `--timeout` on this system", hint="leave it away")

    def ring(number: int, frame: FrameType | None) -> None:
        raise InputTooLarge(
            f"`{name}` took longer than {seconds:g} seconds",
            hint="raise `--timeout`; what was read is kept, and the next run goes on there",
        )

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, RINGS_AGAIN_AFTER_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
