"""Split text into sentences, as offsets; nothing is changed and nothing lost."""

from __future__ import annotations

import re

ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "st",
        "sr",
        "jr",
        "prof",
        "capt",
        "col",
        "gen",
        "lt",
        "sgt",
        "rev",
        "hon",
        "esq",
        "vol",
        "no",
        "vs",
        "etc",
        "e.g",
        "i.e",
        "cf",
        "ed",
        "messrs",
        "mme",
        "mlle",
        "co",
        "ch",
        "fig",
        "pp",
        "p",
    ]
)
"""Words after which a full stop ends no sentence, unless a new paragraph begins."""

LONGEST_ABBREVIATION = 20
"""Characters looked at before a stop: looking at all would take forever on a line of stops."""

_LEANS = re.compile(
    r"(?:he|she|it|they|his|her|hers|its|their|this|that|these|those|then|there|but|and|also"
    r"|i|we|you|my|our|your|me|us)\b",
    re.IGNORECASE,
)

_END = re.compile(
    # stops, closing quotes and brackets, then space and what may begin a sentence
    r"(?<![.!?\u2026])(?P<stop>[.!?\u2026]++)[\"'\u2019\u201d)\]]*(?=\s+[\"'\u2018\u201c(\[\u2014]*[^\sa-z])"
    r"|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\u2019)]*"
    r"|(?=\n\s*\n)|$"
)
_WORD_BEFORE = re.compile(r"([^\s(\[\"'\u201c\u2018]+)$")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Give start and end offsets of sentences, without the space around them.

    Abbreviations, initials and decimal points end no sentence; a blank line always does.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if match["stop"] == "." and _is_abbreviation(
            text[max(start, match.start() - LONGEST_ABBREVIATION) : match.start()]
        ):
            continue
        span = _stripped(text, start, end)
        if span is not None:
            spans.append(span)
        start = end
    return spans


def stands_alone(sentence: str) -> bool:
    """Tell whether a sentence can be read without the one before it; in English, by its first word.

    "He goes down on his knees" leans on a sentence that says who.
    """
    return _LEANS.match(sentence.lstrip("\"'\u2018\u201c(")) is None


def _is_abbreviation(before: str) -> bool:
    word = _WORD_BEFORE.search(before)
    if word is None:
        return False
    plain = word[1].lower()
    # A single letter is an initial, save `I`, which can end a sentence.
    return plain in ABBREVIATIONS or (len(plain) == 1 and plain.isalpha() and word[1] != "I")


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if end > start else None
