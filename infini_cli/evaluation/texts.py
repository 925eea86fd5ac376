"""Texts that models are measured with and learn from: books without what is no part of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from infini_cli.errors import InputNotFound
from infini_cli.evaluation.haystack import TextHaystack
from infini_cli.reading import read_book
from infini_cli.tokens.tokenizer import Tokenizer


def read_text(path: Path) -> str:
    """Give the text of a book's kept chapters, a blank line between blocks.

    Raises:
        InputError: it cannot be read.
    """
    chapters = read_book(path).kept_chapters
    return "\n\n".join(block.text for chapter in chapters for block in chapter.blocks)


def read_haystack(
    books: Sequence[Path], tokenizer: Tokenizer, without: Collection[str] = ()
) -> TextHaystack:
    """Make a haystack of books.

    Args:
        books: their files.
        tokenizer: of the model that will read them.
        without: names of files that are left out.

    Raises:
        InputError: one cannot be read.
        UsageError: nothing is left.
    """
    kept = [book for book in books if book.name not in without]
    return TextHaystack([read_text(book) for book in kept], tokenizer)


def read_names(path: Path) -> frozenset[str]:
    """Read a list of file names, one a line.

    Raises:
        InputNotFound: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputNotFound(f"cannot read `{path}`: {error.strerror}") from error
    return frozenset(line.strip() for line in lines if line.strip())
