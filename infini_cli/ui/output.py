"""Results: to standard output as data, or to a file that is whole or not there."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from infini_cli.atomic import output_errors, write_atomically
from infini_cli.errors import InfiniError, UsageError
from infini_cli.text_safety import clean_text
from infini_cli.ui.color import is_terminal

STDOUT = Path("-")


class ClosedOutput(Exception):
    """Whoever read standard output has gone, as in `infini extract book.epub | head`."""


def write_result(
    text: str | Iterable[str], destination: Path | None = None, *, is_safe: bool = False
) -> None:
    """Write a result; it ends with exactly one line break.

    On a terminal control characters are taken out; a file and a pipe get the text as it is.

    Args:
        text: the result, or pieces of it in order.
        destination: a file, replaced in one step; standard output if None or `-`.
        is_safe: the text is infini's own and its escape sequences are meant.

    Raises:
        ClosedOutput: standard output is closed.
        UsageError: the file cannot be written there.
        InfiniError: the disk is full, or the like.
    """
    pieces = _with_line_end((text,) if isinstance(text, str) else text)
    if destination is None or destination == STDOUT:
        clean = is_terminal(sys.stdout) and not is_safe
        for piece in pieces:
            write_stdout(clean_text(piece) if clean else piece)
        flush_stdout()
        return
    write_file((encode(piece) for piece in pieces), destination)


def write_file(content: bytes | Iterable[bytes], destination: Path) -> None:
    """Write a file whole or not at all.

    Raises:
        UsageError: the file cannot be written there.
        InfiniError: the disk is full, or the like.
    """
    with output_errors(destination):
        write_atomically(destination, content)


def write_stdout(text: str) -> None:
    """Write text to standard output as it is.

    Raises:
        ClosedOutput: nobody reads it any more.
        InfiniError: it cannot be written.
    """
    try:
        sys.stdout.write(text)
    except (OSError, ValueError, AttributeError) as error:
        raise _output_error(error) from error


def flush_stdout() -> None:
    """Send what is buffered.

    Raises:
        ClosedOutput: nobody reads it any more.
        InfiniError: it cannot be written.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError) as error:
        raise _output_error(error) from error


def encode(text: str) -> bytes:
    """Encode as UTF-8; a lone surrogate, which it cannot hold, becomes an escape."""
    return text.encode("utf-8", "backslashreplace")


def check_destination(destination: Path | None, inputs: Iterable[Path | None]) -> None:
    """Tell before the work begins what would stop its result from being written at the end.

    Args:
        destination: a file; standard output if None or `-`.
        inputs: what the result is made from, and is not to be written over; None is passed over.

    Raises:
        UsageError: the destination is one of the inputs, or cannot be written.
        InfiniError: likewise.
    """
    if destination is None or destination == STDOUT:
        return
    with output_errors(destination):
        if destination.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if destination.is_file() or not destination.exists():
            _check_folder(Path(os.path.realpath(destination)).parent)
    for path in filter(None, inputs):
        with suppress(OSError):
            if destination.samefile(path):
                raise UsageError(
                    f"`{destination}` is the input itself", hint="name another file with `-o`"
                )


def _check_folder(folder: Path) -> None:
    """Tell whether files can be made in a folder, which is made itself where it is missing."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(there, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _with_line_end(pieces: Iterable[str]) -> Iterable[str]:
    """Hold line breaks back until text follows them, and end with one."""
    pending = ""
    for piece in pieces:
        body = piece.rstrip("\n")
        if body:
            yield pending + body
            pending = ""
        pending += piece[len(body) :]
    yield "\n"


def _output_error(error: Exception) -> Exception:
    if isinstance(error, BrokenPipeError):
        return ClosedOutput()
    reason = error.strerror if isinstance(error, OSError) else None
    return InfiniError(
        f"cannot write to standard output: {reason or 'it is closed'}",
        hint="write to a file with `-o`",
    )
