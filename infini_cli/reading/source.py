"""Get the bytes of an input: a regular file of bounded size, never a device or a pipe."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from infini_cli.errors import InputNotFound, InputTooLarge, NoTextInput
from infini_cli.reading.limits import DEFAULT_LIMITS


def read_bytes(path: Path, *, max_bytes: int = DEFAULT_LIMITS.file_bytes) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: the file; links are followed.
        max_bytes: size at which it is refused.

    Raises:
        InputNotFound: there is none, it is no regular file, or may not be read.
        InputTooLarge: it has more than `max_bytes` bytes.
        NoTextInput: it is empty.
    """
    try:
        # Opening a pipe would wait for its other end, hence no blocking.
        handle = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except FileNotFoundError as error:
        raise InputNotFound(f"there is no file `{path}`", hint="check the path") from error
    except IsADirectoryError as error:
        raise _directory(path) from error
    except PermissionError as error:
        if path.is_dir():  # what opening a folder says on Windows
            raise _directory(path) from error
        raise InputNotFound(
            f"`{path}` may not be read by this user", hint="change its permissions"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputNotFound(
            f"`{path}` cannot be opened: {reason}", hint="check the path"
        ) from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        if stat.S_ISDIR(status.st_mode):
            raise _directory(path)
        raise InputNotFound(
            f"`{path}` is not a regular file", hint="for a pipe give `-` and send it to stdin"
        )
    with os.fdopen(handle, "rb") as file:
        if status.st_size > max_bytes:
            raise InputTooLarge(
                f"`{path}` has {status.st_size:,} bytes, more than {max_bytes:,}",
                hint="split it into smaller files",
            )
        try:
            data = file.read(max_bytes)
        except OSError as error:
            raise InputNotFound(f"`{path}` cannot be read: {error.strerror}") from error
    if not data:
        raise NoTextInput(f"`{path}` is empty")
    return data


def _directory(path: Path) -> InputNotFound:
    return InputNotFound(
        f"`{path}` is a folder", hint="name a file in it, or read all of it with `infini batch`"
    )
