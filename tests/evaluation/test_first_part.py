"""The first part of a book: whole blocks, up to a share of its words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.evaluation.first_part import first_part
from infini_cli.evaluation.items import Text, open_text, text_sha256
from tests.tokens.build import build_book

BOOK = build_book(
    [
        ["# One", "Mara lit the lamp.", "The pilot slept on deck."],
        ["# Two", "Rain fell.", "Onions are cheap this year."],
    ]
)


@pytest.mark.parametrize(
    ("share", "words"), [(0.01, 1), (0.3, 5), (0.5, 5), (0.56, 10), (0.7, 11), (1, 18)]
)
def test_it_ends_with_a_whole_block(share: float, words: int) -> None:
    part = first_part(BOOK, share)
    assert part.num_words == words
    assert BOOK.text.startswith(part.text)
    for chapter in part.chapters:
        for block in chapter.blocks:
            assert part.text[block.start : block.end] == block.text


@given(st.floats(0.001, 0.999))
def test_it_has_no_more_than_the_share_or_one_block(share: float) -> None:
    part = first_part(BOOK, share)
    assert 0 < part.num_words <= max(share * BOOK.num_words, 1)
    assert first_part(BOOK, 1.0) is BOOK


def test_what_is_left_out_before_it_stays_out() -> None:
    first, second = BOOK.chapters
    book = replace(BOOK, chapters=(replace(first, skip_reason="contents"), second))
    part = first_part(book, 0.5)
    assert [chapter.kept for chapter in part.chapters] == [False, True]
    assert part.num_words == 3


def test_a_text_of_which_less_is_read_is_another_text() -> None:
    whole = Text(content="One two three.\n\nFour five six.\n\nSeven eight nine.")
    half = replace(whole, share=0.5)
    assert open_text(half).num_words == 3
    assert text_sha256(half) != text_sha256(whole)
