"""Run infini inside the test's process, as its console script does."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass

import pytest

from infini_cli.__main__ import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Stdin:
    """Standard input with bytes, or a terminal where nobody types."""

    def __init__(self, data: bytes = b"", *, is_terminal: bool = False) -> None:
        self.buffer = io.BytesIO(data)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


class Infini:
    """A callable that runs the command line and gives its outcome."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: object, stdin: Stdin | bytes = b"") -> Outcome:
        given = stdin if isinstance(stdin, Stdin) else Stdin(stdin)
        self._monkeypatch.setattr(sys, "stdin", given)
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)
