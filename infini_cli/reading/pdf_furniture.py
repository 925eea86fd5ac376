"""Find what repeats at the edges of PDF pages: running heads, feet, page numbers.

A line at the edge of a page is furniture if the same line stands at the same
height, in the same size, on other pages near by. Left and right pages often
differ, so pages two apart are enough. Numbers are masked only where they count
along with the pages: `Chapter 3` at the head of every second page is not a page
number, and a book of short chapters keeps its headings.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infini_cli.reading.book import Removal
from infini_cli.reading.headings import is_chapter_heading, roman_to_int
from infini_cli.reading.pdf_lines import Line

EDGE_ROWS = 2
WINDOW_PAGES = 10
MIN_REPEATS = 3
MAX_SHARE = 0.15
MAX_WORDS = 25
HEIGHT_TOLERANCE = 3.0
NUMBER = re.compile(r"\d+|\b[ivxlcdm]+\b", re.IGNORECASE)
MASK = "\N{FULLWIDTH NUMBER SIGN}"
ONLY_NUMBER = re.compile(
    rf"^(?:page|seite|p\.?|pag\.?)?\W*{MASK}(?:\W*(?:of|von|/)\W*\d+)?\W*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Furniture:
    """What was found.

    Attributes:
        pages: the lines of every page without its furniture.
        removals: what was taken out, counted.
        warnings: why nothing was, where too much looked like furniture.
    """

    pages: list[list[Line]]
    removals: tuple[Removal, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line at the edge of a page, and the forms under which it may recur."""

    line: Line
    top: bool
    forms: tuple[str, ...]


def remove_furniture(pages: Sequence[Sequence[Line]], labels: Sequence[str]) -> Furniture:
    """Take running heads, feet and page numbers out of the pages.

    Args:
        pages: the lines of every page.
        labels: the label of every page.
    """
    seen: defaultdict[tuple[bool, str], list[_Edge]] = defaultdict(list)
    for edge in _edges(pages, labels):
        for form in edge.forms:
            seen[edge.top, form].append(edge)
    found: dict[Line, str] = {}
    for (top, form), edges in seen.items():
        for edge in edges:
            if edge.line not in found and _recurs(edge, edges):
                found[edge.line] = _what(form, top)
    num_words = sum(len(line.text.split()) for page in pages for line in page)
    num_removed = sum(len(line.text.split()) for line in found)
    if num_removed > MAX_SHARE * num_words:
        warning = "more than 15 % of the PDF looked like running heads and feet; all of it was kept"
        return Furniture([list(page) for page in pages], warnings=(warning,))
    counts: Counter[str] = Counter(found.values())
    words: Counter[str] = Counter()
    for line, what in found.items():
        words[what] += len(line.text.split())
    return Furniture(
        [[line for line in page if line not in found] for page in pages],
        tuple(Removal(what, counts[what], words[what]) for what in sorted(counts)),
    )


def _edges(pages: Sequence[Sequence[Line]], labels: Sequence[str]) -> Iterator[_Edge]:
    for index, page in enumerate(pages):
        rows = sorted({round(line.y / HEIGHT_TOLERANCE) for line in page}, reverse=True)
        top_rows, bottom_rows = set(rows[:EDGE_ROWS]), set(rows[-EDGE_ROWS:])
        for line in page:
            row = round(line.y / HEIGHT_TOLERANCE)
            if len(line.text.split()) > MAX_WORDS:
                continue
            if row in top_rows:
                yield _Edge(line, True, tuple(_forms(line.text, index, labels[index])))
            if row in bottom_rows:
                yield _Edge(line, False, tuple(_forms(line.text, index, labels[index])))


def _forms(text: str, index: int, label: str) -> Iterator[str]:
    """Yield the line itself, and with each number that may be the page's masked.

    The distance between the number and the page's index is part of the form, so
    only numbers that grow with the pages recur.
    """
    yield text.casefold()
    if is_chapter_heading(text):
        return
    for match in NUMBER.finditer(text):
        before, number, after = text[: match.start()], match.group(), text[match.end() :]
        value = int(number) if number.isdecimal() else roman_to_int(number)
        if value is None or value > 99_999:
            continue
        kind = "arabic" if number.isdecimal() else "roman"
        yield f"{before}{MASK}{after}|{kind}{value - index}".casefold()
    if text.strip(" -\u2013\u2014.[]()").casefold() == label.casefold():
        yield f"{MASK}|label"


def _recurs(edge: _Edge, others: Sequence[_Edge]) -> bool:
    pages = {
        other.line.page
        for other in others
        if abs(other.line.page - edge.line.page) <= WINDOW_PAGES
        and abs(other.line.y - edge.line.y) <= HEIGHT_TOLERANCE
        and abs(other.line.size - edge.line.size) <= 0.5
    }
    return len(pages) >= MIN_REPEATS


def _what(form: str, top: bool) -> str:
    if ONLY_NUMBER.match(form.partition("|")[0]):
        return "page number"
    return "page header" if top else "page footer"
