"""What a narrator tells of himself: outside of speech, told of "the narrator", of no gender."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.language.narration import (
    has_narrator,
    mentions_narrator,
    narration,
    without_gender,
    without_narrator,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I rowed out.", "I rowed out."),
        ("\u201cI rowed,\u201d he said. I laughed.", "he said. I laughed."),
        # A speech that goes on is closed in none of its paragraphs but the last.
        ("\u201cI rowed.\n\n\u201cI sank.\u201d\n\nI laughed.", "I laughed."),
        # A page that begins within a speech.
        ("and I sank,\u201d he said. I laughed.", "he said. I laughed."),
        ('"I rowed," he said. "I sank." I laughed.', "he said. I laughed."),
        ('"I rowed, he said. I laughed.', ""),
        ('"I rowed, he said.\n\nI laughed.', "I laughed."),
        ("\u2018I can\u2019t row,\u2019 he said. I couldn\u2019t.", "he said. I couldn\u2019t."),
        ("'I can't row,' he said. I couldn't.", "he said. I couldn't."),
        ("The boys' boat: I rowed it.", "The boys' boat: I rowed it."),
        ("\u00abI rowed\u00bb, he said.", ", he said."),
        ("\u2014I rowed, he said.\n\nI laughed.", "I laughed."),
        ("", ""),
    ],
)
def test_what_somebody_says_is_no_narration(text: str, told: str) -> None:
    assert " ".join(narration(text).split()) == told


@given(st.text(alphabet="\u201c\u201d\"'\u2018\u2019\u00ab\u00bbI a.,\n\u2014-", max_size=60))
def test_places_stay_where_they_are(text: str) -> None:
    told = narration(text)
    assert len(told) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, told, strict=True))


def test_who_tells_a_text_of_himself_is_its_narrator() -> None:
    own = "I rowed out to the lamp and lit it with my last match. " * 20
    said = f"\u201c{own.strip()}\u201d said the old man to the pilot of the boat. " * 5
    assert has_narrator(own)
    assert not has_narrator(said * 4)
    assert has_narrator(f"{said} {own}")
    assert not has_narrator("He rowed out to the lamp and lit it. " * 40 + "I saw it.")
    # A letter in a story.
    assert not has_narrator("I am well, and my lamp is lit.")


def test_a_narrator_is_told_from_others() -> None:
    assert mentions_narrator("At dawn the narrator's boat sinks.")
    assert not mentions_narrator("Narrators lie.")
    assert without_narrator("The narrator rows to the narrator\u2019s lamp.").split() == [
        *("rows", "to", "lamp."),
    ]


@pytest.mark.parametrize(
    ("sentence", "source", "told"),
    [
        (
            "The narrator takes his coat, and he goes by himself.",
            "I took my coat and went by myself.",
            "The narrator takes their coat, and the narrator goes by themself.",
        ),
        (
            "The narrator joins her, and her boat leaves her.",
            "I left in my boat.",
            "The narrator joins them, and their boat leaves them.",
        ),
        # Of a gender that the source has it may be somebody else.
        ("The narrator takes his coat.", "I took his coat.", "The narrator takes his coat."),
        ("He and the narrator row.", "I rowed with her.", "He and the narrator row."),
        ("His boat leaves.", "I left in my boat.", "His boat leaves."),
    ],
)
def test_a_narrators_gender_is_not_known(sentence: str, source: str, told: str) -> None:
    assert without_gender(sentence, source) == told
