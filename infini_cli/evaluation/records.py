"""Records of a JSON Lines file that somebody else wrote: the kind of every value is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infini_cli.errors import DamagedInput, InputError, InputNotFound
from infini_cli.reading.source import read_bytes

MAX_FILE_BYTES = 512 * 1024 * 1024
GUIDE = "docs/guides/evaluate.md shows what a record holds"


@dataclass(frozen=True, slots=True)
class Record:
    """An object of the file, or one inside such an object.

    Attributes:
        place: where it stands, for messages.
        values: what it holds.
    """

    place: str
    values: Mapping[str, Any]

    def holds(self, *keys: str) -> bool:
        """Tell whether all of these are there and not null."""
        return all(self.values.get(key) is not None for key in keys)

    def optional_text(self, key: str) -> str | None:
        """Give a text without space around it; None where it is absent, null or blank.

        Raises:
            DamagedInput: it is something else.
        """
        value = self.values.get(key)
        return None if value is None else self._as_text(key, value) or None

    def text(self, key: str) -> str:
        """Give a text that must be there.

        Raises:
            DamagedInput: it is not.
        """
        found = self.optional_text(key)
        if found is None:
            raise self.error(f"has no `{key}`")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts, blank ones left out; one alone is a list too, null is none.

        Raises:
            DamagedInput: it is something else.
        """
        value = self.values.get(key)
        values = value if isinstance(value, list) else [] if value is None else [value]
        return tuple(text for item in values if (text := self._as_text(key, item)))

    def records(self, key: str) -> list[Record]:
        """Give a list of objects.

        Raises:
            DamagedInput: it is something else.
        """
        values = self.values.get(key)
        if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
            raise self.error(f"has a `{key}` that is no list of objects")
        return [Record(f"{self.place}, `{key}` {n}", item) for n, item in enumerate(values, 1)]

    def error(self, what: str) -> DamagedInput:
        """Make the error that says what is wrong with it."""
        return DamagedInput(f"{self.place} {what}", hint=GUIDE)

    def _as_text(self, key: str, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(f"has a `{key}` that is no text")
        # JSON can write half of a surrogate pair, which no tokenizer and no file takes.
        return str(value).encode("utf-8", "replace").decode("utf-8").strip()


def read_records(path: Path) -> Iterator[Record]:
    """Read the objects of a JSON Lines file; blank lines are passed over.

    Raises:
        InputError: it cannot be read, or a line of it is no JSON object.
    """
    try:
        text = read_bytes(path, max_bytes=MAX_FILE_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedInput(f"`{path}` is not UTF-8 text", hint="save it as UTF-8") from error
    # Not `splitlines`: other line ends may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number} of `{path.name}`"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DamagedInput(f"{place} is no JSON", hint="write one object a line") from error
        if not isinstance(values, dict):
            raise DamagedInput(f"{place} is no JSON object", hint=GUIDE)
        yield Record(place, values)


def path_inside(folder: Path, name: str, place: str, setting: str = "--library") -> Path:
    """Resolve the path of a file that a record names; it may not leave the folder.

    Args:
        folder: where the path begins.
        name: relative path.
        place: of the record, for messages.
        setting: what names the folder, for hints.

    Raises:
        InputError: the path leads elsewhere, by itself or through a link, or there is no file.
    """
    try:
        root = folder.resolve()
        found = (root / name).resolve()
        leaves = not found.is_relative_to(root)
        exists = not leaves and found.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{place} names a file that cannot be opened: {name!a}") from error
    if leaves:
        raise InputError(
            f"{place} names a file outside its folder: {name!a}",
            hint=f"name the folder that the paths begin in with `{setting}`",
        )
    if not exists:
        raise InputNotFound(
            f"{place} names a file that is not there: {name!a}",
            hint=f"paths begin in `{folder}`; name another folder with `{setting}`",
        )
    return found
