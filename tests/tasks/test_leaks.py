"""Template tokens, instructions and announcements never reach a summary; the book's words do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.language.sentences import split_sentences
from infini_cli.tasks import prompts
from infini_cli.tasks.leaks import clean_sentence, clean_text


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("Sure! Orla wakes.", "Orla wakes."),
        ("Sure, here is a summary: Orla wakes.", "Orla wakes."),
        ("Here is a summary of the chapter.", ""),
        ("Here's a short summary of these notes: orla wakes.", "Orla wakes."),
        ("Here is one plain sentence: Orla wakes.", "Orla wakes."),
        ("Certainly.", ""),
        ("In this chapter, Orla wakes.", "Orla wakes."),
        ("In this part of the book, the keeper wakes.", "The keeper wakes."),
        ("This chapter describes how Orla wakes.", "Orla wakes."),
        ("These notes describe how Orla wakes.", "Orla wakes."),
        ("The notes say that Orla wakes.", "Orla wakes."),
        ("The notes are about Orla and the keeper, who are to each other.", ""),
        ("The notes describe the setup of a ship, its name and place.", ""),
        ("The given passage discusses Orla's ship.", ""),
        ("The excerpts focus on Orla.", ""),
        ("The reader learns that Orla wakes.", "Orla wakes."),
        ("The reader learns that Orla wakes, and that it rains.", "Orla wakes, and it rains."),
        (
            "By the end of this part, the reader has learnt that the keeper wakes.",
            "The keeper wakes.",
        ),
        ("Summary: Orla wakes.", "Orla wakes."),
        ("**Summary:** Orla wakes.", "Orla wakes."),
        ("## Orla wakes.", "Orla wakes."),
        ("- Orla wakes.", "Orla wakes."),
        ("2. Orla wakes.", "Orla wakes."),
        ("2.", ""),
        ("assistant\nOrla wakes.", "Orla wakes."),
        ("<|im_start|>assistant\nOrla wakes.<|im_end|>", "Orla wakes."),
        ("[INST] Orla wakes. [/INST]</s>", "Orla wakes."),
        ("Orla wakes.<|endoftext|>", "Orla wakes."),
        ("Add nothing that is not above.", ""),
        ("Leave out what is minor.", ""),
        ("I write plain, complete sentences and name people by their names.", ""),
        ("---", ""),
    ],
)
def test_what_is_not_about_the_book_goes(written: str, left: str) -> None:
    assert clean_sentence(written) == left


@pytest.mark.parametrize(
    "sentence",
    [
        "Orla reads the letter from the first word to the last.",
        "Here is where Orla sleeps.",
        "Surely Orla sleeps.",
        "In this house, Orla sleeps.",
        "Orla says that the chapter is closed.",
        "Noted by Pia, the ship sails.",
        "The reader learns to write.",
        "orla5 sleeps.",
        "1871 was a year of rain.",
        "The text is lost.",
        "The notes are hidden in the drawer.",
        "The notes in the drawer describe the ship.",
        "\u4ed6\u6765\u4e86\u3002",
    ],
)
def test_the_book_stays(sentence: str) -> None:
    assert clean_sentence(sentence) == sentence


@pytest.mark.parametrize("name", [name for name in vars(prompts) if name.isupper()])
def test_no_instruction_gets_through(name: str) -> None:
    filled = {"title": "T", "chapter": "C", "question": "Q?", "passage": "P."}
    said = getattr(prompts, name).format(words=40, **filled)
    sentences = [said[start:end] for start, end in split_sentences(said)]
    assert [s for s in sentences if len(s.split()) > 8 and clean_sentence(s)] == []


def test_paragraphs_stay() -> None:
    assert clean_text("Sure!\n\nOrla wakes. Sure.\n\nIt rains.") == "Orla wakes.\n\nIt rains."


@given(st.text(max_size=200))
def test_cleaning_ends_and_is_done_once(text: str) -> None:
    cleaned = clean_sentence(text)
    assert clean_sentence(cleaned) == cleaned
    assert "\n" not in cleaned


@given(st.lists(st.sampled_from(["Sure, ", "Summary: ", "<|", "|>", "im_end", "- ", "a", "A. "])))
def test_leaks_in_leaks_are_leaks(pieces: list[str]) -> None:
    cleaned = clean_sentence("".join(pieces))
    assert clean_sentence(cleaned) == cleaned
    assert "<|im_end|>" not in cleaned
