"""Take Project Gutenberg's licence off a text: what stands before and after the book itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from infini_cli.reading.book import Removal
from infini_cli.reading.raw import RawChapter

MAX_SHARE = 0.15
"""More than this share of a text is never taken for a licence, unless the text is tiny."""
MIN_CAP_CHARACTERS = 25_000
"""The licence itself is about 19,000 characters: more than 15 % of a short story."""
CHARACTERS_PER_WORD = 6

_START = re.compile(
    r"^[ \t]*\*{3}[ \t]*START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK.{0,400}?\*{3}[ \t]*$",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_END = re.compile(
    r"^[ \t]*(?:\*{3}[ \t]*END OF (?:THE|THIS) PROJECT GUTENBERG EBOOK"
    r"|End of (?:the |this )?Project Gutenberg(?:'s|’s)? )",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD = re.compile(r"^(Title|Author|Language):[ \t]*(.+(?:\n[ \t]+\S.*)*)$", re.MULTILINE)
_LANGUAGES = {"english": "en", "french": "fr", "german": "de", "spanish": "es", "italian": "it"}


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text without its licence, and what the header said.

    Attributes:
        text: the rest.
        title: as the header names it.
        authors: as the header names them.
        language: BCP 47 tag where the header's name of it is known.
        removals: what was taken out.
    """

    text: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    language: str | None = None
    removals: tuple[Removal, ...] = ()


def strip_licence(text: str) -> Stripped:
    """Cut at the markers that Project Gutenberg puts around a book; at most 15 % of it."""
    cap = max(int(len(text) * MAX_SHARE), MIN_CAP_CHARACTERS)
    start, end = 0, len(text)
    fields: dict[str, str] = {}
    opening = _START.search(text, 0, cap)
    if opening is not None:
        start = opening.end()
        fields = {name: " ".join(value.split()) for name, value in _FIELD.findall(text[:start])}
    closing = _END.search(text, start)
    if closing is not None and len(text) - closing.start() <= cap:
        end = closing.start()
    if not text[start:end].strip():
        return Stripped(text)
    words = len(text[:start].split()) + len(text[end:].split())
    num_parts = int(start > 0) + int(end < len(text))
    removals = (Removal("licence", num_parts, words),) if num_parts else ()
    author = fields.get("Author")
    return Stripped(
        text=text[start:end],
        title=fields.get("Title"),
        authors=(author,) if author else (),
        language=_LANGUAGES.get(fields.get("Language", "").lower()),
        removals=removals,
    )


@dataclass(frozen=True, slots=True)
class StrippedChapters:
    """Chapters without the licence.

    Attributes:
        chapters: the rest; those that held nothing else are gone.
        removals: what was taken out.
    """

    chapters: tuple[RawChapter, ...]
    removals: tuple[Removal, ...] = ()


def strip_licence_blocks(chapters: Sequence[RawChapter]) -> StrippedChapters:
    """Cut whole blocks at the same markers; at most 15 % of the book at either end."""
    places = [
        (number, position, block.text)
        for number, chapter in enumerate(chapters)
        for position, block in enumerate(chapter.blocks)
    ]
    sizes = [len(text.split()) for _, _, text in places]
    cap = max(int(sum(sizes) * MAX_SHARE), MIN_CAP_CHARACTERS // CHARACTERS_PER_WORD)
    start, end = 0, len(places)
    for index in _within(sizes, cap):
        if _START.search(places[index][2]):
            start = index + 1
            break
    for distance in _within(sizes[::-1], cap):
        index = len(places) - 1 - distance
        if index >= start and _END.search(places[index][2]):
            end = index
    if (start, end) == (0, len(places)) or not any(sizes[start:end]):
        return StrippedChapters(tuple(chapters))
    kept = {place[:2] for place in places[start:end]}
    rest = (
        replace(
            chapter,
            blocks=tuple(
                block for position, block in enumerate(chapter.blocks) if (number, position) in kept
            ),
        )
        for number, chapter in enumerate(chapters)
    )
    num_words = sum(sizes[:start]) + sum(sizes[end:])
    num_parts = int(start > 0) + int(end < len(places))
    return StrippedChapters(
        tuple(chapter for chapter in rest if chapter.blocks),
        (Removal("licence", num_parts, num_words),),
    )


def _within(sizes: Sequence[int], cap: int) -> Iterator[int]:
    """Give the indices of the first blocks that together have at most so many words."""
    total = 0
    for index, size in enumerate(sizes):
        total += size
        if total > cap:
            return
        yield index
