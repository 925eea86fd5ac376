"""Memories of prompts on disk until a cell is measured: a run that was stopped goes on within one.

A ledger keeps whole cells, and a cell may be ten prompts of a million tokens. What is kept here
is the memory after a number of windows, a file a prompt, in a folder beside the ledger; once the
cell is in the ledger the files are gone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.atomic import output_errors, write_atomically
from infini_cli.evaluation.ledger import hash_ids, result_key
from infini_cli.evaluation.windows import Window
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.memory import Memory

SUFFIX = ".reading"
"""Of the folder, after the name of the ledger."""
SECONDS_BETWEEN_SAVES = 20.0
SECONDS_WORTH_KEEPING = 2.0
"""A prompt that took less to read is read again."""


class KeptReading:
    """How far a prompt was read, kept every few seconds and at its end.

    Attributes:
        memory: of the windows read.
        num_read: windows.
    """

    def __init__(self, path: Path | None, key: str, num_windows: int, memory: Memory) -> None:
        self.memory, self.num_read = memory, 0
        self._path, self._key, self._num_windows = path, key, num_windows
        self._saved = time.monotonic()
        if path is not None and path.is_file():
            self._restore(path)

    def advance(self, memory: Memory) -> None:
        """Take the memory after one window more.

        Raises:
            UsageError: it cannot be kept.
        """
        self.memory = memory
        self.num_read += 1
        is_last = self.num_read == self._num_windows
        wait = SECONDS_WORTH_KEEPING if is_last else SECONDS_BETWEEN_SAVES
        if self._path is not None and time.monotonic() - self._saved >= wait:
            self._save(self._path)
            self._saved = time.monotonic()

    def _save(self, path: Path) -> None:
        from infini_models.snapshot import memory_tensors
        from safetensors.torch import save

        header = {"reading": json.dumps({"key": self._key, "num_read": self.num_read})}
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, save(memory_tensors(self.memory), header))

    def _restore(self, path: Path) -> None:
        """Take what a file holds; of another prompt, or damaged, it holds nothing."""
        from infini_models.errors import SnapshotError, WeightsError
        from infini_models.snapshot import memory_from_tensors
        from infini_models.tensor_file import load_tensors, read_metadata

        with suppress(WeightsError, SnapshotError, ValueError, KeyError, TypeError):
            header = json.loads(read_metadata(path, "reading") or "{}")
            memory = memory_from_tensors(load_tensors(path), self.memory)
            num_read = range(self._num_windows + 1).index(header["num_read"])
            if header["key"] == self._key:
                self.memory, self.num_read = memory, num_read


class KeptReadings:
    """Readings of the prompts of one cell after the other.

    Args:
        ledger: the readings are kept beside it; None keeps nothing.
        model: who reads.
    """

    def __init__(self, ledger: Path | None, model: Model) -> None:
        self._folder = ledger.with_name(ledger.name + SUFFIX) if ledger is not None else None
        self._model = model
        self._opened: list[Path] = []

    def open(self, windows: Sequence[Window], empty: Memory) -> KeptReading:
        """Give the reading of a prompt, as far as it had come.

        Args:
            windows: all that are read.
            empty: the memory before them.
        """
        if self._folder is None:
            return KeptReading(None, "", len(windows), empty)
        rows = (row for window in windows for row in ((window.num_repeated,), window.ids))
        key = result_key(self._model, "reading", hash_ids(rows))
        path = self._folder / f"{key}.safetensors"
        self._opened.append(path)
        return KeptReading(path, key, len(windows), empty)

    def forget(self) -> None:
        """Drop what was opened: the cell it was read for is measured."""
        for path in self._opened:
            path.unlink(missing_ok=True)
        if self._opened and self._folder is not None:
            with suppress(OSError):  # not there, or not empty
                self._folder.rmdir()
        self._opened = []
