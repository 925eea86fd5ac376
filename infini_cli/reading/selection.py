"""Choose what of a book is read: `--chapters 3-7,12`, `--upto 5`, `--keep-all`."""

from __future__ import annotations

import re
from dataclasses import replace

from infini_cli.errors import UsageError
from infini_cli.reading.book import Book

_RANGE = re.compile(r"^(\d{1,6})(?:-(\d{1,6})?)?$|^-(\d{1,6})$", re.ASCII)
NOT_CHOSEN = "not chosen"
AFTER_LAST = "after the last chapter asked for"


def select_chapters(
    book: Book, *, chapters: str | None = None, upto: int | None = None, keep_all: bool = False
) -> Book:
    """Give the book with other chapters kept.

    Args:
        book: as it was read.
        chapters: list of numbers and ranges; these are kept whatever they are, no others.
        upto: nothing after this chapter is kept.
        keep_all: front and back matter is kept as well.

    Raises:
        UsageError: the list is malformed, names no chapter of the book, or keeps nothing.
    """
    last = book.chapters[-1].number
    wanted = parse_chapters(chapters, last) if chapters is not None else None
    if upto is not None and not 1 <= upto <= last:
        raise UsageError(f"there is no chapter {upto}", hint=f"the book has chapters 1 to {last}")
    chosen = []
    for chapter in book.chapters:
        reason = None if keep_all else chapter.skip_reason
        if wanted is not None:
            reason = None if chapter.number in wanted else NOT_CHOSEN
        if upto is not None and chapter.number > upto:
            reason = AFTER_LAST
        chosen.append(replace(chapter, skip_reason=reason))
    if not any(chapter.kept for chapter in chosen):
        raise UsageError("no chapter is left to read", hint="see `infini toc` for the chapters")
    return replace(book, chapters=tuple(chosen))


def parse_chapters(text: str, last: int) -> frozenset[int]:
    """Parse `3-7,12`, `5-` (to the end) and `-4` (from the beginning).

    Raises:
        UsageError: it is malformed or names a chapter that the book does not have.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        match = _RANGE.match(part.strip())
        if match is None:
            raise UsageError(
                f"`{text}` is no list of chapters", hint="write numbers and ranges: `3-7,12`"
            )
        single, end, until = match.groups()
        begin = int(single) if single else 1
        if until:
            stop = int(until)
        elif end:
            stop = int(end)
        else:
            stop = last if "-" in part else begin
        if not 1 <= begin <= stop <= last:
            raise UsageError(
                f"`{part.strip()}` names chapters that the book does not have",
                hint=f"the book has chapters 1 to {last}",
            )
        numbers.update(range(begin, stop + 1))
    return frozenset(numbers)
