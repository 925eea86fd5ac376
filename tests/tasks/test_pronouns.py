"""Pronouns that a sentence has and its source has not."""

from __future__ import annotations

import pytest

from infini_cli.tasks.pronouns import keeps_genders


@pytest.mark.parametrize(
    ("sentence", "source", "keeps"),
    [
        ("Nerrin adds his name to the list.", "She added his name to the list.", True),
        ("Nerrin adds her name to the list.", "Nerrin added his name to the list.", False),
        ("The old man lifts it, and he sets it down.", "She lifted it and set it down.", False),
        ("Pia tells him of hers.", "\u201cHe has mine,\u201d she said.", True),
        ("Pia lifts the weight.", "It was lifted.", True),
        ("There is a heron.", "He saw a heron.", True),
    ],
)
def test_every_gender_of_a_sentence_is_in_its_source(
    sentence: str, source: str, keeps: bool
) -> None:
    assert keeps_genders(sentence, source) is keeps
