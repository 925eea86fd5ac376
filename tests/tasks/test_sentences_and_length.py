"""Sentences as offsets, and lengths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.errors import UsageError
from infini_cli.language.sentences import split_sentences
from infini_cli.tasks.length import chapter_words, parse_length, trim_to_words


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Mr. Orlo met Dr. Lusk. They spoke.", ["Mr. Orlo met Dr. Lusk.", "They spoke."]),
        ("J. K. Pruth sailed. I did not.", ["J. K. Pruth sailed.", "I did not."]),
        ("So did I. He left.", ["So did I.", "He left."]),
        ("“Go.” She went.", ["“Go.”", "She went."]),
        ('"Where?" he said. "There."', ['"Where?" he said.', '"There."']),
        ("It weighed 3.5 lenz. Good.", ["It weighed 3.5 lenz.", "Good."]),
        ("Wait… What?", ["Wait…", "What?"]),
        ("A heading\n\nA line without a stop", ["A heading", "A line without a stop"]),
        ("他来了。她走了。", ["他来了。", "她走了。"]),
        ("", []),
        ("   ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.sampled_from([*"aB .!?\n\"'", *"“”。…é"]), max_size=200))
def test_nothing_is_lost_and_order_is_kept(text: str) -> None:
    end_before = 0
    for start, end in split_sentences(text):
        assert not text[end_before:start].strip()
        assert start < end
        end_before = end
    assert not text[end_before:].strip()


@pytest.mark.parametrize(
    ("text", "num_words", "expected"),
    [
        ("short", 100_000, 100),
        ("medium", 100_000, 250),
        ("long", 100_000, 600),
        ("long", 300, 100),
        ("short", 10, 20),
        ("300w", 50, 300),
        ("10%", 16_000, 1600),
        ("0.5%", 100_000, 500),
        (" 2% ", 100, 20),
    ],
)
def test_lengths(text: str, num_words: int, expected: int) -> None:
    assert parse_length(text, num_words).target_words == expected


@pytest.mark.parametrize("text", ["", "huge", "10", "w", "-5%", "0%", "101%", "5w", "99999w"])
def test_nonsense_is_no_length(text: str) -> None:
    with pytest.raises(UsageError):
        parse_length(text, 1000)


def test_trimming_keeps_whole_sentences_and_at_least_one() -> None:
    text = "One two three. Four five. Six seven eight nine."
    assert trim_to_words(text, 5) == "One two three. Four five."
    assert trim_to_words(text, 8) == "One two three. Four five."
    assert trim_to_words(text, 1) == "One two three."
    assert trim_to_words(text, 100) == text


def test_by_chapter_a_named_length_is_that_of_each() -> None:
    assert chapter_words(parse_length("short", 10**6), 365) == 30
    assert chapter_words(parse_length("long", 10**6), 3) == 120
    assert chapter_words(parse_length("1000w", 10**6), 10) == 100
    assert chapter_words(parse_length("100w", 10**6), 50) == 20
    assert chapter_words(parse_length("10%", 5000), 0) == 500
