"""The book's own sentences, where notes do not fill a summary."""

from __future__ import annotations

import pytest

from infini_cli.tasks import explain
from infini_cli.tasks.compose import Composer
from infini_cli.tasks.length import MAX_OVERSHOOT, MAX_SHARE, MIN_SHARE
from infini_cli.tasks.parts import note_parts
from infini_cli.tasks.quotations import Quotations
from tests.tasks.scenes import notes_on, small_book, told
from tests.tokens.build import build_book

STORY = build_book(
    [
        [
            "# One",
            "Mara carried the brass lamp down to the harbour every single evening. She lit it. "
            "\u201cMara carried the lamp again,\u201d said the pilot of the brass lamp to Mara. "
            "He told nobody that Mara carried the brass lamp to the harbour.",
            "'Mara and the brass lamp of the harbour,' he said to the pilot.",
        ],
        [
            "# Two",
            "The pilot sold the brass lamp of the harbour to a merchant of salt. Rain fell. "
            "Nothing at all was written about the winter in the ledger that year.",
        ],
    ]
)
MARA = "Mara carried the brass lamp down to the harbour every single evening."
PILOT = "The pilot sold the brass lamp of the harbour to a merchant of salt."
LEDGER = "Nothing at all was written about the winter in the ledger that year."


def texts(question: str | None = None, within: list[tuple[int, int]] | None = None) -> list[str]:
    return [sentence.text for sentence in Quotations(STORY, within, question).sentences]


def test_only_what_can_stand_by_itself_is_quoted() -> None:
    assert set(texts()) == {MARA, PILOT, LEDGER}
    assert texts()[-1] == LEDGER, "it has least in common with the rest"
    assert Quotations(STORY, None, None).num_words == sum(
        len(block.text.split()) for chapter in STORY.chapters for block in chapter.blocks[1:]
    )


def test_a_question_chooses_and_orders() -> None:
    assert texts("Who sold the lamp to a merchant?") == [PILOT, MARA]
    assert texts("What of the ledger?") == [LEDGER]
    assert texts("Dragons?") == []


def test_a_part_of_the_book_is_quoted_alone() -> None:
    second = STORY.chapters[1]
    spans = [(second.blocks[0].start, second.blocks[-1].end)]
    assert set(texts(within=spans)) == {PILOT, LEDGER}


@pytest.mark.parametrize("words", [60, 120])
def test_a_summary_is_filled_to_its_length(words: int) -> None:
    book = small_book(30)
    notes = note_parts(notes_on(book))[:2]
    sentences, steps = Composer(book, strict=True).compose(notes, words, quote=True)
    total = sum(len(sentence.text.split()) for sentence in sentences)
    assert words * MIN_SHARE <= total <= words * MAX_OVERSHOOT
    assert [sentence.text for sentence in sentences[:2]] == [told(1), told(2)]
    assert [step.text for step in steps] == [sentence.text for sentence in sentences]
    for sentence, step in zip(sentences[2:], steps[2:], strict=True):
        (citation,) = sentence.citations
        assert step.outcome == explain.QUOTED
        assert step.is_kept
        assert sentence.text == f"\u201c{citation.quote}\u201d"
        assert sentence.supported
        assert book.text[citation.start : citation.end] == citation.quote
    places = [sentence.citations[0].start for sentence in sentences]
    assert places == sorted(places)


def test_what_a_note_tells_is_not_quoted_again() -> None:
    book = small_book(3)
    sentences, _ = Composer(book, strict=True).compose(note_parts(notes_on(book)), 90, quote=True)
    quotes = [s.text for s in sentences if s.text.startswith("\u201c")]
    assert quotes == ["\u201cThe wind blew over the water and nothing moved that day.\u201d"]


def test_no_large_part_of_a_book_is_quoted() -> None:
    sentences, _ = Composer(STORY, strict=True).compose([], 500, quote=True)
    total = sum(len(sentence.text.split()) for sentence in sentences)
    assert 0 < total <= Quotations(STORY, None, None).num_words * MAX_SHARE * MAX_OVERSHOOT


def test_nothing_is_quoted_unless_asked() -> None:
    book = small_book(3)
    sentences, _ = Composer(book, strict=True).compose(note_parts(notes_on(book)[:1]), 90)
    assert len(sentences) == 1
