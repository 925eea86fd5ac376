"""Numbers in a sentence, in figures or in English words, and the ways a book may write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from infini_cli.language.stems import stems

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * place for place, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ALONE = ("one", "zero")
"""Alone these are rarely counts: "one of them", "no one"."""
MAX_SPELT = 999_999
MAX_DIGITS = 12
"""Longer figures are codes: they have no words."""
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")

Ways = tuple[frozenset[str], ...]


def find_numbers(text: str) -> list[Ways]:
    """Give the numbers of a text; each as the ways to write it, each way as words all needed.

    `1,847` is {1, 847}, or {1847}, or its English words; `thirty-eight` is {thirty, eight} or
    {38}. Fractions and ordinals in words are no numbers here.
    """
    found: list[Ways] = []
    run: list[str] = []
    for token in [*_TOKEN.findall(text), ""]:
        word = token.lower()
        if word in _VALUES or (word in _SCALES and run):
            run.append(word)
            continue
        if word == "and" and run and run[-1] in _SCALES:
            continue
        if run and (len(run) > 1 or run[0] not in _ALONE):
            found.append((_stemmed(run), frozenset([str(_value(run))])))
        run = []
        if token and token[0].isdecimal():
            found.append(_ways_of_figures(token))
    return found


def _ways_of_figures(token: str) -> Ways:
    pieces = frozenset(re.findall(r"\d+", token))
    digits = re.sub(r"[.,]", "", token)
    ways = [pieces, frozenset([digits])]
    is_whole = re.fullmatch(r"\d+|\d{1,3}(?:,\d{3})+", token)
    if is_whole and len(digits) <= MAX_DIGITS and int(digits) <= MAX_SPELT:
        value = int(digits)
        ways.append(frozenset(f"{value:,}".split(",")))
        ways.append(_stemmed(_spell(value)))
        if len(digits) == 4 and digits[0] != "0":  # years: eighteen forty-seven
            century, rest = divmod(value, 100)
            ways.append(_stemmed([*_spell(century), *(_spell(rest) if rest else ["hundred"])]))
    return tuple(dict.fromkeys(ways))


def _stemmed(words: Iterable[str]) -> frozenset[str]:
    return frozenset(stem for word in words for stem in stems(word))


def _value(words: list[str]) -> int:
    total, part = 0, 0
    for word in words:
        if word == "hundred":
            part = max(1, part) * 100
        elif word in _SCALES:
            total, part = total + max(1, part) * _SCALES[word], 0
        else:
            part += _VALUES[word]
    return total + part


def _spell(value: int) -> Iterator[str]:
    if value >= 1000:
        yield from _spell(value // 1000)
        yield "thousand"
        value %= 1000
        if not value:
            return
    if value >= 100:
        yield from (_SMALL[value // 100], "hundred")
        value %= 100
        if not value:
            return
    if value >= 20:
        yield _TENS[value // 10 - 2]
        value %= 10
        if not value:
            return
    yield _SMALL[value]
