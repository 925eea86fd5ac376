"""The book's own sentences in a summary."""

from __future__ import annotations

import pytest

from infini_cli.grounding.book_sentences import sentences_of
from infini_cli.grounding.quotations import can_be_quoted
from infini_cli.tasks import explain
from infini_cli.tasks.choose import choose
from infini_cli.tasks.compose import Composer
from infini_cli.tasks.length import MAX_OVERSHOOT, MAX_SHARE, MIN_SHARE
from infini_cli.tasks.parts import note_parts
from infini_cli.tasks.salience import Salience
from tests.tasks.scenes import notes_on, small_book, told
from tests.tokens.build import build_book

WHOLE = "Mara carried the brass lamp down to the harbour every single evening."


def quotable(paragraph: str) -> list[str]:
    book = build_book([["# One", paragraph]])
    return [one.text for one in sentences_of(book.kept_chapters) if can_be_quoted(one)]


@pytest.mark.parametrize(
    "text",
    [
        "She lit the brass lamp of the harbour every single evening.",
        "Mara lit it.",
        f"Mara{' and Mara' * 40} lit the lamp.",
        "\u201cMara carried the lamp again,\u201d said the pilot of the brass lamp to Mara.",
        "'Mara and the brass lamp of the harbour,' he said to the pilot.",
        "to give Mara the key to the ancient city of the moon.",
        "For a moment Mara heard nothing in the harbour, and then\u2014",
        "THE BRASS LAMP OF THE HARBOUR AND WHAT CAME OF IT",
        "Mara knew that your lamp had been carried down to the harbour.",
    ],
)
def test_what_cannot_stand_by_itself_is_not_quoted(text: str) -> None:
    assert quotable(text) == []


@pytest.mark.parametrize(
    ("opening", "closing"), [("\u201c", "\u201d"), ('"', '"'), ("\u00ab", "\u00bb")]
)
def test_speech_is_quoted_where_nobody_speaks_of_himself(opening: str, closing: str) -> None:
    mine = "The pilot gave me the lamp of brass down in the harbour."
    speech = f"{opening}Listen. {mine} {WHOLE} So it was.{closing}"
    assert quotable(speech) == [WHOLE]
    assert quotable(f"{speech}\n\n{mine}") == [WHOLE, mine], "a narrator may say so"


@pytest.mark.parametrize("words", [60, 120])
def test_a_summary_is_filled_to_its_length(words: int) -> None:
    book = small_book(30)
    notes = note_parts(notes_on(book))[:2]
    choice = choose(notes, Salience(book, []), words)
    sentences, steps = Composer(book, strict=True).compose([], words, choice=choice)
    total = sum(len(sentence.text.split()) for sentence in sentences)
    assert words * MIN_SHARE <= total <= words * MAX_OVERSHOOT
    assert [step.text for step in steps] == [sentence.text for sentence in sentences]
    by_outcome: dict[str, list[str]] = {explain.WRITTEN: [], explain.QUOTED: []}
    for sentence, step in zip(sentences, steps, strict=True):
        by_outcome[step.outcome].append(sentence.text)
        assert step.is_kept
        assert sentence.supported
        if step.outcome == explain.QUOTED:
            (citation,) = sentence.citations
            assert sentence.text == f"\u201c{citation.quote}\u201d"
            assert book.text[citation.start : citation.end] == citation.quote
    assert set(by_outcome[explain.WRITTEN]) <= {told(1), told(2)}
    assert by_outcome[explain.QUOTED]
    places = [sentence.citations[0].start for sentence in sentences]
    assert places == sorted(places)


def test_what_a_note_tells_is_not_quoted_again() -> None:
    book = small_book(3)
    notes = note_parts(notes_on(book))
    choice = choose(notes, Salience(book, []), 90)
    sentences, _ = Composer(book, strict=True).compose([], 90, choice=choice)
    quotes = [s.text for s in sentences if s.text.startswith("\u201c")]
    assert quotes == ["\u201cThe wind blew over the water and nothing moved that day.\u201d"]
    assert len(sentences) == 4


def test_no_large_part_of_a_book_is_quoted() -> None:
    lines = [f"{WHOLE[:-1]} for harvest number {n}." for n in range(20)]
    lines += [
        f"Rain{n} fell upon salt{n} of merchant{n} in winter{n} near tower{n}." for n in range(20)
    ]
    book = build_book([["# One", *lines]])
    choice = choose([], Salience(book, []), 500)
    sentences, _ = Composer(book, strict=True).compose([], 500, choice=choice)
    total = sum(len(sentence.text.split()) for sentence in sentences)
    assert 0 < total <= choice.num_words * MAX_SHARE * MAX_OVERSHOOT


def test_nothing_is_quoted_unless_asked() -> None:
    book = small_book(3)
    sentences, _ = Composer(book, strict=True).compose(note_parts(notes_on(book)[:1]), 90)
    assert len(sentences) == 1
