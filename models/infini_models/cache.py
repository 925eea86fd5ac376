"""Local keys and values: what a segment leaves behind for the text written after it.

Shape suffixes: N KV heads, H query heads, S tokens, W last tokens of a text, K head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from infini_models.memory import LayerMemory, Memory


@dataclass(frozen=True, slots=True)
class LayerCache:
    """What a segment leaves behind in one layer.

    Attributes:
        keys_NSK: with position.
        values_NSK: of the same tokens.
        queries_HWK: of the memory, of the last tokens; None where none are needed.
        memory: after the segment, where the text after it retrieves from it too.
    """

    keys_NSK: Tensor
    values_NSK: Tensor
    queries_HWK: Tensor | None = None
    memory: LayerMemory | None = None


@dataclass(slots=True)
class SegmentCache:
    """Keys (with position) and values of one segment, each layer [N, S, K].

    Attributes:
        keys: of every layer.
        values: of every layer.
        queries: the memory's, of the last tokens, by layer [H, W, K], where they are needed.
        memory: with the segment in it, where the text after it retrieves from that in the place of
            the memory before; None: it does not.
    """

    keys: list[Tensor]
    values: list[Tensor]
    queries: dict[int, Tensor] = field(default_factory=dict)
    memory: Memory | None = None

    @classmethod
    def from_layers(cls, layers: Sequence[LayerCache]) -> SegmentCache:
        """Put together what a segment leaves behind in all layers."""
        queries = {
            index: layer.queries_HWK
            for index, layer in enumerate(layers)
            if layer.queries_HWK is not None
        }
        memories = [layer.memory for layer in layers if layer.memory is not None]
        return cls(
            [layer.keys_NSK for layer in layers],
            [layer.values_NSK for layer in layers],
            queries,
            tuple(memories) if memories else None,
        )

    @property
    def num_tokens(self) -> int:
        """Tokens held."""
        return int(self.keys[0].shape[1])

    def release(self, layer: int) -> None:
        """Let go of a layer's keys and values; the number of tokens stays known."""
        self.keys[layer] = self.keys[layer].new_empty(0).expand(0, self.num_tokens, 0)
        self.values[layer] = self.keys[layer]

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return sum(t.numel() * t.element_size() for t in (*self.keys, *self.values))
