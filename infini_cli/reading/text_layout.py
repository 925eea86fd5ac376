"""Cut plain text into paragraphs: unwrap what was wrapped, keep verse as verse."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from infini_cli.reading.book import BlockKind
from infini_cli.reading.line_joins import SOFT_HYPHEN, Joiner

TAB_WIDTH = 8
MIN_WRAP = 40
MAX_WRAP = 100
MAX_SHORT_BREAKS = 0.5
MAX_HEADING_LINES = 3
_SEPARATOR = re.compile(r"^(?:[*\u2042\u2022#~=_.\u2014\u2013 -]{3,}|\*|\u2042|\u2766)$")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


Lines = tuple[str, ...]
"""What stands between two blank lines, or from one indented line to the next."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that stand together.

    Attributes:
        kind: paragraph, verse or separator.
        text: running text; line breaks only in verse.
        lines: the lines as they stand in the file, stripped; None if they are more than a
            heading has: a long book is not to be held twice.
    """

    kind: BlockKind
    text: str
    lines: Lines | None


def split_paragraphs(text: str) -> list[Paragraph]:
    r"""Cut text into paragraphs.

    The text is gone through twice, and no more of it held at a time than a paragraph's lines:
    how wide it is wrapped and which words have hyphens is known only at its end.

    Args:
        text: with `\\n` line ends.
    """
    # A form feed ends a page, which need not end a paragraph.
    text = text.replace("\f", "\n").replace("\v", "\n").replace("\x1a", "").replace("\0", "")
    widths = _Widths()
    joiner = Joiner.learn(widths.measured(_groups(text)))
    column = widths.wrap_column()
    groups = _groups(text)
    if column is None:
        groups = (part for group in groups for part in _split_long(group))
    return [_paragraph(group, column, joiner) for group in groups]


class _Widths:
    """How long the lines of a text are."""

    def __init__(self) -> None:
        self._num_characters = self._num_long = 0
        # How many lines there are of each length; of lines that others follow, by the size of
        # their group.
        self._inner_of_many: Counter[int] = Counter()
        self._inner_of_two: Counter[int] = Counter()

    def measured(self, groups: Iterable[Lines]) -> Iterator[str]:
        """Yield the lines of groups, stripped, having measured them."""
        for group in groups:
            inner = self._inner_of_many if len(group) > 2 else self._inner_of_two
            for number, line in enumerate(map(str.strip, group), 1):
                self._num_characters += len(line)
                self._num_long += len(line) if len(line) > 1.5 * MAX_WRAP else 0
                if number < len(group):
                    inner[len(line)] += 1
                yield line

    def wrap_column(self) -> int | None:
        """Return the column at which prose was wrapped, None if each line is a paragraph."""
        if self._num_long > 0.3 * self._num_characters:
            return None
        inner = self._inner_of_many
        if inner.total() < 2:
            inner = inner + self._inner_of_two
        if not inner:
            return None
        return max(round(_near_the_longest(inner)), MIN_WRAP)


def _near_the_longest(lengths: Counter[int]) -> float:
    """Return the length that 95 % of lines do not exceed."""
    num_lines = lengths.total()
    if num_lines == 1:
        return next(iter(lengths))
    # As `statistics.quantiles(..., n=20)` does, between two neighbours where it falls there.
    place = min(max(19 * (num_lines + 1) // 20, 1), num_lines - 1)
    twentieths = 19 * (num_lines + 1) - 20 * place
    lower, upper = _at(lengths, place - 1), _at(lengths, place)
    return (lower * (20 - twentieths) + upper * twentieths) / 20


def _at(lengths: Counter[int], place: int) -> int:
    """Return the length at a place, counted from 0, among all lengths in order."""
    for length, number in sorted(lengths.items()):
        if place < number:
            return length
        place -= number
    raise IndexError(place)


def is_verse(lines: Sequence[str], column: int) -> bool:
    """Tell whether the line breaks are the author's.

    In wrapped prose the first word of a line did not fit on the line before; in
    verse, addresses and title pages it mostly would have.
    """
    if len(lines) < 2:
        return False
    num_short = sum(
        len(line) + 1 + len(after.split(" ", 1)[0]) < 0.9 * column
        for line, after in itertools.pairwise(lines)
    )
    return num_short > MAX_SHORT_BREAKS * (len(lines) - 1)


def _groups(text: str) -> Iterator[Lines]:
    return (group for block in _blocks(text) for group in _split_indented(block))


def _blocks(text: str) -> Iterator[Lines]:
    position = 0
    for match in itertools.chain(_BLANK.finditer(text), [None]):
        end = match.start() if match is not None else len(text)
        lines = [line.expandtabs(TAB_WIDTH).rstrip() for line in text[position:end].split("\n")]
        if lines := [line for line in lines if line.strip()]:
            yield tuple(lines)
        if match is not None:
            position = match.end()


def _split_indented(lines: Lines) -> Iterator[Lines]:
    """Split a group without blank lines where first lines are indented, as in old typescripts."""
    indents = [len(line) - len(line.lstrip()) for line in lines]
    margin = min(indents)
    starts = [index for index, indent in enumerate(indents) if indent > margin + 1]
    flush = len(lines) - len(starts)
    long_lines = median(map(len, lines)) > MIN_WRAP
    apart = all(after - before > 1 for before, after in itertools.pairwise(starts))
    if len(lines) < 4 or not starts or not long_lines or (not apart and flush < len(starts)):
        yield lines
        return
    bounds = sorted({0, *starts, len(lines)})
    for start, end in itertools.pairwise(bounds):
        yield lines[start:end]


def _split_long(lines: Lines) -> Iterator[Lines]:
    """Make a group of each long line, which is a paragraph where nothing is wrapped."""
    for is_long, run in itertools.groupby(lines, key=lambda line: len(line) > MAX_WRAP):
        if is_long:
            yield from ((line,) for line in run)
        else:
            yield tuple(run)


def _paragraph(group: Lines, column: int | None, joiner: Joiner) -> Paragraph:
    lines = tuple(" ".join(line.split()) for line in group)
    kept = lines if len(lines) <= MAX_HEADING_LINES else None
    if len(lines) == 1 and _SEPARATOR.match(lines[0]):
        return Paragraph(BlockKind.SEPARATOR, lines[0], kept)
    if column is None or is_verse(lines, column):
        kind = BlockKind.VERSE if len(lines) > 1 else BlockKind.PARAGRAPH
        return Paragraph(kind, "\n".join(lines).replace(SOFT_HYPHEN, ""), kept)
    return Paragraph(BlockKind.PARAGRAPH, joiner.join(lines), kept)
