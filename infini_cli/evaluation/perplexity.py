"""How well a model predicts a text, with its memory and without, and where in the text.

The text is read as books are: in segments, the memory carried on. Each token is predicted from
what its segment holds before it and from the memory of the segments before; the first token of
the text is not predicted by anything and not counted. Perplexity is exp of the mean negative
log-likelihood of a token.
"""

from __future__ import annotations

import hashlib
import math
import time
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any

from infini_cli.evaluation.ledger import Ledger, result_key
from infini_cli.evaluation.readers import (
    CONDITIONS,
    MEMORY_OFF,
    NEIGHBOURS,
    Reader,
    open_reader,
)
from infini_cli.progress import Progress, ReadingClock
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.baselines import Neighbours
    from torch import Tensor

ROWS_AT_ONCE = 256
"""Tokens whose scores over the vocabulary are held at once."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well one condition predicted one text.

    Attributes:
        condition: one of `readers.CONDITIONS` or `readers.BASELINES`.
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


@dataclass(frozen=True, slots=True)
class Overall:
    """How well one condition predicted all texts, each of which counts the same.

    Attributes:
        condition: as in `Prediction`.
        segment_length: as in `Prediction`.
        num_texts: texts.
        perplexity: geometric mean of theirs.
        against_off: that over the mean with the memory off; None where that was not measured.
    """

    condition: str
    segment_length: int
    num_texts: int
    perplexity: float
    against_off: float | None

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def sum_up(predictions: Sequence[Prediction]) -> list[Overall]:
    """Give each condition's mean over the texts, for each length of segments."""
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    for item in predictions:
        found[item.segment_length, item.condition].append(math.log(item.perplexity))
    means = {key: math.exp(sum(logs) / len(logs)) for key, logs in found.items()}
    return [
        Overall(
            condition=condition,
            segment_length=length,
            num_texts=len(logs),
            perplexity=means[length, condition],
            against_off=means[length, condition] / off
            if (off := means.get((length, MEMORY_OFF))) is not None
            else None,
        )
        for (length, condition), logs in found.items()
    ]


def evaluate_perplexity(
    model: Model,
    texts: Sequence[tuple[str, Sequence[int]]],
    progress: Progress,
    *,
    segment_lengths: Sequence[int],
    num_parts: int,
    conditions: Sequence[str] = CONDITIONS,
    neighbours: Neighbours | None = None,
    ledger: Ledger[Prediction] | None = None,
) -> Iterator[Prediction]:
    """Measure every text at every length of segments.

    Args:
        model: who predicts.
        texts: names and token ids, at least two ids each.
        progress: told of segments.
        segment_lengths: the most tokens of a segment, at least 2.
        num_parts: into how many parts the text is cut for `by_position`.
        conditions: what to measure, of `readers.CONDITIONS` and `readers.BASELINES`.
        neighbours: how nearest neighbours take part; None: they are none of the conditions.
        ledger: what is known is not measured again, and what is found is kept; None: none.
    """
    ledger = ledger or Ledger(None, Prediction)
    for name, ids in texts:
        text_sha256 = hashlib.sha256(array("q", ids).tobytes()).hexdigest()
        for length in segment_lengths:
            for condition in conditions:
                settings = astuple(neighbours) if neighbours and condition == NEIGHBOURS else None
                about = (name, text_sha256, length, num_parts, condition, settings)
                key = result_key(model, "perplexity", *about)
                found = ledger.find(key)
                if found is None:
                    reader = open_reader(model, condition, length, neighbours)
                    found = _measure(
                        model, reader, (condition, name), ids, length, num_parts, progress
                    )
                    ledger.keep(key, found)
                yield found


def _measure(
    model: Model,
    reader: Reader,
    names: tuple[str, str],
    ids: Sequence[int],
    segment_length: int,
    num_parts: int,
    progress: Progress,
) -> Prediction:
    start = time.monotonic()
    condition, text = names
    losses = _losses(model, reader, f"{text}, {condition}", ids, segment_length, progress)
    return Prediction(
        condition=condition,
        text=text,
        segment_length=segment_length,
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


def _losses(
    model: Model,
    reader: Reader,
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
