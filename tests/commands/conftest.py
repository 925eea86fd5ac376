"""Fixtures for tests of the command line."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.run import Infini

CHAPTERS = 3
BOOK = "# A Small Book\n\n" + "\n\n".join(
    f"## Chapter {number}: Part {number}\n\n" + f"Sentence of chapter {number}. " * 60
    for number in range(1, CHAPTERS + 1)
)


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away what changes how infini talks, and put signal handlers back."""
    for name in (
        "NO_COLOR",
        "FORCE_COLOR",
        "INFINI_NO_PROGRESS",
        "INFINI_MODEL",
        "INFINI_OFFLINE",
        "INFINI_PASSWORD",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def infini(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Infini:
    """Run infini on a command line."""
    return Infini(capsys, monkeypatch)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A small Markdown book of three chapters."""
    path = tmp_path / "small.md"
    path.write_text(BOOK, encoding="utf-8")
    return path
