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
from typing import TYPE_CHECKING, Any, Protocol

from infini_cli.progress import Progress, ReadingClock
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.memory import Memory
    from torch import Tensor

CONDITIONS = ("memory", "memory off")
BASELINES = ("cached window", "neighbours")
NUM_SINKS = 4
"""First tokens that the cached window keeps: as many as StreamingLLM found to be enough."""
"""Other memories for the same base, see `infini_models.baselines`."""
ROWS_AT_ONCE = 256
"""Tokens whose scores over the vocabulary are held at once."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well one condition predicted one text.

    Attributes:
        condition: one of `CONDITIONS` or `BASELINES`.
        text: name of the text.
        segment_length: the most tokens of a segment.
        num_tokens: tokens predicted.
        perplexity: over all of them.
        memory_floats: numbers that the memory holds after the text.
        by_position: perplexity of consecutive parts of equal length, first to last.
        seconds: wall time.
    """

    condition: str
    text: str
    segment_length: int
    num_tokens: int
    perplexity: float
    memory_floats: int
    by_position: tuple[float, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


class _Reader(Protocol):
    """Reads a text in segments, whatever it remembers."""

    def read(self, ids_1S: Tensor, /) -> Tensor:
        """Give the activations of the next segment, [1, S, D]."""

    @property
    def num_floats(self) -> int:
        """Numbers that it holds."""


def evaluate_perplexity(
    model: Model,
    texts: Sequence[tuple[str, Sequence[int]]],
    progress: Progress,
    *,
    segment_lengths: Sequence[int],
    num_parts: int,
    conditions: Sequence[str] = CONDITIONS,
    neighbours_layer: int = 0,
) -> Iterator[Prediction]:
    """Measure every text at every length of segments.

    Args:
        model: who predicts.
        texts: names and token ids, at least two ids each.
        progress: told of segments.
        segment_lengths: the most tokens of a segment, at least 2.
        num_parts: into how many parts the text is cut for `by_position`.
        conditions: what to measure, of `CONDITIONS` and `BASELINES`.
        neighbours_layer: where nearest neighbours are looked for.
    """
    for name, ids in texts:
        for length in segment_lengths:
            for condition in conditions:
                start = time.monotonic()
                reader = _open_reader(model, condition, length, neighbours_layer)
                title = f"{name}, {condition}"
                losses = _losses(model, reader, title, ids, length, progress)
                yield Prediction(
                    condition=condition,
                    text=name,
                    segment_length=length,
                    num_tokens=len(losses),
                    perplexity=math.exp(sum(losses) / len(losses)),
                    memory_floats=reader.num_floats,
                    by_position=tuple(_parts(losses, num_parts)),
                    seconds=round(time.monotonic() - start, 1),
                )


def _parts(losses: Sequence[float], num_parts: int) -> Iterator[float]:
    for part in range(num_parts):
        start, end = (len(losses) * place // num_parts for place in (part, part + 1))
        if end > start:
            yield math.exp(sum(losses[start:end]) / (end - start))


class _StreamReader:
    """The model as it is meant to work, or with its memory off."""

    def __init__(self, model: Model, *, memory: bool) -> None:
        self._decoder = model.decoder
        self._memory: Memory | None = model.decoder.empty_memory() if memory else None

    def read(self, ids_1S: Tensor) -> Tensor:
        import torch

        with torch.inference_mode():
            result = self._decoder.read_segment(ids_1S, self._memory)
        self._memory = result.memory
        return result.hidden_BSD

    @property
    def num_floats(self) -> int:
        layers = self._memory or ()
        return sum(layer.memory_BNKV.numel() + layer.normalizer_BNK.numel() for layer in layers)


def _open_reader(model: Model, condition: str, length: int, layer: int) -> _Reader:
    from infini_models.baselines import CachedReader, Neighbours

    if condition == "cached window":
        return CachedReader(model.decoder, cache_length=length, num_sinks=NUM_SINKS)
    if condition == "neighbours":
        return CachedReader(model.decoder, neighbours=Neighbours(layer))
    return _StreamReader(model, memory=condition == "memory")


def _losses(
    model: Model,
    reader: _Reader,
    title: str,
    ids: Sequence[int],
    segment_length: int,
    progress: Progress,
) -> list[float]:
    """Give the negative log-likelihood of every token but the first.

    The first token of a segment is predicted by the last of the segment before.
    """
    import torch

    losses: list[float] = []
    num_segments = -(-(len(ids) - 1) // segment_length)
    clock = ReadingClock(title, num_segments, len(ids) - 1)
    for index in range(num_segments):
        first = index * segment_length
        inputs = torch.tensor([ids[first : first + segment_length]])
        targets = torch.tensor(ids[first + 1 : first + 1 + segment_length])
        losses += _segment_losses(model, reader.read(inputs), targets)
        progress(clock.at(index + 1, len(losses)))
    return losses


def _segment_losses(model: Model, hidden_1SD: Tensor, targets_S: Tensor) -> list[float]:
    import torch
    from torch.nn import functional

    losses: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(targets_S), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            logits_RV = model.decoder.logits(hidden_1SD[0, : len(targets_S)][rows])
            losses += functional.cross_entropy(
                logits_RV, targets_S[rows], reduction="none"
            ).tolist()
    return losses
