"""What a model is shown of a conversation: turns and passages, counted in tokens.

The last turns stand before a question as turns of the model's own conversation, without their
passages. Passages are searched for the question, and for it together with the one before: in
"and where did he go then?" only the one before says who. The worst passages and the oldest
turns go before the model's window overflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infini_cli.errors import UsageError
from infini_cli.grounding.passages import ScoredPassage
from infini_cli.tasks.answerer import ANSWER_TOKENS, NUM_PASSAGES, Answerer, within_budget
from infini_cli.tasks.model import Model
from infini_cli.tasks.prompts import SYSTEM
from infini_cli.tasks.values import Answer
from infini_cli.tokens.chat import Message

MAX_TURNS = 4
"""Shown to the model again; small models lose the question among more."""
MAX_HISTORY_TOKENS = 400
WINDOW_TOKENS = 2048
"""Prompt and answer together, or what the model's positions allow, if that is less."""
MIN_PASSAGE_TOKENS = 32
"""Less of a passage tells nothing."""


def find_passages(answerer: Answerer, question: str, before: str | None) -> list[ScoredPassage]:
    """Give the passages for a question, best first.

    The better half is of the question by itself, in case it is about something new; the others
    are of it together with the question before.
    """
    passages = answerer.passages
    assert passages is not None
    if before is None:
        return within_budget(passages.search(question, NUM_PASSAGES), answerer.model)
    together = passages.search(f"{before} {question}", NUM_PASSAGES)
    found = {one.start: one for one in passages.search(question, NUM_PASSAGES // 2)}
    found |= {one.start: one for one in together if one.start not in found}
    return within_budget(list(found.values())[:NUM_PASSAGES], answerer.model)


def history(answers: Sequence[Answer], model: Model) -> list[Message]:
    """Give the last turns as messages, as many as fit.

    Questions that the book did not answer are left out: a small model that reads "not found"
    says it again.
    """
    messages: list[Message] = []
    num_tokens = 0
    said = [(one.question, one.answer) for one in answers if one.answer is not None]
    for question, answer in reversed(said[-MAX_TURNS:]):
        turn = [Message("user", question), Message("assistant", answer)]
        num_tokens += sum(len(model.tokenizer.encode(message.content)) for message in turn)
        if num_tokens > MAX_HISTORY_TOKENS:
            break
        messages = turn + messages
    return messages


def fit(
    answerer: Answerer, turns: list[Message], question: str, found: list[ScoredPassage]
) -> tuple[list[Message], list[ScoredPassage]]:
    """Make the conversation that the model sees, small enough for its window.

    The worst passages go first, then the oldest turns; the last passage is cut.

    Returns:
        The messages, and the passages that are in them.

    Raises:
        UsageError: the question alone is too long.
    """
    model = answerer.model
    most = min(WINDOW_TOKENS, model.decoder.config.max_position_embeddings) - ANSWER_TOKENS
    while True:
        asked = Message("user", answerer.prompt(question, found))
        messages = [Message("system", SYSTEM), *turns, asked]
        excess = len(model.chat.encode(messages)) - most
        if excess <= 0:
            return messages, found
        if len(found) > 1:
            found = found[:-1]
        elif turns:
            turns = turns[2:]
        else:
            found = [_cut(passage, excess, model, question) for passage in found]
            if not found:
                raise _too_long(question, model)


def _cut(passage: ScoredPassage, excess: int, model: Model, question: str) -> ScoredPassage:
    """Take tokens off the end of a passage."""
    encoded = model.tokenizer.encode_with_offsets(passage.text)
    left = len(encoded.ids) - excess
    if left < MIN_PASSAGE_TOKENS:
        raise _too_long(question, model)
    # Where the first token that goes begins: of a character in several tokens nothing stays.
    end = int(encoded.starts[left])
    return replace(passage, text=passage.text[:end], end=passage.start + end)


def _too_long(question: str, model: Model) -> UsageError:
    num_tokens = len(model.tokenizer.encode(question))
    return UsageError(
        f"the question has {num_tokens:,} tokens, too many for the model's window",
        hint="ask it in fewer words",
    )
