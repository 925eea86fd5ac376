"""Have the model write: prompts in, texts out, several at once.

The book's text and the user's words are data to the chat template; only the template's own
words can start or end a turn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infini_cli.progress import Progress, Write
from infini_cli.tasks.beginnings import read_prompts
from infini_cli.tasks.model import Model
from infini_cli.tasks.prompts import SYSTEM
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tokens.chat import Message
from infini_cli.tokens.decode import StreamDecoder

if TYPE_CHECKING:
    from infini_models.generate import Branch, Written
    from infini_models.memory import Memory

NO_REPEAT_NGRAM_SIZE = 6
REPETITION_PENALTY = 1.05
"""Small models fall into loops: six tokens are never written twice in one text, and what was
written is a little less likely to be written again. Names still are."""
SECONDS_BETWEEN_EVENTS = 0.2


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model wrote.

    Attributes:
        text: without surrounding space; if cut at the limit, up to its last full sentence, or
            where there is none up to the last comma.
        num_tokens: tokens written.
        cut: whether the limit was reached.
        confidence: geometric mean of the probabilities that the model gave its tokens, 0 to 1.
    """

    text: str
    num_tokens: int
    cut: bool
    confidence: float = 1.0


def prompt_ids(model: Model, user: str) -> list[int]:
    """Encode a conversation of one user turn."""
    return model.chat.encode([Message("system", SYSTEM), Message("user", user)])


def write_prompts(
    model: Model,
    prompts: Sequence[str],
    *,
    max_tokens: int | Sequence[int],
    sampling: SamplingRequest,
    progress: Progress,
    what: str,
    memory: Memory | None = None,
    write: Callable[[str], None] | None = None,
    done: int = 0,
    total: int | None = None,
) -> list[Draft]:
    """Write an answer to each prompt; all are decoded as one batch.

    What neighbours begin with in common is read once, where it is most of each.

    Args:
        model: the model.
        prompts: the user's turns.
        max_tokens: bound on each answer, or one for each.
        sampling: how tokens are chosen.
        progress: told of tokens.
        what: name of the work, for display.
        memory: what the model may retrieve from.
        write: takes the first prompt's text as it is written.
        done: texts of this work written before, for display.
        total: texts of this work in all, for display.
    """
    bounds = [max_tokens] * len(prompts) if isinstance(max_tokens, int) else max_tokens
    ids = [prompt_ids(model, prompt) for prompt in prompts]
    branches = read_prompts(model, ids, bounds, memory)
    return write_branches(
        model,
        branches,
        sampling=sampling,
        progress=progress,
        what=what,
        write=write,
        done=done,
        total=total,
    )


def write_branches(
    model: Model,
    branches: Sequence[Branch],
    *,
    sampling: SamplingRequest,
    progress: Progress,
    what: str,
    write: Callable[[str], None] | None = None,
    done: int = 0,
    total: int | None = None,
    independent: bool = False,
    is_taught: bool = False,
) -> list[Draft]:
    """Decode branches as one batch.

    Args:
        model: the model.
        branches: what to write; the segments they continue are emptied.
        sampling: how tokens are chosen.
        progress: told of tokens.
        what: name of the work, for display.
        write: takes the first branch's text as it is written.
        done: texts of this work written before, for display.
        total: texts of this work in all, for display.
        independent: whether each is to be the same whatever is written beside it.
        is_taught: whether the model writes as it was taught to write notes.
    """
    from infini_models import generate
    from infini_models.low_rank import corrected
    from infini_models.sampling import Sampling

    decoder = StreamDecoder(model.tokenizer)
    first_token = last_event = time.monotonic()
    num_written = 0

    def rate() -> float:
        """Give tokens a second since the first: before it, prompts were read, not written."""
        return max(num_written - 1, 0) / max(time.monotonic() - first_token, 1e-9)

    def on_token(index: int, token: int) -> None:
        nonlocal num_written, first_token, last_event
        num_written += 1
        if num_written == 1:
            first_token = time.monotonic()
        if index == 0 and write is not None and (piece := decoder.push(token)):
            write(piece)
        now = time.monotonic()
        if now - last_event >= SECONDS_BETWEEN_EVENTS:
            last_event = now
            progress(Write(what, done, total or len(branches), num_written, rate()))

    choice = Sampling(
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        seed=sampling.seed,
        repetition_penalty=REPETITION_PENALTY,
        no_repeat_ngram_size=NO_REPEAT_NGRAM_SIZE,
    )
    with corrected(model.decoder) if is_taught else nullcontext():
        written = generate.write_branches(
            model.decoder,
            branches,
            choice,
            model.chat.stop_ids,
            on_token,
            release=True,
            independent=independent,
        )
    if write is not None and (rest := decoder.flush()):
        write(rest)
    progress(Write(what, done + len(branches), total or len(branches), num_written, rate()))
    return [_draft(model, result) for result in written]


def _draft(model: Model, written: Written) -> Draft:
    from infini_cli.language.sentences import split_sentences

    text = model.tokenizer.decode(written.ids).strip()
    cut = written.finished == "length"
    if cut:
        text = _finished(text, split_sentences(text))
    text = " ".join(text.split()) if "\n" not in text else text
    nats = written.log_probabilities
    return Draft(text, len(written.ids), cut, math.exp(sum(nats) / max(1, len(nats))))


def _finished(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """End a text that was cut: better a sentence or a clause less than half of one."""
    if len(spans) > 1:
        return text[: spans[-2][1]].strip()
    clause = max(text.rfind(mark) for mark in (", ", "; ", ": "))
    return text[:clause] + "." if clause > len(text) / 2 else text
