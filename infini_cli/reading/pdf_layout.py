"""Measure how a PDF is set, and group its lines into paragraphs by it."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import quantiles

from infini_cli.reading.pdf_lines import Line

# A line whose first word would still have fitted on the line before was not
# broken by the margin. Widths are guessed from characters, hence the slack.
SHORT_LINE = 0.8
LARGER = 1.15
GAP = 1.3
INDENT_EMS = 0.6
DEEP_INDENT_EMS = 3.0
CLOSING = "\"'\u201d\u2019)]\u00bb"
SENTENCE_ENDS = ".!?:\u2026"
OPENING = "\"'\u201c\u2018([\u00ab\u2014-"


@dataclass(frozen=True, slots=True)
class Layout:
    """What is usual in a PDF.

    Attributes:
        size: font size of the body, points.
        leading: distance between baselines within a paragraph, points.
        column: characters in a full line.
        margins: where lines begin on each page, by page index.
        marks_paragraphs: whether gaps or indents tell where paragraphs begin.
    """

    size: float
    leading: float
    column: float
    margins: dict[int, float]
    marks_paragraphs: bool

    def is_large(self, line: Line) -> bool:
        """Tell whether a line is set visibly larger than the body."""
        return line.size >= LARGER * self.size

    def indent(self, line: Line) -> float:
        """Return how far a line begins from the margin of its page, in ems of the body."""
        return (line.x - self.margins.get(line.page, line.x)) / (self.size or 1.0)

    def is_short(self, line: Line, following: Line) -> bool:
        """Tell whether the first word of the line after would have fitted on this one."""
        word = following.text.split(" ", 1)[0]
        return len(line.text) + 1 + len(word) < SHORT_LINE * self.column


def measure(lines: Sequence[Line]) -> Layout:
    """Measure a PDF by its most frequent values, weighted by characters.

    Args:
        lines: all its lines, furniture removed.
    """
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    size = sizes.most_common(1)[0][0] if sizes else 0.0
    body = [line for line in lines if abs(line.size - size) <= 0.1 * size]
    leadings: Counter[float] = Counter(
        round(before.y - after.y, 1)
        for before, after in itertools.pairwise(body)
        if before.page == after.page and 0.5 * size < before.y - after.y < 4 * size
    )
    lengths = [len(line.text) for line in body]
    column = quantiles(lengths, n=10)[-1] if len(lengths) > 1 else float(sum(lengths))
    margins = _margins(body)
    layout = Layout(
        size, leadings.most_common(1)[0][0] if leadings else size, column, margins, True
    )
    num_marked = sum(
        1
        for before, after in itertools.pairwise(body)
        if before.page == after.page and _is_marked(before, after, layout)
    )
    return Layout(size, layout.leading, column, margins, num_marked >= max(1, len(body) // 60))


def _margins(lines: Sequence[Line]) -> dict[int, float]:
    """Take the leftmost start that a fair share of a page's lines have in common."""
    starts: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for line in lines:
        starts[line.page][round(line.x)] += 1
    margins: dict[int, float] = {}
    for page, counts in starts.items():
        enough = max(1, sum(counts.values()) // 6)
        common = [x for x in counts if counts[x - 1] + counts[x] + counts[x + 1] >= enough]
        margins[page] = float(min(common or counts))
    return margins


def group_lines(lines: Sequence[Line], layout: Layout, breaks: Collection[int]) -> list[range]:
    """Group lines into paragraphs and headings.

    Args:
        lines: all lines, furniture removed, in reading order.
        layout: as measured.
        breaks: indices of lines that begin a group in any case.

    Returns:
        The indices of each group's lines.
    """
    groups: list[range] = []
    start = 0
    for index in range(1, len(lines)):
        if index in breaks or _begins_group(lines, start, index, layout):
            groups.append(range(start, index))
            start = index
    if lines:
        groups.append(range(start, len(lines)))
    return groups


def _begins_group(lines: Sequence[Line], start: int, index: int, layout: Layout) -> bool:
    before, line = lines[index - 1], lines[index]
    if layout.is_large(before) != layout.is_large(line):
        return True
    if layout.is_large(line) and abs(before.size - line.size) > 0.1 * line.size:
        return True
    if before.page == line.page and before.y > line.y:
        if _is_marked(before, line, layout, first=index - 1 == start):
            return True
        if layout.marks_paragraphs:
            return False
    elif layout.indent(line) > INDENT_EMS and layout.indent(before) < INDENT_EMS:
        return ends_sentence(before.text) or not line.text[:1].islower()
    return (
        ends_sentence(before.text)
        and not line.text.lstrip(OPENING)[:1].islower()
        and layout.is_short(before, line)
    )


def _is_marked(before: Line, line: Line, layout: Layout, *, first: bool = True) -> bool:
    """Tell whether a gap or an indent says that a paragraph begins.

    Args:
        before: the line above, on the same page.
        line: the line in question.
        layout: as measured.
        first: whether the line above is the first of its group.
    """
    usual = layout.leading * max(1.0, line.size / layout.size if layout.size else 1.0)
    if before.y - line.y > GAP * usual:
        return True
    indent, indent_before = layout.indent(line), layout.indent(before)
    if indent > INDENT_EMS:
        if abs(indent - indent_before) <= INDENT_EMS:  # dialogue, or all of a quotation
            return first and indent < DEEP_INDENT_EMS and ends_sentence(before.text)
        return True
    return indent_before > DEEP_INDENT_EMS


def ends_sentence(text: str) -> bool:
    """Tell whether text ends like a sentence."""
    return text.rstrip(CLOSING)[-1:] in set(SENTENCE_ENDS)
