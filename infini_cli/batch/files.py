"""Which books a batch reads: files, folders and patterns, in an order that never changes."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from infini_cli.errors import UsageError

SUFFIXES = frozenset(
    {
        ".epub",
        ".pdf",
        ".txt",
        ".text",
        ".md",
        ".markdown",
        ".html",
        ".htm",
        ".xhtml",
        ".docx",
        ".odt",
        ".rtf",
        ".fb2",
        ".mobi",
        ".azw3",
    }
)


def collect_books(
    arguments: Sequence[Path], *, without: Path | None = None, limit: int | None = None
) -> tuple[Path, ...]:
    """List the books that the arguments name, none twice.

    A file is taken whatever its name; of a folder everything below it that is named like a
    book; of a pattern what it matches. A file that is not there is listed as well: it fails
    when its turn comes, and the others do not suffer.

    Args:
        arguments: files, folders and patterns, in the order of the command line.
        without: a folder left out: that of the outputs.
        limit: the most books to list.

    Raises:
        UsageError: nothing is found, or a folder or a pattern holds no book.
    """
    books: dict[str, Path] = {}
    excluded = Path(os.path.realpath(without)) if without is not None else None
    for argument in arguments:
        found = [path for path in _expand(argument) if not _is_below(path, excluded)]
        if not found:
            what = "folder" if argument.is_dir() else "pattern"
            raise UsageError(
                f"no books in the {what} `{argument}`",
                hint=f"books are files named {', '.join(sorted(SUFFIXES))}",
            )
        for path in found:
            books.setdefault(os.path.realpath(path), path)
    if not books:
        raise UsageError("no books given", hint="name files, folders or patterns")
    return tuple(books.values())[:limit]


def read_list(text: str) -> tuple[Path, ...]:
    """Read paths from a list: one a line, or separated by zero bytes as `find -print0` does."""
    separator = "\0" if "\0" in text else "\n"
    lines = (line.removesuffix("\r") for line in text.split(separator))
    return tuple(Path(line) for line in lines if line.strip())


def _expand(argument: Path) -> Iterator[Path]:
    if argument.is_dir():
        yield from _walk(argument)
    elif not argument.exists() and glob.has_magic(str(argument)):
        for match in sorted(glob.glob(str(argument), recursive=True), key=_order):  # noqa: PTH207
            path = Path(match)
            if path.is_dir():
                continue
            yield path
    else:
        yield argument


def _walk(folder: Path) -> Iterator[Path]:
    """Walk a tree in order; hidden entries and links to folders are passed by."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=_order)
        for name in sorted(files, key=_order):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent) / name


def _order(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _is_below(path: Path, folder: Path | None) -> bool:
    return folder is not None and Path(os.path.realpath(path)).is_relative_to(folder)
