"""Read a file or bytes of any format that infini knows into a `Book`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.reading.assemble import assemble
from infini_cli.reading.by_length import cut_by_length
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.sniff import Format, sniff
from infini_cli.reading.source import read_bytes

if TYPE_CHECKING:
    from infini_cli.reading.book import Book

STDIN_NAME = "stdin"

ReadFormat = Callable[[bytes, str, ReadOptions], RawBook]


def read_book(
    source: Path | bytes,
    *,
    options: ReadOptions | None = None,
    name: str | None = None,
    kind: Format | None = None,
) -> Book:
    """Read a book.

    Args:
        source: a file, the bytes of one (what came from standard input), or a folder of HTML
            files, which together are one book.
        options: encoding, password, what to keep; the defaults if None.
        name: how to call it in messages and, where it names none, its title;
            the file's name, or `stdin`, if None.
        kind: its format; told by its content if None.

    Raises:
        InputNotFound: there is no such file, or it is a device or a folder without HTML files.
        UnsupportedFormat: it is of no format that infini reads.
        InputError: it is empty, damaged, encrypted, protected, too large or
            without text.
        UsageError: the options ask for something impossible.
    """
    options = options if options is not None else ReadOptions()
    if isinstance(source, Path) and source.is_dir():
        from infini_cli.reading.html_folder import read_html_folder

        raw, source_sha256 = read_html_folder(source, options)
    else:
        if isinstance(source, bytes):
            data, name = source, name or STDIN_NAME
        else:
            data = read_bytes(source, max_bytes=options.limits.file_bytes)
            name = name or source.name
        raw = _reader(kind or sniff(data, name))(data, name, options)
        source_sha256 = hashlib.sha256(data).hexdigest()
    return assemble(cut_by_length(raw), source_sha256=source_sha256)


def _reader(kind: Format) -> ReadFormat:
    """Import a format's module only when a file needs it: a command starts faster without."""
    module = import_module(f"infini_cli.reading.{kind.value}")
    reader: ReadFormat = getattr(module, f"read_{kind.value}")
    return reader
