"""Files that are either whole or not there.

The content goes to a temporary file in the same folder, is forced to disk, and takes its
place in one step. A run that is killed, or a disk that fills up, leaves the old file as it
was; two runs that write the same file leave one of the two contents.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from infini_cli.errors import InfiniError, UsageError

TEMPORARY_PREFIX = ".infini-"
TEMPORARY_SUFFIX = ".tmp"


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears at `path` when the block ends without an error.

    The folder is created where it is missing. A symbolic link is followed, so that its
    target is replaced and not the link. What is no regular file (a device, a pipe) cannot
    be replaced and is written directly.

    Args:
        path: the final place.

    Raises:
        OSError: the folder is not writable, the disk is full, or `path` is a folder.
    """
    # `/dev/stdout` leads to a pipe, which has a place and no path.
    if path.exists() and not path.is_file():
        with path.open("wb") as direct:
            yield direct
        return
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    # The name is not derived from the target's, which may be as long as names can be.
    temporary = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    try:
        # Unlike the tempfile module, "xb" gives the file the permissions of any new file.
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all.

    Args:
        path: the final place; its folder is created where it is missing.
        content: the bytes, or pieces of them in order.

    Raises:
        OSError: the folder is not writable, the disk is full, or `path` is a folder.
    """
    pieces = (content,) if isinstance(content, bytes) else content
    with atomic_file(path) as file:
        for piece in pieces:
            file.write(piece)


def _sync_folder(folder: Path) -> None:
    # Makes the new name survive a power cut. Windows cannot open folders, and needs it not.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def output_errors(destination: Path) -> Iterator[None]:
    """Tell what goes wrong in writing a user's file as errors that a user can act on.

    Args:
        destination: the file.

    Raises:
        UsageError: the file cannot be written there.
        InfiniError: the disk is full, or the like.
    """
    try:
        yield
    except (IsADirectoryError, NotADirectoryError, PermissionError, FileExistsError) as error:
        raise UsageError(
            f"cannot write `{destination}`: {error.strerror}", hint="name another file with `-o`"
        ) from error
    except OSError as error:
        raise InfiniError(
            f"cannot write `{destination}`: {error.strerror}",
            hint="write to another disk with `-o`",
        ) from error
