"""Local keys and values: what a segment leaves behind for the text written after it.

Shape suffixes: B rows, N KV heads, H query heads, C capacity in tokens, S tokens, W last tokens of
a text, K head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class LayerCache:
    """What a segment leaves behind in one layer.

    Attributes:
        keys_NSK: with position.
        values_NSK: of the same tokens.
        queries_HWK: of the memory, of the last tokens; None where none are needed.
    """

    keys_NSK: Tensor
    values_NSK: Tensor
    queries_HWK: Tensor | None = None


@dataclass(slots=True)
class SegmentCache:
    """Keys (with position) and values of one segment, each layer [N, S, K].

    Attributes:
        keys: of every layer.
        values: of every layer.
        queries: the memory's, of the last tokens, by layer [H, W, K], where they are needed.
    """

    keys: list[Tensor]
    values: list[Tensor]
    queries: dict[int, Tensor] = field(default_factory=dict)

    @classmethod
    def from_layers(cls, layers: Sequence[LayerCache]) -> SegmentCache:
        """Put together what a segment leaves behind in all layers."""
        queries = {
            index: layer.queries_HWK
            for index, layer in enumerate(layers)
            if layer.queries_HWK is not None
        }
        return cls([layer.keys_NSK for layer in layers], [x.values_NSK for x in layers], queries)

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
        self._queries: dict[int, Tensor] = {}
        self._next_queries: dict[int, Tensor] = {}

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
        for layer in {layer for _, segment in held for layer in segment.queries}:
            cache._queries[layer] = _padded_queries(
                [segment.queries[layer] if segment is not None else None for segment in segments]
            )
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

    def remember_queries(self, layer: int, query_BHSK: Tensor, num_last: int) -> Tensor:
        """Keep the memory's queries of the next tokens; the last ones of each row stay.

        Args:
            layer: of the memory.
            query_BHSK: of the next tokens.
            num_last: how many stay after `advance`.

        Returns:
            Those of each row's last tokens before, [B, H, W, K], zeros where there were fewer.
        """
        before_BHWK = self._queries.get(layer)
        if before_BHWK is None:
            batch, heads, _, width = query_BHSK.shape
            before_BHWK = query_BHSK.new_zeros(batch, heads, num_last, width)
        missing = num_last - before_BHWK.shape[2]
        before_BHWK = functional.pad(before_BHWK, (0, 0, missing, 0))
        self._next_queries[layer] = torch.cat((before_BHWK, query_BHSK), dim=2)
        self._queries[layer] = before_BHWK
        return before_BHWK

    def advance(self, num_tokens_B: Tensor) -> None:
        """Count the tokens just appended to each row; fewer than appended leaves padding out."""
        self.lengths_B = self.lengths_B + num_tokens_B
        rows_B1 = torch.arange(self.num_rows)[:, None]
        for layer, queries_BHSK in self._next_queries.items():
            num_last = self._queries[layer].shape[2]
            places_BW = num_tokens_B[:, None] + torch.arange(num_last)
            self._queries[layer] = queries_BHSK[rows_B1, :, places_BW].transpose(1, 2)
        self._next_queries.clear()

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all other branches."""
        index = torch.tensor(list(rows), dtype=torch.long)
        # Layer by layer, so that one of them is there twice and not all.
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer][index]
            self.values[layer] = self.values[layer][index]
        self._queries = {layer: queries[index] for layer, queries in self._queries.items()}
        self.lengths_B = self.lengths_B[index]


def _padded_queries(rows: Sequence[Tensor | None]) -> Tensor:
    """Stack queries [H, W, K], zeros in front of those that are fewer."""
    width = max(row.shape[1] for row in rows if row is not None)
    like = next(row for row in rows if row is not None)
    empty = like.new_zeros(like.shape[0], 0, like.shape[2])
    full = [empty if row is None else row for row in rows]
    return torch.stack([functional.pad(row, (0, 0, width - row.shape[1], 0)) for row in full])
