"""The ledger of a batch: one JSON line an event, appended, readable after any crash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from infini_cli.errors import InfiniError
from infini_cli.json_lines import append_line, read_lines
from infini_cli.schema import SCHEMA

LEDGER_NAME = "run.jsonl"


class Outcome(StrEnum):
    """What a line says of a book."""

    BEGUN = "begun"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line.

    Attributes:
        input: absolute path of the book.
        output: name of its output in the folder of the ledger.
        settings: hash of what the output depends on apart from the book.
        source_sha256: hash of the book, `` if it could not be read.
        outcome: what happened.
        seconds: how long the work took.
        facts: what the work told of itself.
        error: of a failure: type, message, hint, exit code.
    """

    input: str
    output: str
    settings: str
    source_sha256: str = ""
    outcome: Outcome = Outcome.BEGUN
    seconds: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None

    def with_source(self, source_sha256: str) -> Entry:
        """Give the entry of a book whose content is known."""
        return replace(self, source_sha256=source_sha256)

    def as_done(self, seconds: float, facts: dict[str, Any]) -> Entry:
        """Give the entry that ends successful work."""
        return replace(self, outcome=Outcome.DONE, seconds=round(seconds, 3), facts=facts)

    def as_failed(self, error: InfiniError) -> Entry:
        """Give the entry that ends failed work."""
        told = {
            "type": type(error).__name__,
            "message": error.message,
            "hint": error.hint,
            "exit_code": error.exit_code,
        }
        return replace(self, outcome=Outcome.FAILED, error=told)

    @property
    def key(self) -> tuple[str, str]:
        """What makes two outputs the same: content and settings."""
        return self.source_sha256, self.settings


class Ledger:
    """A ledger file and what it says.

    Args:
        path: the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._outputs: dict[str, str] = {}
        self._finished: dict[tuple[str, str, str], Entry] = {}
        for entry in read_entries(path):
            self._note(entry)

    def outputs(self) -> dict[str, str]:
        """Give the output's name of every input met so far."""
        return dict(self._outputs)

    def finished(self, entry: Entry) -> Entry | None:
        """Find the finished work that an entry would repeat."""
        return self._finished.get((entry.output, *entry.key))

    def append(self, entry: Entry) -> None:
        """Add a line and force it to disk.

        Raises:
            OSError: it cannot be written.
        """
        values = {
            "schema": SCHEMA,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "input": entry.input,
            "output": entry.output,
            "outcome": entry.outcome.value,
            "source_sha256": entry.source_sha256,
            "settings": entry.settings,
            "seconds": entry.seconds,
            "facts": entry.facts,
            "error": entry.error,
        }
        append_line(self.path, values)
        self._note(entry)

    def _note(self, entry: Entry) -> None:
        self._outputs[entry.input] = entry.output
        place = (entry.output, *entry.key)
        if entry.outcome is Outcome.DONE:
            # The output now holds this and nothing else.
            for other in [known for known in self._finished if known[0] == entry.output]:
                del self._finished[other]
            self._finished[place] = entry


def read_entries(path: Path) -> Iterator[Entry]:
    """Read the lines that can be read, in order; one that was cut off says nothing."""
    for values in read_lines(path):
        try:
            yield Entry(
                input=str(values["input"]),
                output=str(values["output"]),
                settings=str(values["settings"]),
                source_sha256=str(values["source_sha256"]),
                outcome=Outcome(values["outcome"]),
                seconds=_number(values.get("seconds")),
                facts=_mapping(values.get("facts")),
                error=_mapping(values.get("error")) or None,
            )
        except (ValueError, KeyError):
            continue


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
