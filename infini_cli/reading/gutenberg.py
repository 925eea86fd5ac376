"""Take Project Gutenberg's licence off a text: what stands before and after the book itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infini_cli.reading.book import Removal

MAX_SHARE = 0.15
"""More than this share of a text is never taken for a licence, unless the text is tiny."""
MIN_CAP_CHARACTERS = 25_000
"""The licence itself is about 19,000 characters: more than 15 % of a short story."""

_START = re.compile(
    r"^[ \t]*\*{3}[ \t]*START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK.*?\*{3}[ \t]*$",
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
    if opening is not None and len(opening[0]) < 500:
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
