"""Terms of a search: what is the same word in question and book, and what stands side by side."""

from __future__ import annotations

import pytest

from infini_cli.grounding.passages import Passages
from infini_cli.language.search_terms import search_terms
from tests.tokens.build import build_book


@pytest.mark.parametrize(
    ("question", "book"),
    [
        ("give", "gave"),
        ("child", "children"),
        ("carry", "carries"),
        ("stop", "stopped"),
        ("marry", "married"),
        ("bold", "boldly"),
        ("Wife", "wives"),
    ],
)
def test_forms_of_a_word_are_one_term(question: str, book: str) -> None:
    assert search_terms(question) == search_terms(book)


@pytest.mark.parametrize(("one", "other"), [("ball", "balm"), ("kill", "kiln"), ("pass", "past")])
def test_other_words_are_others(one: str, other: str) -> None:
    assert search_terms(one) != search_terms(other)


def test_neighbours_are_pairs_whatever_stands_between_them() -> None:
    assert search_terms("the iron key of the tower") == [
        "iron",
        "key",
        "tower",
        "iron key",
        "key tower",
    ]
    assert search_terms("the") == search_terms("") == []


def test_words_side_by_side_come_before_the_same_words_apart() -> None:
    filler = "He walked on through the rain and said nothing at all. " * 12
    apart = f"The key lay there. {filler} It was of brass."
    book = build_book([["# One", apart], ["# Two", f"The brass key lay there. {filler}"]])
    found = Passages(book).search("Where is the brass key?", 2)
    assert found[0].chapter_label == "2"


def test_of_two_equal_passages_the_one_beside_another_hit_comes_first() -> None:
    # Blocks long enough to be passages of their own.
    filler = "He walked on through the rain and said nothing at all. " * 11
    texts = [
        f"Orlo laughed. {filler}",
        filler,
        filler,
        f"Orlo laughed. {filler}",
        f"Orlo. {filler}",
    ]
    found = Passages(build_book([["# One", *texts]])).search("Why did Orlo laugh?", 5)
    places = [p.text.startswith("Orlo laughed") and p.start for p in found]
    assert places[0] > places[1]
    assert len(found) == 3
