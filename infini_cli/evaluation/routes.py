"""Through which layers a pass key gets from the text to the answer: where a memory has to be.

Heads that look at what they copy (`heads.py`) are the last link of a chain: others told them where
to look, and did so in the window. A memory in the last link alone finds nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from infini_cli.evaluation import passkey
from infini_cli.evaluation.haystack import Prompt
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.cache import SegmentCache

LENGTH = 260
"""Tokens of a prompt of one fact: within any window, and mostly filler."""
FACT_LENGTH = 40
"""What each further fact adds to it: the shipped models take fewer tokens to tell one."""


@dataclass(frozen=True, slots=True)
class Route:
    """What gets through some layers.

    Attributes:
        layers: in which the question sees the text, from 0.
        loss: mean negative log-likelihood of the digits asked for, nats.
        token_accuracy: share of them that are right, 0 to 1; chance is a tenth.
    """

    layers: tuple[int, ...]
    loss: float
    token_accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def choose_layers(
    model: Model, num_layers: int, *, num_samples: int, seed: int, num_facts: int = 1
) -> Iterator[Route]:
    """Choose layers one by one, each time the one that helps the answer most.

    Args:
        model: whose base is looked at; a memory is off.
        num_layers: how many to choose.
        num_samples: prompts.
        seed: of what is drawn.
        num_facts: keys of a prompt, one of which is asked for, by its name.

    Raises:
        UsageError: there are too many facts.

    Yields:
        What gets through no layer, through the first chosen, the first two, and so on, and last
        through all.
    """
    from infini_models.routes import read_text

    prompts = passkey.filler_prompts(
        model.tokenizer,
        length=LENGTH + FACT_LENGTH * (num_facts - 1),
        num_samples=num_samples,
        seed=seed,
        num_facts=num_facts,
    )
    read = [(prompt, read_text(model.decoder, prompt.context)) for prompt in prompts]
    everything = range(model.decoder.config.num_layers)

    def route(layers: Collection[int]) -> Route:
        return _route(model, read, layers)

    best = route(())
    yield best
    for _ in range(min(num_layers, len(everything))):
        others = [index for index in everything if index not in best.layers]
        best = min((route((*best.layers, index)) for index in others), key=lambda it: it.loss)
        yield best
    yield route(everything)


def _route(
    model: Model, read: Sequence[tuple[Prompt, SegmentCache]], layers: Collection[int]
) -> Route:
    from infini_models.routes import logits_through

    loss, num_right, num_digits = 0.0, 0, 0
    for prompt, text in read:
        ids = (*prompt.question, *prompt.answer)
        scores_SV = logits_through(model.decoder, text, ids, layers)
        start = len(prompt.question) - 1
        for place, digit in enumerate(prompt.answer):
            scores_V = scores_SV[start + place]
            loss -= float(scores_V.log_softmax(dim=-1)[digit])
            num_right += int(scores_V.argmax() == digit)
            num_digits += 1
    return Route(tuple(layers), loss / num_digits, num_right / num_digits)
