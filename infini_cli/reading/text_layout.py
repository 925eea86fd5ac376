"""Cut plain text into paragraphs: unwrap what was wrapped, keep verse as verse."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from infini_cli.reading.book import BlockKind
from infini_cli.reading.line_joins import SOFT_HYPHEN, Joiner

TAB_WIDTH = 8
MIN_WRAP = 40
MAX_WRAP = 100
MAX_SHORT_BREAKS = 0.5
_SEPARATOR = re.compile(r"^(?:[*\u2042\u2022#~=_.\u2014\u2013 -]{3,}|\*|\u2042|\u2766)$")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that stand together.

    Attributes:
        kind: paragraph, verse or separator.
        text: running text; line breaks only in verse.
        lines: the lines as they stand in the file, stripped.
        gap: blank lines before it.
    """

    kind: BlockKind
    text: str
    lines: tuple[str, ...]
    gap: int = 1


@dataclass(frozen=True, slots=True)
class _Group:
    lines: tuple[str, ...]
    gap: int


def split_paragraphs(text: str) -> list[Paragraph]:
    r"""Cut text into paragraphs.

    Args:
        text: with `\\n` line ends.
    """
    # A form feed ends a page, which need not end a paragraph.
    text = text.replace("\f", "\n").replace("\v", "\n").replace("\x1a", "").replace("\0", "")
    groups = [group for block in _blocks(text) for group in _split_indented(block)]
    lines = [line.strip() for group in groups for line in group.lines]
    column = wrap_column([[line.strip() for line in group.lines] for group in groups])
    joiner = Joiner.learn(lines)
    if column is None:
        groups = [part for group in groups for part in _split_long(group)]
    return [_paragraph(group, column, joiner) for group in groups]


def wrap_column(groups: Sequence[Sequence[str]]) -> int | None:
    """Return the column at which prose was wrapped, None if each line is a paragraph of its own.

    Args:
        groups: lines between blank lines.
    """
    lengths = [len(line) for group in groups for line in group]
    num_long = sum(length for length in lengths if length > 1.5 * MAX_WRAP)
    if num_long > 0.3 * sum(lengths):
        return None
    inner = [len(line) for group in groups if len(group) > 2 for line in group[:-1]]
    if len(inner) < 2:
        inner = [len(line) for group in groups if len(group) > 1 for line in group[:-1]]
    if not inner:
        return None
    column = round(quantiles(inner, n=20)[-1]) if len(inner) > 1 else inner[0]
    return max(column, MIN_WRAP)


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


def _blocks(text: str) -> Iterator[_Group]:
    gap = 1
    position = 0
    for match in [*_BLANK.finditer(text), None]:
        end = match.start() if match is not None else len(text)
        lines = [line.expandtabs(TAB_WIDTH).rstrip() for line in text[position:end].split("\n")]
        if lines := [line for line in lines if line.strip()]:
            yield _Group(tuple(lines), gap)
        if match is not None:
            gap = match.group().count("\n") - 1
            position = match.end()


def _split_indented(group: _Group) -> Iterator[_Group]:
    """Split a group without blank lines where first lines are indented, as in old typescripts."""
    lines = group.lines
    indents = [len(line) - len(line.lstrip()) for line in lines]
    margin = min(indents)
    starts = [index for index, indent in enumerate(indents) if indent > margin + 1]
    flush = len(lines) - len(starts)
    long_lines = median(map(len, lines)) > MIN_WRAP
    apart = all(after - before > 1 for before, after in itertools.pairwise(starts))
    if len(lines) < 4 or not starts or not long_lines or (not apart and flush < len(starts)):
        yield group
        return
    bounds = sorted({0, *starts, len(lines)})
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        yield _Group(lines[start:end], group.gap if number == 0 else 0)


def _split_long(group: _Group) -> Iterator[_Group]:
    """Make a group of each long line, which is a paragraph where nothing is wrapped."""
    short: list[str] = []
    gap = group.gap
    for line in group.lines:
        if len(line) <= MAX_WRAP:
            short.append(line)
            continue
        if short:
            yield _Group(tuple(short), gap)
            short, gap = [], 0
        yield _Group((line,), gap)
        gap = 0
    if short:
        yield _Group(tuple(short), gap)


def _paragraph(group: _Group, column: int | None, joiner: Joiner) -> Paragraph:
    lines = tuple(" ".join(line.split()) for line in group.lines)
    if len(lines) == 1 and _SEPARATOR.match(lines[0]):
        return Paragraph(BlockKind.SEPARATOR, lines[0], lines, group.gap)
    if column is None or is_verse(lines, column):
        kind = BlockKind.VERSE if len(lines) > 1 else BlockKind.PARAGRAPH
        return Paragraph(kind, "\n".join(lines).replace(SOFT_HYPHEN, ""), lines, group.gap)
    return Paragraph(BlockKind.PARAGRAPH, joiner.join(lines), lines, group.gap)
