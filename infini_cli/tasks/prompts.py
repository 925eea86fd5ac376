"""Every word that infini itself says to a model.

Instructions come after the text they are about: small models follow what they read last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

SYSTEM = (
    "You summarize books and answer questions about them. You use only what the text says. "
    "You write plain, complete sentences and name people by their names."
)
PART_INTRODUCTION = "This is a part of a book:\n\n"
NOTE = (
    "\n\n---\nSay in one plain sentence what happens in this part of the book: who does what, "
    "and what comes of it. Name the people. Add nothing that is not in the text."
)
TAUGHT_NOTE = (
    "\n\n---\nA passage of this part:\n\n{passage}\n\n---\n"
    "Say in one plain sentence what the passage tells. Name the people."
)
"""Asked of a model that was taught to write notes; see the recipe beside its writer."""
MERGE_INTRODUCTION = "These are notes on consecutive parts of the book {title}, in order:\n\n"
MERGE = (
    "\n\n---\nWrite one paragraph of about {words} words that says what happens in these parts, "
    "from the first to the last. Leave out what is minor. Say each thing once. Write plain "
    "prose in the present tense, without headings or lists. Add nothing that is not above."
)
SHORTEN_INTRODUCTION = "These are notes on a part of the book {title}, in order:\n\n"
SHORTEN = (
    "\n\n---\nShorten these notes to one plain sentence of about {words} words. Keep the names "
    "and the words of the notes. Leave out what is minor. Add nothing that is not above."
)
CHAPTER_INTRODUCTION = "These are notes on one chapter ({chapter}) of a book, in order:\n\n"
CHAPTER = (
    "\n\n---\nWrite one summary of this chapter from these notes, about {words} words long, as "
    "one paragraph. Say each thing once. Add nothing that is not above."
)
UPDATE_INTRODUCTION = "This is the summary of the book {title} up to now:\n\n"
UPDATE_MIDDLE = "\n\nThis is what happens next:\n\n"
UPDATE = (
    "\n\n---\nWrite the summary again so that it covers both, about {words} words long, in "
    "flowing prose. Keep the names. Say each thing once. Add nothing that is not above."
)
MEMORY = (
    "You have just read the whole book {title}. Write a summary of it, about {words} words "
    "long, in flowing prose."
)
BEGINNING_INTRODUCTION = "This is the beginning of the book {title}:\n\n"
BEGINNING = (
    "\n\n---\nWrite a summary of this, about {words} words long, in flowing prose. Add nothing "
    "that is not above."
)
FOCUS = " Tell what answers this question: "
PASSAGES_INTRODUCTION = "These are passages from the book {title}:\n\n"
QUESTION = (
    "\n\n---\nAnswer this question from the passages alone, in one short sentence. If the "
    'passages do not answer it, write only "Not found in this book."\n\nQuestion: {question}'
)
OVERVIEW_INTRODUCTION = "These are notes on all of the book {title}, in order:\n\n"
QUESTION_ON_OVERVIEW = (
    "\n\n---\nAnswer this question about the book from the notes alone, in one or two plain "
    "sentences. Name the people.\n\nQuestion: {question}"
)
QUESTION_FROM_MEMORY = (
    "You have just read the book {title}. Answer this question about it in one short sentence. "
    'If the book does not answer it, write only "Not found in this book."\n\n'
    "Question: {question}"
)


MEASURES = "orders, speakers and narrators, confidences"
"""What is kept of each sentence of a note: notes without are written again."""


def with_focus(instruction: str, question: str | None) -> str:
    """Add to an instruction what the text is to answer, if anything."""
    return instruction if question is None else instruction + FOCUS + question


def notes_recipe(*settings: float, questions: Sequence[str]) -> str:
    """Hash what notes depend on besides the model and the text.

    Args:
        settings: of the writing: limits and penalties.
        questions: what the model is told, of every segment.
    """
    text = "\0".join((SYSTEM, PART_INTRODUCTION, *questions, str(settings), MEASURES))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
