"""Sentences tied to the book: what is cited, from where, and in the book's own words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.grounding.grounder import (
    MAX_CITATIONS,
    MAX_QUOTE_CHARACTERS,
    MAX_REACH,
    Grounder,
    chapter_spans,
)
from infini_cli.reading.book import Book
from tests.tokens.build import build_book

FILLER = "The wind blew over the water and nothing moved on the quay. " * 8
SEAL = "It rained. Nerrin broke the blue seal of the walnut box. Nobody saw her."
LAMP = "In the tower Pia lit nine lamps for the salt rakers."


@pytest.fixture(scope="module")
def book() -> Book:
    return build_book([["# One", FILLER, SEAL, FILLER], ["# Two", FILLER, LAMP, FILLER]])


@pytest.fixture(scope="module")
def grounder(book: Book) -> Grounder:
    return Grounder(book)


def test_a_sentence_cites_the_book_verbatim(book: Book, grounder: Grounder) -> None:
    found = grounder.ground("Nerrin broke the seal of the walnut box.")
    assert found.supported
    (citation,) = found.citations
    assert citation.quote == "Nerrin broke the blue seal of the walnut box."
    assert book.text[citation.start : citation.end] == citation.quote
    chapter = book.chapters[0]
    assert (citation.chapter_label, citation.chapter_title) == (chapter.label, chapter.title)
    block = next(block for block in chapter.blocks if block.text == SEAL)
    assert citation.block_id == block.id
    assert citation.score == found.score == 1.0


def test_what_the_book_does_not_say_is_not_supported(grounder: Grounder) -> None:
    found = grounder.ground("Pirates rob the walnut box of Nerrin.")
    assert not found.supported
    assert 0 < found.score < 1
    assert found.citations, "the nearest passage is a place to look"


@pytest.mark.parametrize("sentence", ["", "It is.", "Zebras gallop.", "?!"])
def test_nothing_in_common_is_not_supported_and_cites_nothing(
    sentence: str, grounder: Grounder
) -> None:
    found = grounder.ground(sentence)
    assert (found.citations, found.supported, found.score) == ((), False, 0.0)


def test_the_search_keeps_to_where_a_sentence_comes_from(book: Book, grounder: Grounder) -> None:
    sentence = "Pia lights nine lamps for the rakers."
    first, second = (chapter_spans([chapter]) for chapter in book.chapters)
    assert grounder.ground(sentence, second).supported
    elsewhere = grounder.ground(sentence, first)
    assert not elsewhere.supported
    assert all(citation.chapter_label == "1" for citation in elsewhere.citations)


def far_apart(distance: int) -> Book:
    """One fact in two places; the wind blows between them."""
    between = [FILLER] * (distance // len(FILLER))
    first = "Nerrin found the walnut box under the stairs."
    second = "Within the hour she sold the silver lamp to Pia."
    return build_book([["# One", first, *between, second]])


def test_near_passages_bear_a_sentence_together_and_far_ones_do_not() -> None:
    sentence = "Nerrin found the walnut box and sold the silver lamp to Pia."
    near = Grounder(far_apart(1000)).ground(sentence)
    assert near.supported
    assert len(near.citations) == 2
    assert [c.start for c in near.citations] == sorted(c.start for c in near.citations)
    assert not Grounder(far_apart(MAX_REACH * 10)).ground(sentence).supported


def test_a_quote_is_bounded_and_so_is_a_passage() -> None:
    endless = "Nerrin weighed the tolm and " * 400
    found = Grounder(build_book([["# One", endless]])).ground("Nerrin weighed the tolm.")
    assert found.supported
    assert all(len(citation.quote) <= MAX_QUOTE_CHARACTERS for citation in found.citations)
    many = "Pia slept. Jossamy rowed to the shoal. " + FILLER * 20 + " Nerrin weighed the tolm."
    grounder = Grounder(build_book([["# One", many]]))
    assert not grounder.ground("Pia rowed Jossamy and weighed the tolm of Nerrin.").supported


def test_chapters_left_out_bear_nothing() -> None:
    hidden = build_book([[SEAL], [LAMP]], skip=(1,))
    assert not Grounder(hidden).ground("Nerrin breaks the seal of the walnut box.").supported


WORDS = st.sampled_from(
    ["Nerrin", "Pia", "weighs", "the", "tolm", "forty", "40", "old", "\u6d77", "a."]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=60).map(" ".join)


@given(st.lists(st.lists(TEXTS, max_size=5), max_size=3), TEXTS)
@settings(max_examples=60, deadline=None)
def test_offsets_always_give_the_quote(chapters: list[list[str]], sentence: str) -> None:
    made = build_book(chapters)
    found = Grounder(made).ground(sentence)
    assert found.text == sentence
    assert len(found.citations) <= MAX_CITATIONS
    assert 0 <= found.score <= 1
    assert found.citations or not found.supported
    for citation in found.citations:
        assert citation.quote
        assert made.text[citation.start : citation.end] == citation.quote
        block = next(
            block
            for chapter in made.chapters
            for block in chapter.blocks
            if block.id == citation.block_id
        )
        assert block.start <= citation.start < block.end
