"""A conversation as text: its answers one by one, their sources, and the whole to keep."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from infini_cli.errors import UsageError
from infini_cli.grounding.cited import Citation
from infini_cli.schema import SCHEMA
from infini_cli.tasks.chat import Chat, Turn
from infini_cli.tasks.render import NOT_FOUND, read_phrase, render_body, render_footer
from infini_cli.tasks.values import Answer


def render_opening(chat: Chat) -> str:
    """Say which book it is, and how much of it was read or is searched."""
    return f"{chat.book.title}: {read_phrase(chat.answerer.coverage)}"


def render_reply(answer: Answer) -> str:
    """Write an answer on one line, the numbers of its sources after it."""
    if answer.answer is None:
        return NOT_FOUND
    marks = [f"[{citation.number}]" for citation in answer.citations]
    return " ".join([*answer.answer.split(), *marks])


def render_sources(answer: Answer) -> str:
    """Write what an answer rests on: chapter, page, block, and the book's own words.

    Raises:
        UsageError: it rests on nothing.
    """
    if not answer.citations:
        raise UsageError("the last answer has no sources", hint="ask something else")
    return "\n\n".join(_source(citation) for citation in answer.citations)


def turn_document(turn: Turn) -> dict[str, Any]:
    """Give the JSON form of an answer in a conversation."""
    return {**turn.answer.to_dict(), "chapter": turn.chapter}


def sources_document(answer: Answer) -> dict[str, Any]:
    """Give the JSON form of an answer's sources, which may be none."""
    facts = answer.to_dict()
    return {key: facts[key] for key in ("question", "citations")} | {"kind": "sources"}


def render_conversation(chat: Chat, form: str) -> str:
    """Write a whole conversation.

    Args:
        chat: at least one question of it was asked.
        form: `md` or `json`.

    Raises:
        UsageError: nothing was asked.
    """
    if chat.last is None:
        raise UsageError("there is nothing to save", hint="ask something first")
    if form == "json":
        return json.dumps(_document(chat), ensure_ascii=False, indent=2)
    parts = [f"# {chat.book.title}: questions and answers"]
    for turn in chat.turns:
        of = f" (chapter {turn.chapter})" if turn.chapter is not None else ""
        parts.append(f"## {' '.join(turn.answer.question.split())}{of}")
        parts.append(render_body(turn.answer, "md").rstrip())
    seconds = sum(turn.answer.seconds for turn in chat.turns)
    whole = replace(chat.last, coverage=chat.answerer.coverage, seconds=seconds)
    return "\n\n".join([*parts, render_footer(whole, "md")])


def _document(chat: Chat) -> dict[str, Any]:
    assert chat.last is not None
    facts = replace(chat.last, coverage=chat.answerer.coverage).to_dict()
    shared = ("title", "source_sha256", "coverage", "model", "seed")
    turns = [turn_document(turn) for turn in chat.turns]
    return {
        "schema": SCHEMA,
        "kind": "conversation",
        "authors": list(chat.book.authors),
        **{key: facts[key] for key in shared},
        "turns": turns,
    }


def _source(citation: Citation) -> str:
    page = f", page {citation.page}" if citation.page else ""
    place = f"chapter {citation.chapter_label}, {citation.chapter_title}{page}"
    quote = " ".join(citation.quote.split())
    return f'[{citation.number}] {place} ({citation.block_id})\n"{quote}"'
