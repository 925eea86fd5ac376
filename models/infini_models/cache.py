"""Local keys and values: what a segment leaves behind for the text written after it.

Shape suffixes: B rows, N KV heads, C capacity in tokens, S tokens, K head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(slots=True)
class SegmentCache:
    """Keys (with position) and values of one segment, each layer [N, S, K].

    Attributes:
        keys: of every layer.
        values: of every layer.
    """

    keys: list[Tensor]
    values: list[Tensor]

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


class BranchCache:
    """Padded keys and values of several branches, each with its own length.

    A branch continues a segment: its prompt and what is written attend to the segment's keys
    and to each other, and are never written to the memory.
    """

    def __init__(
        self,
        num_rows: int,
        capacity: int,
        num_layers: int,
        num_heads: int,
        head_dim: int,
        dtype: torch.dtype,
    ) -> None:
        self._shape = (num_rows, num_heads, capacity, head_dim)
        self.dtype = dtype
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        for _ in range(num_layers):
            self._add_layer()
        self.lengths_B = torch.zeros(num_rows, dtype=torch.long)

    def _add_layer(self) -> tuple[Tensor, Tensor]:
        keys, values = (torch.zeros(self._shape, dtype=self.dtype) for _ in range(2))
        self.keys.append(keys)
        self.values.append(values)
        return keys, values

    @classmethod
    def from_segments(
        cls,
        segments: Sequence[SegmentCache | None],
        room: int,
        num_layers: int,
        num_heads: int,
        head_dim: int,
        dtype: torch.dtype,
        *,
        release: bool = False,
    ) -> BranchCache:
        """Continue segments, `room` tokens each; None starts a branch from nothing.

        With `release` the segments are emptied layer by layer as they are copied, so that
        there is never much more than one copy.
        """
        lengths = [segment.num_tokens if segment else 0 for segment in segments]
        capacity = max(lengths) + room
        cache = cls(len(segments), capacity, 0, num_heads, head_dim, dtype)
        held = [(row, segment) for row, segment in enumerate(segments) if segment is not None]
        for layer in range(num_layers):
            keys, values = cache._add_layer()
            for row, segment in held:
                keys[row, :, : lengths[row]] = segment.keys[layer]
                values[row, :, : lengths[row]] = segment.values[layer]
            for _, segment in held:
                if release:
                    segment.release(layer)
        cache.lengths_B = torch.tensor(lengths)
        return cache

    @property
    def num_rows(self) -> int:
        """Branches held."""
        return len(self.lengths_B)

    @property
    def capacity(self) -> int:
        """Tokens each branch has room for."""
        return int(self.keys[0].shape[2])

    def positions(self, num_tokens: int) -> Tensor:
        """Give the positions of the next tokens, [B, S]."""
        return self.lengths_B[:, None] + torch.arange(num_tokens)

    def visible(self, positions_BS: Tensor) -> Tensor:
        """Tell which stored tokens each of the next ones may see, bool [B, S, C].

        The padding of shorter rows comes after all of their tokens.
        """
        return torch.arange(int(positions_BS.max()) + 1) <= positions_BS[:, :, None]

    def append(
        self, layer: int, positions_BS: Tensor, key_BNSK: Tensor, value_BNSK: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Store keys and values after each row's own; give all that is stored, padding included.

        Lengths stay as they are until `advance`, so that every layer appends at one place.
        """
        rows_B1 = torch.arange(self.num_rows)[:, None]
        keys, values = self.keys[layer], self.values[layer]
        keys[rows_B1, :, positions_BS] = key_BNSK.transpose(1, 2)
        values[rows_B1, :, positions_BS] = value_BNSK.transpose(1, 2)
        used = int(self.lengths_B.max()) + key_BNSK.shape[2]
        return keys[:, :, :used], values[:, :, :used]

    def advance(self, num_tokens_B: Tensor) -> None:
        """Count the tokens just appended to each row; fewer than appended leaves padding out."""
        self.lengths_B = self.lengths_B + num_tokens_B

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all other branches."""
        index = torch.tensor(list(rows), dtype=torch.long)
        # Layer by layer, so that one of them is there twice and not all.
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer][index]
            self.values[layer] = self.values[layer][index]
        self.lengths_B = self.lengths_B[index]
