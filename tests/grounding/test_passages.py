"""Searching a book, and quoting it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.grounding.passages import MAX_PASSAGE_WORDS, Passages, best_quote
from infini_cli.language.stems import stems
from infini_cli.reading.book import Book
from tests.tokens.build import build_book

FILLER = "The wind blew over the water and nothing moved on the quay. " * 8


def book() -> Book:
    return build_book(
        [
            ["# One", FILLER, "Nerrin keeps a walnut box. It is locked.", FILLER],
            ["# Two", FILLER, "The pilot sold a lantern to Pia for nine lenz.", FILLER],
        ]
    )


def test_the_passage_that_answers_comes_first() -> None:
    found = Passages(book()).search("Who bought the lantern?", 3)
    assert "lantern" in found[0].text
    assert found[0].chapter_label == "2"
    assert found[0].score > 0
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


def test_nothing_in_common_is_nothing_found() -> None:
    assert Passages(book()).search("zebra quagga?", 3) == []
    assert Passages(book()).search("the of and", 3) == []
    assert Passages(build_book([["..."]])).search("lantern", 3) == []


def test_chapters_left_out_are_not_searched() -> None:
    hidden = build_book([["a lantern"], ["a walnut"]], skip=(1,))
    assert Passages(hidden).search("lantern", 3) == []


@given(st.lists(st.lists(st.text("ab c.", min_size=1, max_size=400), max_size=8), max_size=4))
@settings(max_examples=40, deadline=None)
def test_passages_are_the_books_own_words(chapters: list[list[str]]) -> None:
    made = build_book([[text for text in texts if text.strip()] for texts in chapters])
    passages = Passages(made)
    num_words = 0
    for passage in passages._passages:
        assert made.text[passage.start : passage.end] == passage.text
        for name, offset in passage.blocks:
            assert passage.block_id_at(offset) == name
        if len(passage.blocks) > 1:
            assert len(passage.text.split()) <= MAX_PASSAGE_WORDS
        num_words += len(passage.text.split())
    assert num_words == made.num_words


def test_a_quote_is_verbatim_and_about_the_answer() -> None:
    text = "It rained. The pilot sold a lantern to Pia. She paid nine lenz."
    assert best_quote(text, "nine lenz", "What did Pia pay?") == "She paid nine lenz."
    assert best_quote(text, "elephants", "zebras?") == ""


def test_endings_do_not_hide_a_word() -> None:
    assert stems("Lanterns lantern lantern's") == ["lantern", "lantern", "lantern"]
    assert stems("The ledgers were signed") == ["ledger", "sign"]


def test_text_without_spaces_is_found_by_its_characters() -> None:
    assert stems("\u8001\u4eba saw Anna's \u6d77") == ["\u8001", "\u4eba", "saw", "anna", "\u6d77"]
    book = build_book(
        [["# \u4e00", "\u8001\u4eba\u770b\u6d77\u3002"], ["# \u4e8c", "\u96e8\u4e0b\u4e86\u3002"]]
    )
    (found,) = Passages(book).search("\u8001\u4eba\u5728\u54ea\u91cc", 1)
    assert "\u770b\u6d77" in found.text
