"""From what was written to sentences: grounded, said once, clean, and of the length asked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.grounding.cited import SummarySentence, join_sentences
from infini_cli.tasks import explain
from infini_cli.tasks.compose import Composer
from infini_cli.tasks.length import MAX_OVERSHOOT, MIN_SHARE
from infini_cli.tasks.parts import Part, join_parts, note_parts
from tests.tasks.scenes import notes_on, small_book, told


def num_words(sentences: list[SummarySentence]) -> int:
    return sum(len(sentence.text.split()) for sentence in sentences)


def test_a_sentence_that_is_not_supported_is_replaced_by_its_note() -> None:
    book = small_book(4)
    notes = note_parts(notes_on(book))
    invented = join_parts(notes[:2], "Keeper2 hides the lantern and is hanged by pirates.")
    sentences, steps = Composer(book, strict=False).compose([invented], 12)
    assert [sentence.text for sentence in sentences] == [told(2)]
    assert sentences[0].supported
    assert sentences[0].citations[0].chapter_label == "2"
    assert steps[0].outcome == explain.REPLACED
    assert steps[0].instead_of == invented.text


def test_what_no_note_bears_is_marked_and_with_strict_left_out() -> None:
    book = small_book(2)
    part = Part("Pirates rob the bank of England. " + told(1))
    marked, _ = Composer(book, strict=False).compose([part], 40)
    assert [sentence.supported for sentence in marked] == [False, True]
    strict, steps = Composer(book, strict=True).compose([part], 40)
    assert [sentence.text for sentence in strict] == [told(1)]
    assert [step.outcome for step in steps] == [explain.WRITTEN, explain.UNSUPPORTED]
    assert Composer(book, strict=True).compose([Part("Pirates rob the bank.")], 40)[0] == []


def test_nothing_is_said_twice() -> None:
    book = small_book(3)
    again = told(1).replace("at midnight", "at midnight again")
    part = Part(f"{told(1)} {told(2)} {again} {told(1)}")
    sentences, steps = Composer(book, strict=False).compose([part], 100)
    assert [sentence.text for sentence in sentences] == [told(1), told(2)]
    assert [step.outcome for step in steps[2:]] == [explain.REPEATS] * 2


def test_neither_instructions_nor_announcements_get_through() -> None:
    part = Part(f"Sure! Here is a summary: {told(1)} Add nothing that is not above.<|im_end|>")
    sentences, _ = Composer(small_book(2), strict=False).compose([part], 40)
    assert [sentence.text for sentence in sentences] == [told(1)]


@pytest.mark.parametrize("words", [20, 45, 60, 100, 150])
def test_the_length_is_held_where_there_is_as_much_to_say(words: int) -> None:
    book = small_book(30)
    notes = note_parts(notes_on(book))
    for parts in (notes, notes[:1], [join_parts(notes, told(3))], [join_parts(notes)]):
        sources = parts if len(parts) > 1 else [join_parts(notes, parts[0].text)]
        sentences, _ = Composer(book, strict=False).compose(sources, words)
        # A sentence has 11 words: of 20 words one sentence is nearest without going beyond.
        least = words * MIN_SHARE if words > 20 else 11
        assert least <= num_words(sentences) <= words * MAX_OVERSHOOT
        assert all(sentence.supported for sentence in sentences)
        places = [sentence.citations[0].start for sentence in sentences]
        assert places == sorted(places), "notes that are added stand where they belong"


def test_a_book_with_less_to_say_gives_less() -> None:
    book = small_book(2)
    sentences, _ = Composer(book, strict=False).compose(note_parts(notes_on(book)), 500)
    assert [sentence.text for sentence in sentences] == [told(1), told(2)]


def test_what_is_too_long_loses_neither_its_beginning_nor_its_end() -> None:
    book = small_book(20)
    notes = note_parts(notes_on(book))
    sentences, steps = Composer(book, strict=False).compose(notes, 60, in_paragraphs=True)
    assert sentences[0].text == told(1)
    assert sentences[-1].text == told(20)
    assert [sentence.paragraph for sentence in sentences] == [0, 0, 0, 0, 1, 1][: len(sentences)]
    assert sum(step.outcome == explain.TOO_LONG for step in steps) == 20 - len(sentences)


def test_the_written_paragraphs_stay() -> None:
    part = Part(f"{told(1)} {told(2)}\n\nSure.\n\n{told(3)}")
    sentences, _ = Composer(small_book(3), strict=False).compose([part], 40)
    assert join_sentences(sentences) == f"{told(1)} {told(2)}\n\n{told(3)}"


PIECES = st.sampled_from(
    [told(1), told(2), "Pirates rob.", "Sure!", "\n\n", "No. Yes!", "\u6d77\u3002"]
)


@given(st.lists(st.lists(PIECES, max_size=6).map(" ".join), max_size=5), st.booleans())
@settings(max_examples=50, deadline=None)
def test_every_sentence_is_accounted_for_once(texts: list[str], strict: bool) -> None:
    book = small_book(3)
    sentences, steps = Composer(book, strict=strict).compose([Part(t) for t in texts], 30)
    kept = [step for step in steps if step.is_kept]
    assert [step.text for step in kept] == [sentence.text for sentence in sentences]
    assert steps[: len(kept)] == kept
    assert len({sentence.text for sentence in sentences}) == len(sentences)
    assert not strict or all(sentence.supported for sentence in sentences)
    paragraphs = [sentence.paragraph for sentence in sentences]
    assert sorted(set(paragraphs)) == list(range(len(set(paragraphs))))
    for sentence in sentences:
        assert sentence.text == " ".join(sentence.text.split())
        for citation in sentence.citations:
            assert book.text[citation.start : citation.end] == citation.quote
