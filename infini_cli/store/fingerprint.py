"""Hashes of local model files, remembered so that gigabytes are read once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from infini_cli import paths
from infini_cli.atomic import write_atomically
from infini_cli.errors import ModelError
from infini_cli.store.download import file_sha256

MAX_REMEMBERED = 256
"""Files; the oldest are forgotten first."""


def fingerprint(files: Sequence[Path]) -> str:
    """Hash files, in order.

    A file whose size and time of change are as before is not read again.

    Returns:
        sha256 of the files' hashes, hexadecimal; of one file, its own.

    Raises:
        ModelError: a file cannot be read.
    """
    known = _remembered()
    hashes = []
    try:
        for file in files:
            facts = file.stat()
            key = f"{file.resolve()}:{facts.st_size}:{facts.st_mtime_ns}"
            if key not in known:
                known[key] = file_sha256(file)
                _remember(known)
            hashes.append(known[key])
    except OSError as error:
        raise ModelError(f"`{file}` cannot be read: {error.strerror}") from error
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _path() -> Path:
    return paths.cache_dir() / "fingerprints.json"


def _remembered() -> dict[str, str]:
    try:
        value = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(value) if isinstance(value, dict) else {}


def _remember(known: dict[str, str]) -> None:
    recent = dict(list(known.items())[-MAX_REMEMBERED:])
    try:
        write_atomically(_path(), json.dumps(recent, indent=1).encode())
    except OSError:
        # A cache that cannot be written costs time and nothing else.
        return
