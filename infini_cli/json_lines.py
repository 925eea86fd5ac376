"""Files of one JSON object a line that grow line by line and can be read after any crash."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def append_line(path: Path, values: Mapping[str, Any]) -> None:
    """Add an object and force it to disk.

    Raises:
        OSError: it cannot be written.
    """
    line = json.dumps(values, ensure_ascii=True)
    with path.open("ab+") as file:
        # A run that was killed may have left half a line.
        if file.tell() and _last_byte(path) != b"\n":
            file.write(b"\n")
        file.write(line.encode("ascii") + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Give the objects that can be read; a line that was cut off says nothing.

    No file holds no object.

    Raises:
        OSError: there is a file and it cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict):
            yield values


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
