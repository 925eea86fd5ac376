"""Numbers, in figures and in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.language.numbers import MAX_SPELT, find_numbers
from infini_cli.language.stems import stems


def is_in(sentence: str, source: str) -> bool:
    known = frozenset(stems(source))
    return all(any(way <= known for way in ways) for ways in find_numbers(sentence))


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("She pays 38 lenz.", "thirty-eight lenz"),
        ("She pays thirty-eight lenz.", "38 lenz"),
        ("The fund of 1,847 lenz.", "1847 lenz"),
        ("The fund of 1847 lenz.", "one thousand eight hundred and forty-seven lenz"),
        ("In 1847 it sank.", "in eighteen forty-seven"),
        ("In 1800 it sank.", "in eighteen hundred"),
        ("Two hundred and six rats.", "206 rats"),
        ("It weighs 3.5 lenz.", "it weighs 3.5 lenz"),
        ("Forty coins, twelve keys.", "twelve keys and forty coins"),
        ("1,000,000 rats", "1,000,000 rats"),
        ("Three thousand men.", "3000 men"),
    ],
)
def test_a_number_is_the_same_in_figures_and_in_words(sentence: str, source: str) -> None:
    assert find_numbers(sentence)
    assert is_in(sentence, source)


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("She pays 38 lenz.", "thirty lenz"),
        ("She pays forty lenz.", "four lenz"),
        ("The fund of 1,847 lenz.", "1,848 lenz"),
        ("Six coins.", "many coins"),
        ("99999999999999999999", "9"),
    ],
)
def test_another_number_is_another(sentence: str, source: str) -> None:
    assert not is_in(sentence, source)


@pytest.mark.parametrize("text", ["", "No one of them spoke.", "A hundredweight, and more.", "and"])
def test_what_is_no_number(text: str) -> None:
    assert find_numbers(text) == []


@given(st.integers(2, MAX_SPELT))
def test_figures_with_and_without_separators_are_the_same(value: int) -> None:
    assert is_in(f"{value}", f"{value:,}")
    assert is_in(f"{value:,}", f"{value}")


@given(st.text(max_size=200))
def test_any_text_has_numbers_or_none(text: str) -> None:
    for ways in find_numbers(text):
        assert all(way for way in ways)
