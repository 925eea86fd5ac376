"""What a source of a model's file is given, and how it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class SourceFailed(Exception):
    """A source cannot deliver; the next may."""


@dataclass(frozen=True, slots=True)
class Target:
    """The unfinished file that sources append to.

    Attributes:
        name: of the model.
        path: the unfinished file, whether or not it exists yet.
        num_bytes: size of the whole.
        report: told the bytes that have arrived.
    """

    name: str
    path: Path
    num_bytes: int
    report: Callable[[int], None]

    def size(self) -> int:
        """Give the bytes that have arrived."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def cut(self, num_bytes: int) -> None:
        """Keep only the first bytes."""
        with self.path.open("ab") as file:
            file.truncate(num_bytes)

    def clear(self) -> None:
        """Throw away what has arrived."""
        self.path.unlink(missing_ok=True)
