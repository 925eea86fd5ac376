"""Sentences that claim something else than their source, and show it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.language.same_claim import claims_by_itself, same_claim


@pytest.mark.parametrize(
    ("sentence", "source", "same"),
    [
        ("Nerrin adds his name to the list.", "She added his name to the list.", True),
        ("Nerrin adds her name to the list.", "Nerrin added his name to the list.", False),
        ("The old man lifts it, and he sets it down.", "She lifted it and set it down.", False),
        ("Pia lifts the weight.", "It was lifted.", True),
        ("There is a heron.", "He saw a heron.", True),
        ("The gaol is full of onions.", "The gaol was not full of onions.", False),
        ("The gaol isn't full of onions.", "The gaol was not full of onions.", True),
        ("Two monkeys want a banana.", "If two monkeys want a banana, one will weep.", False),
        ("The ship would sink.", "The ship sank.", False),
        ("The ship sinks.", "On a lake it\u2019d be sinking.", False),
        ("The ship sinks.", "By then it'd already sunk.", False),
        ("The ship has gone down.", "By then it'd already gone down.", True),
        ("He would sink.", "He'd sink.", True),
        ("The office acts on it.", "What is the office going to do about it?", False),
        ("Magnan wants to go home.", "\u201cI want to go home.\u201d", False),
        ("Nerrin wants to pot it.", "\u201cYou\u2019d want to pot it.\u201d", False),
        ("Nerrin says I want to go home.", "\u201cI want to go home.\u201d", True),
    ],
)
def test_what_a_sentence_claims_is_in_its_source(sentence: str, source: str, same: bool) -> None:
    assert same_claim(sentence, source) is same


@pytest.mark.parametrize(
    ("sentence", "source", "same"),
    [
        ("The narrator sells the lamp.", "I sold the lamp.", True),
        ("The narrator's lamp is sold.", "My lamp was sold.", True),
        ("The narrator sells the lamp.", "He sold me the lamp.", False),
        ("He sells the narrator the lamp.", "He sold me the lamp.", True),
        ("The narrator looks at the narrator.", "I looked, and he looked at me.", False),
        ("The narrator says that the narrator sells it.", "I said that I sold it.", True),
        ("The narrator sells the lamp.", "We sold the lamp, and I saw it.", False),
        ("The narrator sells the lamp.", "I sold you the lamp.", False),
        ("The narrator sells the lamp.", "The lamp was sold.", False),
        ("The narrator never sells it.", "I sold it.", False),
    ],
)
def test_a_narrator_is_who_says_i(sentence: str, source: str, same: bool) -> None:
    assert same_claim(sentence, source, source) is same
    # In speech it is whoever speaks.
    assert not same_claim(sentence, source)


@given(st.text(max_size=60))
def test_every_text_claims_what_it_claims(text: str) -> None:
    assert same_claim(text, text)


@pytest.mark.parametrize(
    ("text", "by_itself"),
    [
        ("Pia sold the lamp to him.", True),
        ("Who sold the lamp?", False),
        ("I sold the lamp.", False),
        ("\u201cIt\u2019s yours.\u201d", False),
    ],
)
def test_what_is_asked_or_said_of_oneself_needs_its_speaker(text: str, by_itself: bool) -> None:
    assert claims_by_itself(text) is by_itself
