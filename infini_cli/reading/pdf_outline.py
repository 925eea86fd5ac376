"""Find where the chapters of a PDF begin: from its outline, else from its headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from infini_cli.reading.headings import Rank, is_chapter_heading, is_title, parse_heading
from infini_cli.reading.pdf_content import OutlineEntry
from infini_cli.reading.pdf_layout import Layout
from infini_cli.reading.pdf_lines import Line

MAX_HEADING_LINES = 4
LONG_CHAPTER_WORDS = 12_000
MIN_SECTION_WORDS = 1_500
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Start:
    """Where a chapter begins.

    Attributes:
        line: index of its first line.
        title: its title.
        source: `toc`, `heading` or `position`.
        depth: nesting, 0 at the top.
        num_heading_lines: lines that say the title.
    """

    line: int
    title: str
    source: str
    depth: int = 0
    num_heading_lines: int = 0


def outline_starts(entries: Sequence[OutlineEntry], lines: Sequence[Line]) -> list[Start]:
    """Find the lines at which the outline's entries begin.

    Entries that point nowhere, or before an entry already placed, are left out.
    Of nested outlines the levels are taken that divide the book into chapters,
    not the sections within them.

    Args:
        entries: the outline, flat.
        lines: all lines, furniture removed, in reading order.
    """
    first_lines = _first_lines(lines)
    starts: list[Start] = []
    for entry in entries:
        title = " ".join(entry.title.split())
        if entry.page is None or not title:
            continue
        floor = starts[-1].line + starts[-1].num_heading_lines if starts else 0
        start = _place(entry, title, lines, first_lines, floor)
        if start is None:
            continue
        if starts and start.line == starts[-1].line:
            # A part and its first chapter on one spot: the part has no text of its own.
            if start.num_heading_lines <= starts[-1].num_heading_lines:
                starts[-1] = start
            continue
        if starts and start.line < starts[-1].line:
            continue
        starts.append(start)
    return _chapter_levels(starts, lines)


def _first_lines(lines: Sequence[Line]) -> dict[int, int]:
    """Return the index of the first line of each page that has any."""
    first: dict[int, int] = {}
    for index, line in enumerate(lines):
        first.setdefault(line.page, index)
    return first


def _place(
    entry: OutlineEntry, title: str, lines: Sequence[Line], first_lines: dict[int, int], floor: int
) -> Start | None:
    """Find an entry's line: by its title on the page, else by its height, else the page's first."""
    assert entry.page is not None
    first = first_lines.get(entry.page)
    if first is None:  # a page without text: the chapter begins on the next that has some
        later = [page for page in first_lines if page > entry.page]
        if not later:
            return None
        return Start(first_lines[min(later)], title, "toc", entry.depth)
    end = first
    while end < len(lines) and lines[end].page == entry.page:
        end += 1
    candidates = sorted(
        range(max(first, min(floor, end)), end), key=lambda i: _distance(lines[i], entry.top)
    )
    for index in candidates:
        if num_lines := _heading_lines(title, lines, index, end):
            return Start(index, title, "toc", entry.depth, num_lines)
    if entry.top is not None:
        for index in range(max(first, floor), end):
            if lines[index].y <= entry.top + 1:
                return Start(index, title, "toc", entry.depth)
    return Start(first, title, "toc", entry.depth)


def _distance(line: Line, top: float | None) -> float:
    return -line.y if top is None else abs(top - line.size - line.y)


def _heading_lines(title: str, lines: Sequence[Line], index: int, end: int) -> int:
    """Return how many lines from `index` on say the title, 0 if they do not.

    The outline may lack the number (`The Fox` for `3. The Fox`), or the page may.
    """
    wanted = _essence(title)
    if not wanted:
        return 0
    text = ""
    for count in range(1, MAX_HEADING_LINES + 1):
        if index + count > end:
            return 0
        text += _essence(lines[index + count - 1].text)
        if text == wanted or _without_number(text) == _without_number(wanted) != "":
            return count
        if len(text) > len(wanted) + 12:
            return 0
    return 0


def _essence(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", text).casefold()


def _without_number(text: str) -> str:
    return re.sub(r"^(?:chapter|part|section)?\d+", "", text)


def _chapter_levels(starts: list[Start], lines: Sequence[Line]) -> list[Start]:
    if not starts:
        return []
    depths = sorted({start.depth for start in starts})
    chosen = depths[0]
    for depth in depths[1:]:
        upper = [start for start in starts if start.depth <= chosen]
        lower = [start for start in starts if start.depth <= depth]
        parts = sum(1 for start in upper if _is_division(start.title))
        named = sum(
            1 for start in lower if start.depth == depth and is_chapter_heading(start.title)
        )
        num_deep = len(lower) - len(upper)
        long_enough = (
            _average_words(upper, lines) > LONG_CHAPTER_WORDS
            and _average_words(lower, lines) >= MIN_SECTION_WORDS
        )
        if len(upper) == 1 or 2 * parts >= len(upper) or 2 * named > num_deep or long_enough:
            chosen = depth
        else:
            break
    return [start for start in starts if start.depth <= chosen]


def _is_division(title: str) -> bool:
    heading = parse_heading(title)
    return heading is not None and heading.rank is Rank.DIVISION


def _average_words(starts: Sequence[Start], lines: Sequence[Line]) -> float:
    num_words = sum(len(line.text.split()) for line in lines[starts[0].line :])
    return num_words / len(starts)


def heading_starts(lines: Sequence[Line], groups: Sequence[range], layout: Layout) -> list[Start]:
    """Find chapters by headings: `Chapter 3` and the like, else what is set large.

    Args:
        lines: all lines, furniture removed.
        groups: their paragraphs.
        layout: as measured.
    """
    by_words: list[Start] = []
    large: list[Start] = []
    for group in groups:
        text = " ".join(lines[index].text for index in group)
        if len(group) > MAX_HEADING_LINES or not any(map(str.isalnum, text)):
            continue
        if is_chapter_heading(text) and (len(group) <= 2 or layout.is_large(lines[group[0]])):
            by_words.append(Start(group[0], text, "heading", num_heading_lines=len(group)))
        elif layout.is_large(lines[group[0]]) and is_title(text):
            large.append(Start(group[0], text, "heading", num_heading_lines=len(group)))
    by_words = _without_contents(by_words, lines)
    if by_words:
        return by_words
    large = _without_contents(large, lines)
    num_words = sum(len(line.text.split()) for line in lines)
    return large if len(large) >= 2 and num_words / len(large) >= 150 else []


def _without_contents(starts: list[Start], lines: Sequence[Line]) -> list[Start]:
    """Drop headings that only list: hardly any text behind them, and the same again later."""
    later: set[str] = set()
    kept: list[Start] = []
    for start, after in reversed([*pairwise(starts), *((start, None) for start in starts[-1:])]):
        end = after.line if after is not None else len(lines)
        num_words = sum(
            len(lines[i].text.split()) for i in range(start.line + start.num_heading_lines, end)
        )
        essence = re.sub(r"\d+$", "", _essence(start.title)) or _essence(start.title)
        if num_words < 30 and essence in later:
            continue
        later.add(essence)
        kept.append(start)
    return kept[::-1]
