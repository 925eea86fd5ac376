"""Find where the chapters of a plain text begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from infini_cli.reading.book import BlockKind
from infini_cli.reading.headings import MAX_TITLE_WORDS, Heading, Rank, is_title, parse_heading
from infini_cli.reading.text_layout import Paragraph

CONTENTS_WORDS = 30
ENOUGH_KEYWORDS = 2


@dataclass(frozen=True, slots=True)
class TextStart:
    """Where a chapter begins.

    Attributes:
        index: of the paragraph that is its heading.
        title: its title, without line breaks.
        depth: nesting, 0 at the top.
        num_headings: paragraphs that make up the heading: number, then title.
    """

    index: int
    title: str
    depth: int
    num_headings: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    index: int
    heading: Heading
    num_headings: int
    title: str


def text_starts(paragraphs: Sequence[Paragraph]) -> list[TextStart]:
    """Find chapter headings.

    A table of contents in front repeats the headings with nothing between them;
    it is told apart by that. Bare numbers count only as a run from one upwards.

    Args:
        paragraphs: the whole text.
    """
    candidates = [
        candidate
        for index in range(len(paragraphs))
        if (candidate := _candidate(paragraphs, index)) is not None
    ]
    candidates = _without_contents(candidates, paragraphs)
    candidates = _with_titles(_believable(candidates), paragraphs)
    has_divisions = any(candidate.heading.rank is Rank.DIVISION for candidate in candidates)
    has_chapters = any(candidate.heading.rank is Rank.CHAPTER for candidate in candidates)
    starts: list[TextStart] = []
    in_division = False
    for candidate in candidates:
        division = candidate.heading.rank is Rank.DIVISION
        in_division = in_division or division
        nested = has_divisions and has_chapters and not division and in_division
        starts.append(
            TextStart(candidate.index, candidate.title, int(nested), candidate.num_headings)
        )
    return starts


def _candidate(paragraphs: Sequence[Paragraph], index: int) -> _Candidate | None:
    paragraph = paragraphs[index]
    if paragraph.kind is BlockKind.SEPARATOR or paragraph.lines is None:
        return None
    first, *rest = paragraph.lines
    heading = parse_heading(first)
    if heading is None or (rest and not all(map(is_title, rest))):
        return None
    title = " ".join(paragraph.lines)
    if rest and not heading.title:
        heading = replace(heading, title=" ".join(rest))
    return _Candidate(index, heading, 1, title)


def _without_contents(
    candidates: Sequence[_Candidate], paragraphs: Sequence[Paragraph]
) -> list[_Candidate]:
    """Drop entries of a table of contents: no text behind them, and the same heading later."""
    later: set[tuple[str, int | None, str]] = set()
    kept: list[_Candidate] = []
    next_index = len(paragraphs)
    for candidate in reversed(candidates):
        num_words = sum(
            len(paragraph.text.split())
            for paragraph in paragraphs[candidate.index + 1 : next_index]
        )
        next_index = candidate.index
        key = candidate.heading.key
        if num_words < CONTENTS_WORDS and key in later:
            continue
        later.add(key)
        kept.append(candidate)
    return kept[::-1]


def _believable(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Drop bare numbers that do not count upwards, and all of them beside `CHAPTER I`."""
    num_keywords = sum(
        1
        for candidate in candidates
        if candidate.heading.rank is Rank.CHAPTER
        and candidate.heading.word
        and candidate.heading.number is not None
    )
    run: list[_Candidate] = []
    expected = 1
    for candidate in candidates:
        heading = candidate.heading
        if heading.word:
            continue
        if heading.number == expected or heading.number == 1:
            expected = (heading.number or 0) + 1
            run.append(candidate)
    believed = run if len(run) >= 2 and num_keywords < ENOUGH_KEYWORDS else []
    indices = {candidate.index for candidate in believed}
    return [
        candidate
        for candidate in candidates
        if candidate.heading.word or candidate.index in indices
    ]


def _with_titles(
    candidates: Sequence[_Candidate], paragraphs: Sequence[Paragraph]
) -> list[_Candidate]:
    """Take in the title that stands alone under a number (`CHAPTER I`, `In Chancery`)."""
    taken = {candidate.index for candidate in candidates}
    titled: list[_Candidate] = []
    for candidate in candidates:
        index = candidate.index + 1
        if (
            not candidate.heading.title
            and candidate.heading.number is not None
            and index + 1 < len(paragraphs)
            and index not in taken
            and _is_title_paragraph(paragraphs[index])
        ):
            title = paragraphs[index].text.replace("\n", " ")
            mark = "" if candidate.title[-1:] in ".:" else "."
            candidate = replace(candidate, title=f"{candidate.title}{mark} {title}", num_headings=2)
        titled.append(candidate)
    return titled


def _is_title_paragraph(paragraph: Paragraph) -> bool:
    text = paragraph.text.replace("\n", " ")
    return (
        paragraph.kind is not BlockKind.SEPARATOR
        and paragraph.lines is not None
        and len(paragraph.lines) <= 2
        and len(text.split()) <= MAX_TITLE_WORDS
        and is_title(text)
        and text[-1:] not in set("?!:\"'\u201d\u2019")
        and (text.isupper() or text[-1] != ".")
    )
