"""Readers of a text, segment after segment, and what each remembers: the model's memory or another.

The others are those of `infini_models.baselines`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.baselines import Neighbours
    from infini_models.memory import Memory
    from torch import Tensor

MEMORY, MEMORY_OFF = CONDITIONS = ("memory", "memory off")
CACHED_WINDOW, NEIGHBOURS = BASELINES = ("cached window", "neighbours")
NUM_SINKS = 4
"""First tokens that the cached window keeps: as many as StreamingLLM found to be enough."""


class Reader(Protocol):
    """Reads a text in segments, whatever it remembers."""

    def read(self, ids_1S: Tensor, /) -> Tensor:
        """Give the activations of the next segment, [1, S, D]."""

    @property
    def num_floats(self) -> int:
        """Numbers that it holds."""


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


def open_reader(model: Model, condition: str, length: int, neighbours: Neighbours | None) -> Reader:
    """Open the reader of a condition.

    Args:
        model: who reads.
        condition: of `CONDITIONS` or `BASELINES`.
        length: the most tokens of a segment; what the cached window keeps.
        neighbours: what the condition of that name takes; the others need none.
    """
    from infini_models.baselines import CachedReader

    if condition == CACHED_WINDOW:
        return CachedReader(model.decoder, cache_length=length, num_sinks=NUM_SINKS)
    if condition == NEIGHBOURS:
        assert neighbours is not None
        return CachedReader(model.decoder, neighbours=neighbours)
    return _StreamReader(model, memory=condition == MEMORY)
