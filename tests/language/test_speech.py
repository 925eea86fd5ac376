"""Reports of speech: which sentences are such, and whether the text has the speaker speak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.language.speech import is_said_so, reports

PAGE = (
    "\u201cYou know what follows,\u201d said Mara to the pilot. She tried to say it kindly. "
    "\u201cA false lamp is a fine of six hundred lenz.\u201d\n\n"
    "\u201cI sold it to a merchant of salt,\u201d Old Pell answered. Mara did not look.\n\n"
    '"Salt is cheap in the harbour, said Mara once," the cook muttered, and ate an onion.\n\n'
    "Mara took the brass lamp and carried it down to the harbour."
)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Mara says that the pilot sold the lamp.", True),
        ("Mara thought that the pilot had sold it.", True),
        ("The pilot asks Mara for her lamp.", True),
        ("The narrator sells the lamp to a pilot.", True),
        ("Mara sells the lamp to a thoughtful pilot.", False),
        ("Mara carries the saying to the harbour.", False),
    ],
)
def test_what_reports(sentence: str, expected: bool) -> None:
    assert reports(sentence) is expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Mara says that a false lamp is a fine of six hundred lenz.",
        "Mara looks at him kindly and says that a false lamp is a fine.",
        "Old Pell says that he sold it to a merchant of salt.",
        "The cook says that salt is cheap in the harbour.",
    ],
)
def test_who_speaks_is_named_beside_the_speech(sentence: str) -> None:
    assert is_said_so(sentence, PAGE)


@pytest.mark.parametrize(
    "sentence",
    [
        "The pilot says that a false lamp is a fine of six hundred lenz.",
        "Mara says that she sold it to a merchant of salt.",
        "Mara says that salt is cheap in the harbour.",
        "Mara says that the brass lamp is carried down to the harbour.",
        "The narrator carries the lamp down to the harbour.",
        "Mara says that the narrator has a false lamp and a fine of six hundred lenz.",
        "Mara thinks that a false lamp is a fine of six hundred lenz.",
        "It is said that salt is cheap.",
    ],
)
def test_another_did_not_say_it(sentence: str) -> None:
    assert not is_said_so(sentence, PAGE)


@given(st.text(st.sampled_from("Ma says.\n\u201c\u201d([*"), max_size=60), st.text(max_size=60))
def test_any_text_will_do(sentence: str, source: str) -> None:
    assert is_said_so(f"Mara{sentence} says {sentence}", source) in (True, False)
