"""Telling the questions that a book can answer from those about another."""

from __future__ import annotations

import pytest

from infini_cli.grounding.passages import Passages
from infini_cli.progress import silent
from infini_cli.reading.book import Book
from infini_cli.tasks import answerable, answerer
from infini_cli.tasks.answerable import Answerable
from infini_cli.tasks.ask import ask
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import AnswerRequest
from tests.tokens.build import build_book

FILLER = "The wind blew over the water and nothing moved on the quay. " * 8


def book() -> Book:
    return build_book(
        [
            ["# One", FILLER, "The old pilot told Nerrin that the walnut box is locked.", FILLER],
            ["# Two", FILLER, "A pilot sold a copper lantern to Pia for nine lenz.", FILLER],
        ]
    )


def accepts(question: str, of: Book | None = None) -> bool:
    passages = Passages(of or book())
    found = [passage.text for passage in passages.search(question, 6)]
    return Answerable(passages).accepts(question, found)


@pytest.mark.parametrize(
    "question",
    [
        "Who sold the lantern?",
        "For how many lenz was the lantern sold?",
        "Why is Nerrin unhappy?",  # whom the book has, it may tell something of
        "What is the theme of the story?",
        "How does it end?",
        "What happens?",
        "Who?",
    ],
)
def test_a_question_with_the_books_words_is_asked(question: str) -> None:
    assert accepts(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who murdered the baronet on the moor?",
        "What did Dorian Gray promise the painter?",
        "What did Nerrin and Dorian buy?",  # half of the names
        "Why did the locomotive explode near the walnut factory?",
    ],
)
def test_a_question_about_another_book_is_declined(question: str) -> None:
    assert not accepts(question)


def test_capitals_that_mark_no_names_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    filler = "Der Wind wehte am Abend über das Wasser, und am Ufer rührte sich kein Mensch. " * 8
    german = build_book([[filler, "Der Lotse verkaufte Pia am Kai eine Laterne.", filler]])
    question = "Verkaufte der Lotse am Kai eine Lampe, eine Kerze, eine Dose?"
    assert accepts(question, german)
    # With names among them, three of these nouns would be strangers.
    monkeypatch.setattr(answerable, "find_names", lambda counts: frozenset())
    assert not accepts(question, german)


def test_an_empty_book_answers_nothing() -> None:
    assert not accepts("Who sold the lantern?", build_book([["..."]]))


def test_the_model_is_not_asked_what_is_declined(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    write = answerer.write_prompts

    def watch(model: Model, prompts: list[str], **options: object) -> object:
        seen.extend(prompts)
        return write(model, prompts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(answerer, "write_prompts", watch)
    questions = ("Who murdered the baronet?", "Who sold the lantern?", "Where is Dorian Gray?")
    answers = list(ask(book(), AnswerRequest(questions), tiny, silent))
    assert [answer.question for answer in answers] == list(questions)
    assert [answers[0].answer, answers[2].answer] == [None, None]
    assert answers[0].citations == ()
    (prompt,) = seen
    assert "Who sold the lantern?" in prompt
