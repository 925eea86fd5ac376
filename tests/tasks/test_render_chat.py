"""Conversations as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infini_cli.errors import UsageError
from infini_cli.grounding.cited import Citation
from infini_cli.progress import silent
from infini_cli.schema import SCHEMA
from infini_cli.tasks.answerer import View
from infini_cli.tasks.chat import Chat, Turn, begin
from infini_cli.tasks.model import Model
from infini_cli.tasks.render_chat import (
    render_conversation,
    render_opening,
    render_reply,
    render_sources,
    sources_document,
)
from infini_cli.tasks.requests import MemoryRequest, SamplingRequest
from tests.tasks.tiny import tiny_book


@pytest.fixture
def talked(tiny: Model) -> Chat:
    chat = begin(tiny_book(2), MemoryRequest(use_cache=False), SamplingRequest(), tiny, silent)
    blank = replace(chat.answerer.result("", View(""), "", 1.5), model=None)
    start = chat.book.text.index("The keeper")
    quote = chat.book.text[start : start + 57]
    cited = (
        Citation(1, "1", "Part 1", "c01.b0002", None, quote, start, start + 57),
        Citation(2, "2", "Part 2", "c02.b0002", "7", "A line.\nAnother.", 9, 25),
    )
    answers = (
        replace(blank, question="Who\nwrote?", answer="The\nkeeper.", citations=cited),
        replace(blank, question="Why?"),
    )
    return replace(chat, turns=(Turn(answers[0]), Turn(answers[1], "2")))


def test_an_answer_is_one_line(talked: Chat) -> None:
    first, second = (turn.answer for turn in talked.turns)
    assert render_reply(first) == "The keeper. [1] [2]"
    assert render_reply(second) == "Not found in this book."


def test_the_opening_says_what_is_searched(talked: Chat) -> None:
    assert render_opening(talked) == "A Book: read 100 of 100 words, nothing dropped"


def test_sources_are_the_book_s_words_and_their_place(talked: Chat) -> None:
    first, second = (turn.answer for turn in talked.turns)
    assert render_sources(first) == (
        "[1] chapter 1, Part 1 (c01.b0002)\n"
        '"The keeper of island 1 wrote the name Orla1 in the book."\n\n'
        "[2] chapter 2, Part 2, page 7 (c02.b0002)\n"
        '"A line. Another."'
    )
    with pytest.raises(UsageError, match="no sources"):
        render_sources(second)
    assert sources_document(second) == {"question": "Why?", "citations": (), "kind": "sources"}


SAVED = """\
# A Book: questions and answers

## Who wrote?

The
keeper. [1] [2]

[1] Part 1
> The keeper of island 1 wrote the name Orla1 in the book.

[2] Part 2, page 7
> A line. Another.

## Why? (chapter 2)

Not found in this book.

*Read 100 of 100 words, nothing dropped. No model, 3.0 s.*"""


def test_a_conversation_as_markdown(talked: Chat) -> None:
    assert render_conversation(talked, "md") == SAVED


def test_a_conversation_as_json(talked: Chat) -> None:
    document = json.loads(render_conversation(talked, "json"))
    assert document["schema"] == SCHEMA
    assert document["kind"] == "conversation"
    assert document["title"] == "A Book"
    assert document["coverage"]["dropped"] == 0
    first, second = document["turns"]
    assert (first["question"], first["answer"], first["chapter"]) == (
        "Who\nwrote?",
        "The\nkeeper.",
        None,
    )
    assert [citation["page"] for citation in first["citations"]] == [None, "7"]
    assert (second["answer"], second["chapter"]) == (None, "2")


def test_nothing_said_is_nothing_to_save(talked: Chat) -> None:
    with pytest.raises(UsageError, match="nothing to save"):
        render_conversation(replace(talked, turns=()), "md")
