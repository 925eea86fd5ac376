"""Recognise chapter headings by their words, and split blocks at headings.

Used where a file does not say itself where its chapters begin: plain text, and
PDFs without an outline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

MAX_TITLE_WORDS = 16
MAX_TITLE_CHARACTERS = 120

_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth last"
)
_NUMBER_WORDS = {word: index for index, word in enumerate(_UNITS.split(), 1)}
_NUMBER_WORDS |= {word: 10 * index for index, word in enumerate(_TENS.split(), 2)}
_ORDINAL_WORDS = {word: index for index, word in enumerate(_ORDINALS.split(), 1)}
_WORD = "|".join(sorted([*_NUMBER_WORDS, *_ORDINAL_WORDS], key=len, reverse=True))
_NUMBER = rf"(?:\d{{1,4}}|[ivxlcdm]+|(?:the\s+)?(?:{_WORD})(?:[\s-](?:{_WORD}))?)"
_DIVISIONS = [
    "part",
    "book",
    "volume",
    "vol",
    "act",
    "teil",
    "buch",
    "band",
    "livre",
    "partie",
    "libro",
    "parte",
]
_CHAPTERS = [
    "chapter",
    "chap",
    "canto",
    "stave",
    "scene",
    "letter",
    "kapitel",
    "chapitre",
    "capítulo",
    "capitulo",
    "capitolo",
    "section",
]
_ALONE = [
    "prologue",
    "epilogue",
    "preface",
    "introduction",
    "foreword",
    "afterword",
    "conclusion",
    "interlude",
    "appendix",
    "postscript",
    "etymology",
    "contents",
    "dedication",
    "acknowledgements",
    "acknowledgments",
    "prolog",
    "epilog",
    "finale",
]
_KEYWORD = re.compile(
    rf"^(?P<word>{'|'.join([*_DIVISIONS, *_CHAPTERS])})\b\.?\s+(?P<number>{_NUMBER})"
    r"(?P<mark>\s*[.:\u2014\u2013-]+\s*|\s+|$)(?P<title>.*)$",
    re.IGNORECASE,
)
_ORDINAL_FIRST = re.compile(
    rf"^(?:the\s+)?(?P<number>{'|'.join(_ORDINAL_WORDS)})\s+"
    rf"(?P<word>{'|'.join([*_DIVISIONS, *_CHAPTERS])})"
    r"(?P<mark>\s*[.:\u2014\u2013-]+\s*|$)(?P<title>.*)$",
    re.IGNORECASE,
)
_STANDALONE = re.compile(
    rf"^(?P<word>{'|'.join(_ALONE)})(?P<mark>[.:]?\s*|\s+)(?P<title>.*)$", re.IGNORECASE
)
_NUMERAL = re.compile(
    r"^(?P<number>[IVXLCDM]+|\d{1,3})(?P<mark>[.:)]|\s*[\u2014\u2013-]|$)\s*(?P<title>.*)$"
)
_ROMAN = re.compile(r"^m{0,3}(cm|cd|d?c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})$", re.IGNORECASE)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


class Rank(IntEnum):
    """How large a division a heading opens."""

    DIVISION = 0
    CHAPTER = 1


@dataclass(frozen=True, slots=True)
class Heading:
    """A line read as a heading.

    Attributes:
        rank: a part or book, or a chapter.
        word: the keyword in lower case; empty for a bare number.
        number: its number; None without one.
        title: what follows the number.
    """

    rank: Rank
    word: str
    number: int | None
    title: str

    @property
    def key(self) -> tuple[str, int | None, str]:
        """What is equal for one heading in the table of contents and in the text."""
        return self.word, self.number, "" if self.number is not None else self.title.casefold()


def parse_heading(text: str) -> Heading | None:
    """Read a line as a chapter heading, or return None.

    Args:
        text: one line, stripped. A bare number (`IV.`, `12`) counts, with a
            title only in capitals or title case; callers should ask for a run
            of them before they believe one.
    """
    text = text.strip(" \t*_=~-")
    if not text or len(text) > MAX_TITLE_CHARACTERS or len(text.split()) > MAX_TITLE_WORDS + 4:
        return None
    for pattern in (_KEYWORD, _ORDINAL_FIRST):
        if (match := pattern.match(text)) and (number := parse_number(match["number"])) is not None:
            if not _opens_title(match["mark"], match["title"]) or not text[0].isupper():
                continue
            word = match["word"].lower()
            rank = Rank.DIVISION if word in _DIVISIONS else Rank.CHAPTER
            return Heading(rank, word, number, match["title"].strip())
    if match := _STANDALONE.match(text):
        title = match["title"].strip()
        if text[0].isupper() and (
            not title or ((match["mark"].strip() or text.isupper()) and is_title(title))
        ):
            return Heading(Rank.CHAPTER, match["word"].lower(), None, title)
        return None
    if (match := _NUMERAL.match(text)) and (number := parse_number(match["number"])) is not None:
        title = match["title"].strip()
        if not title or (match["mark"].strip() and is_title(title)):
            return Heading(Rank.CHAPTER, "", number, title)
    return None


def is_chapter_heading(text: str) -> bool:
    """Tell whether a line opens a chapter by a keyword or alone; bare numbers do not count."""
    heading = parse_heading(text)
    return heading is not None and bool(heading.word)


def is_title(text: str) -> bool:
    """Tell whether a line could be a title: short, capitals or title case, no sentence."""
    words = text.split()
    if not words or len(words) > MAX_TITLE_WORDS or len(text) > MAX_TITLE_CHARACTERS:
        return False
    if text.rstrip("\"'\u201d\u2019")[-1:] in {",", ";"} or text[0].islower():
        return False
    letters = [character for character in text if character.isalpha()]
    if letters and sum(map(str.isupper, letters)) > 0.7 * len(letters):
        return True
    if text[-1] == "." and len(words) > 8:
        return False
    long_words = [
        word for word in words if len(word.strip("\"'\u201c\u201d\u2018\u2019.,:;!?()")) > 4
    ]
    starts = [word.lstrip("\"'\u201c\u2018(")[:1] for word in long_words]
    num_capital = sum(1 for start in starts if not start.islower())
    return len(words) <= 3 or num_capital >= 0.6 * len(starts)


def parse_number(text: str) -> int | None:
    """Return the value of digits, a roman numeral or an English number word."""
    text = text.strip().lower().removeprefix("the ").strip()
    if text.isascii() and text.isdecimal():
        return int(text)
    if (value := roman_to_int(text)) is not None:
        return value
    parts = re.split(r"[\s-]+", text)
    values = [_NUMBER_WORDS.get(part) or _ORDINAL_WORDS.get(part) for part in parts]
    if not parts or None in values:
        return None
    return sum(value for value in values if value is not None)


def roman_to_int(text: str) -> int | None:
    """Return the value of a well-formed roman numeral, None for anything else."""
    text = text.lower()
    if not text or not _ROMAN.match(text):
        return None
    values = [_ROMAN_VALUES[character] for character in text]
    return sum(
        -value if value < after else value
        for value, after in zip(values, [*values[1:], 0], strict=True)
    )


def _opens_title(mark: str, title: str) -> bool:
    """Tell a title from the rest of a sentence (`Part two of the plan was`)."""
    if not title.strip():
        return True
    if mark.strip():
        return not title.strip()[0].islower() or len(title.split()) <= 8
    return is_title(title.strip())
