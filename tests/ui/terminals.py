"""Run a process with its streams on a pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="pseudo-terminals are a thing of Unix")


@dataclass(frozen=True)
class Run:
    code: int
    stdout: bytes
    terminal: bytes


def run_on_terminal(
    command: Sequence[str],
    folder: Path,
    *,
    on_terminal: Sequence[str] = ("stderr",),
    variables: Mapping[str, str] | None = None,
    columns: int = 100,
) -> Run:
    """Run a command; the streams not on the terminal go to files.

    Args:
        command: what to run.
        folder: for the files.
        on_terminal: which of `stdin`, `stdout` and `stderr` are the terminal.
        variables: added to the environment.
        columns: width of the terminal.
    """
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CI", "GITHUB_ACTIONS")
    }
    environment |= {"TERM": "xterm-256color", **(variables or {})}
    out, errors = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, errors.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stdin=child if "stdin" in on_terminal else subprocess.DEVNULL,
            stdout=child if "stdout" in on_terminal else stdout,
            stderr=child if "stderr" in on_terminal else stderr,
            env=environment,
        )
        os.close(child)
        seen = b""
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # what Linux says when the other end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(parent)
        code = process.wait(timeout=60)
    return Run(code, out.read_bytes(), seen)
