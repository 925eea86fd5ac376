"""How well a model predicts a text, with its memory and without, and where in the text.

The text is read as books are: in segments, the memory carried on. Each token is predicted from
what its segment holds before it and from the memory of the segments before; the first token of
the text is not predicted by anything and not counted. Perplexity is exp of the mean negative
log-likelihood of a token.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from infini_cli.progress import Progress, ReadingClock
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.decoder import Memory
    from torch import Tensor

CONDITIONS = ("memory", "memory off")
ROWS_AT_ONCE = 256
"""Tokens whose scores over the vocabulary are held at once."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well one condition predicted one text.

    Attributes:
        condition: one of `CONDITIONS`.
        text: name of the text.
        segment_length: the most tokens of a segment.
        num_tokens: tokens predicted.
        perplexity: over all of them.
        by_position: perplexity of consecutive parts of equal length, first to last.
        seconds: wall time.
    """

    condition: str
    text: str
    segment_length: int
    num_tokens: int
    perplexity: float
    by_position: tuple[float, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def evaluate_perplexity(
    model: Model,
    texts: Sequence[tuple[str, Sequence[int]]],
    progress: Progress,
    *,
    segment_lengths: Sequence[int],
    num_parts: int,
    controls: bool,
) -> Iterator[Prediction]:
    """Measure every text at every length of segments.

    Args:
        model: who predicts.
        texts: names and token ids, at least two ids each.
        progress: told of segments.
        segment_lengths: the most tokens of a segment, at least 2.
        num_parts: into how many parts the text is cut for `by_position`.
        controls: whether the same is measured with the memory off.
    """
    for name, ids in texts:
        for length in segment_lengths:
            for condition in CONDITIONS[: 2 if controls else 1]:
                start = time.monotonic()
                losses = _losses(model, name, ids, length, condition, progress)
                yield Prediction(
                    condition=condition,
                    text=name,
                    segment_length=length,
                    num_tokens=len(losses),
                    perplexity=math.exp(sum(losses) / len(losses)),
                    by_position=tuple(_parts(losses, num_parts)),
                    seconds=round(time.monotonic() - start, 1),
                )


def _parts(losses: Sequence[float], num_parts: int) -> Iterator[float]:
    for part in range(num_parts):
        start, end = (len(losses) * place // num_parts for place in (part, part + 1))
        if end > start:
            yield math.exp(sum(losses[start:end]) / (end - start))


def _losses(
    model: Model,
    name: str,
    ids: Sequence[int],
    segment_length: int,
    condition: str,
    progress: Progress,
) -> list[float]:
    """Give the negative log-likelihood of every token but the first.

    The first token of a segment is predicted by the last of the segment before.
    """
    import torch

    memory = model.decoder.empty_memory() if condition == "memory" else None
    losses: list[float] = []
    num_segments = -(-(len(ids) - 1) // segment_length)
    clock = ReadingClock(f"{name}, {condition}", num_segments, len(ids) - 1)
    for index in range(num_segments):
        first = index * segment_length
        inputs = torch.tensor([ids[first : first + segment_length]])
        targets = torch.tensor(ids[first + 1 : first + 1 + segment_length])
        found, memory = _segment_losses(model, inputs, targets, memory)
        losses += found
        progress(clock.at(index + 1, len(losses)))
    return losses


def _segment_losses(
    model: Model, ids_1S: Tensor, targets_S: Tensor, memory: Memory | None
) -> tuple[list[float], Memory | None]:
    import torch
    from torch.nn import functional

    losses: list[float] = []
    with torch.inference_mode():
        result = model.decoder.read_segment(ids_1S, memory)
        for start in range(0, len(targets_S), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            logits_RV = model.decoder.logits(result.hidden_BSD[0, : len(targets_S)][rows])
            losses += functional.cross_entropy(
                logits_RV, targets_S[rows], reduction="none"
            ).tolist()
    return losses, result.memory
