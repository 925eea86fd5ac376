"""How chapters are numbered: as the pages of a printed book are.

Chapters of the body that are read by default count 1, 2, 3. All others, before, between and after
them, count i, ii, iii in one sequence. So `[ch. 7]` is what the book itself calls its seventh
chapter, whatever the file holds besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from infini_cli.reading.book import Matter
from infini_cli.reading.matter import Place

MAX_PLAIN = 3999
"""Larger numerals name their thousands in brackets: repeated, a file of notes would fill memory."""
_VALUES = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
_NUMERALS = ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i")


def label_chapters(places: Iterable[Place]) -> Iterator[str]:
    """Give the label of each chapter: `7` in the body, `iii` elsewhere; no two are the same.

    Args:
        places: of all chapters of the file, in reading order, as they are read by default.
    """
    numbers, numerals = count(1), count(1)
    for place in places:
        if place.matter is Matter.BODY and place.skip_reason is None:
            yield str(next(numbers))
        else:
            yield int_to_roman(next(numerals))


def is_number(label: str) -> bool:
    """Tell the label of a chapter of the body from a roman numeral."""
    return label.isdecimal()


def block_id(label: str, position: int) -> str:
    """Name a block: `c03.b0127` in the body, `ciii.b0004` elsewhere.

    Args:
        label: of its chapter.
        position: 1-based, in the chapter.
    """
    padded = label.zfill(2) if is_number(label) else label
    return f"c{padded}.b{position:04d}"


def int_to_roman(number: int) -> str:
    """Write a number from 1 on as a roman numeral in lower case: `xiv`; 4,014 is `(iv)xiv`."""
    written = ""
    if number > MAX_PLAIN:
        thousands, number = divmod(number, 1000)
        written = f"({int_to_roman(thousands)})"
    for value, numeral in zip(_VALUES, _NUMERALS, strict=True):
        times, number = divmod(number, value)
        written += numeral * times
    return written


def pages_title(first: str, last: str) -> str:
    """Name a run of pages by their labels."""
    return f"Page {first}" if first == last else f"Pages {first}-{last}"
