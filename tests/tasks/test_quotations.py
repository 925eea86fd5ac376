"""The book's own sentences, where notes do not fill a summary."""

from __future__ import annotations

import pytest

from infini_cli.store.book_memory import Note
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


def copied(*tellings: str) -> list[Note]:
    """Make notes that halve the story, with what a model copied of each half."""
    middle, end = STORY.chapters[1].blocks[0].start, len(STORY.text)
    spans = [(0, middle), (middle, end)]
    return [
        Note(k, str(k + 1), "", "", start=start, end=end, telling=telling)
        for k, ((start, end), telling) in enumerate(zip(spans, tellings, strict=True))
    ]


def test_what_the_model_copied_is_found_in_its_part_of_the_book() -> None:
    def found(*tellings: str) -> list[str]:
        source = Quotations(STORY, None, None, copied(*tellings))
        return [sentence.text for sentence in source.telling]

    assert found(MARA, PILOT) == [MARA, PILOT]
    assert found(PILOT, MARA) == []
    nearly = "Mara carries the brass lamp down to the harbour every evening."
    assert found(nearly, "The pilot sold a boat to a farmer.") == [MARA]
    assert found("", "He told nobody that Mara carried the brass lamp.") == []
    assert Quotations(STORY, None, "What of the ledger?", copied(MARA, PILOT)).telling == []


def test_what_the_model_copied_is_quoted_first() -> None:
    def quoted(*tellings: str) -> list[str]:
        composer = Composer(STORY, strict=True)
        sentences, _ = composer.compose([], 20, quote=copied(*tellings))
        return [sentence.text.strip("\u201c\u201d") for sentence in sentences]

    assert quoted("", LEDGER)[-1] == LEDGER
    assert LEDGER not in quoted("", "")


def test_a_part_of_the_book_is_quoted_alone() -> None:
    second = STORY.chapters[1]
    spans = [(second.blocks[0].start, second.blocks[-1].end)]
    assert set(texts(within=spans)) == {PILOT, LEDGER}


@pytest.mark.parametrize("words", [60, 120])
def test_a_summary_is_filled_to_its_length(words: int) -> None:
    book = small_book(30)
    notes = note_parts(notes_on(book))[:2]
    sentences, steps = Composer(book, strict=True).compose(notes, words, quote=())
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
    sentences, _ = Composer(book, strict=True).compose(note_parts(notes_on(book)), 90, quote=())
    quotes = [s.text for s in sentences if s.text.startswith("\u201c")]
    assert quotes == ["\u201cThe wind blew over the water and nothing moved that day.\u201d"]


def test_no_large_part_of_a_book_is_quoted() -> None:
    sentences, _ = Composer(STORY, strict=True).compose([], 500, quote=())
    total = sum(len(sentence.text.split()) for sentence in sentences)
    assert 0 < total <= Quotations(STORY, None, None).num_words * MAX_SHARE * MAX_OVERSHOOT


def test_nothing_is_quoted_unless_asked() -> None:
    book = small_book(3)
    sentences, _ = Composer(book, strict=True).compose(note_parts(notes_on(book)[:1]), 90)
    assert len(sentences) == 1
