from __future__ import annotations

import pytest

from infini_cli.reading.headings import Rank, is_title, parse_heading, roman_to_int


@pytest.mark.parametrize(
    ("text", "rank", "number", "title"),
    [
        ("CHAPTER I", Rank.CHAPTER, 1, ""),
        ("Chapter 12. The Carpet-Bag", Rank.CHAPTER, 12, "The Carpet-Bag"),
        ("Chapter the Twenty-First", Rank.CHAPTER, 21, ""),
        ("CHAPTER XIV.--In which nothing happens", Rank.CHAPTER, 14, "In which nothing happens"),
        ("Book First", Rank.DIVISION, 1, ""),
        ("PART TWO: The River", Rank.DIVISION, 2, "The River"),
        ("THE SECOND BOOK", Rank.DIVISION, 2, ""),
        ("ACT III", Rank.DIVISION, 3, ""),
        ("SCENE II. A street.", Rank.CHAPTER, 2, "A street."),
        ("EPILOGUE", Rank.CHAPTER, None, ""),
        ("IV.", Rank.CHAPTER, 4, ""),
        ("II. THE RED-HEADED LEAGUE", Rank.CHAPTER, 2, "THE RED-HEADED LEAGUE"),
    ],
)
def test_headings_are_read(text: str, rank: Rank, number: int | None, title: str) -> None:
    heading = parse_heading(text)
    assert heading is not None
    assert (heading.rank, heading.number, heading.title) == (rank, number, title)


@pytest.mark.parametrize(
    "text",
    [
        "Part of the reason was that he had left.",
        "Book in hand, she went out.",
        "chapter one of his life was over",
        "Part two of the plan was to wait until the night watch had gone home.",
        "I went home.",
        "Preface it with thanks, he said.",
        "",
    ],
)
def test_sentences_are_no_headings(text: str) -> None:
    assert parse_heading(text) is None


def test_roman_numerals_and_titles() -> None:
    assert [roman_to_int(text) for text in ("xiv", "MCMXC", "iiii", "civil", "")] == [
        14,
        1990,
        None,
        None,
        None,
    ]
    assert is_title("In Chancery")
    assert not is_title("he went home, and stayed,")
