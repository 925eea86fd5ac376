"""Read a Kindle book (MOBI, AZW3) through calibre's `ebook-convert`, if it is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from infini_cli.errors import (
    InputTooLarge,
    ProtectedInput,
    UnsupportedFormat,
    damaged,
)
from infini_cli.reading.epub import read_epub
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.source import read_bytes

PROGRAM = "ebook-convert"
_DRM_SIGNS = ("DRMError", "DRM", "is locked")
_NUM_RECORDS_AT, _FIRST_RECORD_AT, _ENCRYPTION_AT = 76, 78, 12


def read_mobi(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read a Kindle book: calibre makes an EPUB of it in a temporary folder.

    Args:
        data: the file.
        name: its name; the title where the book names none.
        options: as of EPUB, and how long calibre may take.

    Raises:
        ProtectedInput: it is locked by digital rights management.
        UnsupportedFormat: calibre is not installed.
        DamagedInput: calibre cannot read it.
        InputTooLarge: calibre takes too long, or what it makes exceeds a bound.
    """
    if is_locked(data):
        raise _locked(name)
    program = shutil.which(PROGRAM)
    if program is None:
        raise UnsupportedFormat(
            f"`{name}` is a Kindle book (MOBI or AZW3), which infini reads through calibre",
            hint="install calibre (calibre-ebook.com), so that `ebook-convert` is found",
        )
    with tempfile.TemporaryDirectory(prefix="infini-mobi-") as folder:
        source, target = Path(folder) / "book.mobi", Path(folder) / "book.epub"
        source.write_bytes(data)
        output = _run(
            [program, str(source), str(target)], folder, options.limits.convert_seconds, name
        )
        if not target.is_file():
            if any(sign in output for sign in _DRM_SIGNS):
                raise _locked(name)
            raise damaged(name, "calibre cannot read it")
        return replace(
            read_epub(read_bytes(target, max_bytes=options.limits.file_bytes), name, options),
            format="mobi",
        )


def is_locked(data: bytes) -> bool:
    """Tell whether the header says that the text is encrypted."""
    if int.from_bytes(data[_NUM_RECORDS_AT : _NUM_RECORDS_AT + 2], "big") == 0:
        return False
    start = int.from_bytes(data[_FIRST_RECORD_AT : _FIRST_RECORD_AT + 4], "big")
    place = start + _ENCRYPTION_AT
    return int.from_bytes(data[place : place + 2], "big") in (1, 2)


def _run(command: list[str], folder: str, seconds: float, name: str) -> str:
    """Run calibre to its end and give what it says; its helpers are ended with it."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise InputTooLarge(
            f"calibre takes longer than {seconds:g} seconds for `{name}`",
            hint="convert it first: `ebook-convert book.mobi book.epub`",
        ) from error
    finally:
        _end(process)
    return output.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def _locked(name: str) -> ProtectedInput:
    return ProtectedInput(
        f"`{name}` is locked by digital rights management",
        hint="infini reads only books without such a lock",
    )
