"""Choose what of a book is read: `--chapters ii,3-7,12`, `--upto 5`, `--keep-all`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from infini_cli.errors import UsageError
from infini_cli.reading.book import Book
from infini_cli.reading.labels import is_number

_RANGE = re.compile(r"^(\d{1,6})(?:-(\d{1,6})?)?$|^-(\d{1,6})$", re.ASCII)
_NUMERAL = re.compile(r"^[ivxlcdm()]+$")
NOT_CHOSEN = "not chosen"
AFTER_LAST = "after the last chapter asked for"


def select_chapters(
    book: Book, *, chapters: str | None = None, upto: int | None = None, keep_all: bool = False
) -> Book:
    """Give the book with other chapters kept; their labels stay as they are.

    Args:
        book: as it was read.
        chapters: list of labels and ranges; these are kept whatever they are, no others.
        upto: nothing after this chapter of the body is kept.
        keep_all: front and back matter is kept as well.

    Raises:
        UsageError: the list is malformed, names no chapter of the book, or keeps nothing.
    """
    labels = [chapter.label for chapter in book.chapters]
    wanted = parse_chapters(chapters, labels) if chapters is not None else None
    if upto is not None and str(upto) not in labels:
        raise UsageError(f"there is no chapter {upto}", hint=_what_there_is(labels))
    end = len(labels) if upto is None else labels.index(str(upto)) + 1
    chosen = []
    for position, chapter in enumerate(book.chapters):
        reason = None if keep_all else chapter.skip_reason
        if wanted is not None:
            reason = None if chapter.label in wanted else NOT_CHOSEN
        if position >= end:
            reason = AFTER_LAST
        chosen.append(replace(chapter, skip_reason=reason))
    if not any(chapter.kept for chapter in chosen):
        raise UsageError("no chapter is left to read", hint="see `infini toc` for the chapters")
    return replace(book, chapters=tuple(chosen))


def parse_chapters(text: str, labels: Sequence[str]) -> frozenset[str]:
    """Parse `3-7,12`, `5-` (to the end), `-4` (from the beginning) and `ii` (outside the body).

    Args:
        text: what was asked for.
        labels: of all chapters of the book.

    Returns:
        Labels.

    Raises:
        UsageError: it is malformed or names a chapter that the book does not have.
    """
    wanted: set[str] = set()
    for part in text.split(","):
        name = part.strip().lower()
        asked = [name] if _NUMERAL.match(name) else _numbers(name, _num_numbers(labels))
        if asked is None:
            raise UsageError(
                f"`{text}` is no list of chapters",
                hint="write numbers, ranges of numbers and single roman numerals: `ii,3-7,12`",
            )
        if not asked or not set(asked) <= set(labels):
            raise UsageError(
                f"`{part.strip()}` names chapters that the book does not have",
                hint=_what_there_is(labels),
            )
        wanted.update(asked)
    return frozenset(wanted)


def _numbers(part: str, last: int) -> list[str] | None:
    """Give the numbers of a range, none where it leaves the book; None where it is no range."""
    match = _RANGE.match(part)
    if match is None:
        return None
    single, end, until = match.groups()
    begin = int(single or 1)
    stop = int(until or end or (last if part.endswith("-") else begin))
    return [str(number) for number in range(begin, stop + 1)] if 1 <= begin <= stop <= last else []


def _num_numbers(labels: Sequence[str]) -> int:
    return sum(map(is_number, labels))


def _what_there_is(labels: Sequence[str]) -> str:
    numerals = [label for label in labels if not is_number(label)]
    ends = dict.fromkeys(numerals[:1] + numerals[-1:])
    others = f", and {' to '.join(ends)} outside the body" if ends else ""
    return f"the book has chapters 1 to {_num_numbers(labels)}{others}"
