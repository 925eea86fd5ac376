"""What was measured, kept in a file as it comes: a measurement that was stopped goes on there."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from infini_cli import __version__
from infini_cli.errors import UsageError
from infini_cli.json_lines import append_line, read_lines
from infini_cli.schema import SCHEMA
from infini_cli.tasks.model import Model
from infini_cli.typed_values import make_part


class Kept(Protocol):
    """What can be kept."""

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""


T = TypeVar("T", bound=Kept)


class Ledger(Generic[T]):
    """What is known: of this run and, where there is a file, of earlier ones.

    Args:
        path: JSON Lines, made where it is missing; None keeps nothing.
        kind: the dataclass of what is kept; lines of the file that are none are passed over.

    Raises:
        UsageError: the file cannot be read.
    """

    def __init__(self, path: Path | None, kind: type[T]) -> None:
        self._path = path
        self._known: dict[str, T] = {}
        if path is None:
            return
        try:
            for values in read_lines(path):
                key = values.pop("key", None)
                if isinstance(key, str) and values.pop("schema", None) == SCHEMA:
                    with suppress(UsageError):
                        self._known[key] = make_part(kind, values)
        except OSError as error:
            raise _error("read", path, error) from error

    def find(self, key: str) -> T | None:
        """Find what was kept under a key."""
        return self._known.get(key)

    def keep(self, key: str, found: T) -> None:
        """Keep what was found; on disk at once.

        Raises:
            UsageError: the file cannot be written.
        """
        self._known[key] = found
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            append_line(self._path, {"schema": SCHEMA, "key": key, **found.to_dict()})
        except OSError as error:
            raise _error("written", self._path, error) from error


def result_key(model: Model | None, *parts: object) -> str:
    """Name a result by all that it depends on, hexadecimal.

    Args:
        model: who read and wrote; None where no model takes part.
        parts: everything else: system, item, text, settings; values that JSON knows.
    """
    about = None
    if model is not None:
        taught = (model.writer, model.salience_sha256)
        about = (model.checkpoint, model.form, model.segment_length, *taught)
    return hashlib.sha256(json.dumps([__version__, about, *parts]).encode()).hexdigest()


def hash_ids(rows: Iterable[Sequence[int]]) -> str:
    """Hash token ids, hexadecimal; rows that are cut elsewhere have another hash."""
    found = hashlib.sha256()
    for row in rows:
        found.update(f"{len(row)} ".encode() + array("q", row).tobytes())
    return found.hexdigest()


def _error(what: str, path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"`{path}` cannot be {what}: {error.strerror}", hint="name another file with `--ledger`"
    )
