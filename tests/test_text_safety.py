from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.text_safety import clean_line, clean_text

ANYTHING = st.text(st.characters(), max_size=200) | st.text(
    st.sampled_from("\x1b[]0;3m\x07\\\x9b\x9d\x9cab\r\n\t \u202e\u2066\ud800"), max_size=60
)
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, with \ttab\nand line", "plain, with \ttab\nand line"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;a new window title\x07text", "text"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;Y29weQ==\x07clipboard", "clipboard"),
        ("\x1b\x1b[2Jtwice", "twice"),
        ("cut off \x1b", "cut off "),
        ("bell\x07 backspace\x08 nul\x00 delete\x7f", "bell backspace nul delete"),
        ("over\rwritten", "over\nwritten"),
        ("dos\r\nline", "dos\nline"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2067isolated\u2069", "isolated"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("שלום\u200f, 日本, naïve 🏴\u200d", "שלום\u200f, 日本, naïve 🏴\u200d"),
    ],
)
def test_what_a_terminal_would_act_on_goes(text: str, expected: str) -> None:
    assert clean_text(text) == expected


@given(ANYTHING)
def test_nothing_dangerous_is_left(text: str) -> None:
    for character in clean_text(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
        assert unicodedata.bidirectional(character) not in BIDI


@given(ANYTHING)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"]), max_size=100))
def test_text_stays_as_it_is(text: str) -> None:
    assert clean_text(text) == text


@given(ANYTHING)
def test_a_line_is_one_line(text: str) -> None:
    line = clean_line(text)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    line.encode("utf-8")


def test_long_hostile_text_takes_no_longer() -> None:
    """Every one of these could begin a string that never ends."""
    assert clean_text("\x9d" * 200_000 + "\x1b]" * 200_000) == ""
