"""The command `infini`: the process around the program."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came. Whoever saves its state on Ctrl-C saves it now as well."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run infini on the command line and give its exit code.

    Args:
        arguments: without the program's name; those of the process if not given.
    """
    if hasattr(signal, "SIGTERM"):
        with suppress(ValueError):  # not in the main thread: whoever runs it handles signals
            signal.signal(signal.SIGTERM, _terminate)
    _use_utf8()
    try:
        from infini_cli.commands.program import run

        code = run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        # A second one, or one before there was anything to save.
        code = 130
    return _flush(code)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _use_utf8() -> None:
    """Write UTF-8 with plain line ends wherever the program runs.

    A lone surrogate, which UTF-8 cannot hold, is written as an escape instead of failing.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _flush(code: int) -> int:
    """Send what is still buffered; that nobody reads it any more is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
    except (OSError, ValueError, AttributeError):
        _discard_stdout()
        return code or 1
    return code


def _discard_stdout() -> None:
    """Let the interpreter's own last flush go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
