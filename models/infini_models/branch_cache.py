"""Keys and values of several texts that are written together, those of one segment as a family.

A row holds a segment's tokens once, whatever the number of texts that continue it, and after them
the texts' own, by turns: the first token of each, the second of each, and so on. So a segment is
held once and read once a step for all of its texts, and so is the memory of what came before it.

Shape suffixes: B texts, F families, M texts of the largest family, N KV heads, H query heads, G
query heads that share a KV head, C tokens of a row, S next tokens of a text, R rows of a KV head's
product (R = M * G * S), W last tokens of a text, K head width, P and V widths of a memory's
features and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from infini_models.cache import SegmentCache
from infini_models.machine import give_back_memory
from infini_models.memory import LayerMemory, Memory, stack_memories

ATTENTION_BLOCK = 512
"""Keys that torch's attention takes at once. The last bits of what it gives depend on how many
there are in its last block; rows of whole blocks give the same bits, whatever their number."""
LAYERS_TO_GIVE_BACK = 4
"""Copied before what they leave free goes back to the system, which takes a few milliseconds."""


@dataclass(frozen=True, slots=True)
class NextTokens:
    """Where the next tokens of all texts stand and what they see: the same in every layer.

    Attributes:
        positions_BS: in the text, the segment before it included.
        places_BS: in their family's row.
        visible_F1RC: what each row of a KV head's product may see.
    """

    positions_BS: Tensor
    places_BS: Tensor
    visible_F1RC: Tensor


class BranchCache:
    """What texts attend to: the segment that each continues, its memory, and what it has written.

    Texts are never written to the memory, and see nothing of each other.

    Args:
        segments: what each text continues; None starts it from nothing. Texts that are given the
            same segment and the same memory share both.
        memories: what each may retrieve from, batch of 1; either all have one or none has. Where a
            segment leaves one with itself in it, its texts that have one retrieve from that.
        room: tokens of each text's own.
        shape: layers, KV heads and their width.
        dtype: of keys and values.
        release: whether the segments are emptied layer by layer as they are copied, so that there
            is never much more than one copy.
        alignment: rows have a multiple of so many places.
    """

    def __init__(
        self,
        segments: Sequence[SegmentCache | None],
        memories: Sequence[Memory | None],
        room: int,
        shape: tuple[int, int, int],
        dtype: torch.dtype,
        *,
        release: bool = False,
        alignment: int = 1,
    ) -> None:
        self._alignment = alignment
        num_layers, num_heads, width = shape
        families: dict[tuple[int, int], int] = {}
        held: list[SegmentCache | None] = []
        founders: list[Memory] = []
        family, member, sizes = [], [], []
        for index, (segment, memory) in enumerate(zip(segments, memories, strict=True)):
            # A text that starts from nothing is a family of its own.
            key = (-index - 1 if segment is None else id(segment), id(memory))
            row = families.setdefault(key, len(held))
            if row == len(held):
                held.append(segment)
                if memory is not None:
                    within = segment.memory if segment is not None else None
                    founders.append(within or memory)
                sizes.append(0)
            family.append(row)
            member.append(sizes[row])
            sizes[row] += 1
        if len(founders) not in (0, len(held)):
            raise ValueError("some texts have a memory and some have none")
        self.memory = stack_memories(founders) if founders else None
        self.num_members = max(sizes)
        self._family_B, self._member_B = torch.tensor(family), torch.tensor(member)
        self._read_F = torch.tensor([0 if x is None else x.num_tokens for x in held])
        self._written_B = torch.zeros(len(family), dtype=torch.long)
        capacity = self._aligned(int(self._read_F.max()) + room * self.num_members)
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        for layer in range(num_layers):
            for stored, name in ((self.keys, "keys"), (self.values, "values")):
                tensor = torch.zeros(len(held), num_heads, capacity, width, dtype=dtype)
                for row, segment in enumerate(held):
                    if segment is not None:
                        tensor[row, :, : segment.num_tokens] = getattr(segment, name)[layer]
                stored.append(tensor)
            if release:
                for segment in held:
                    if segment is not None:
                        segment.release(layer)
                if layer % LAYERS_TO_GIVE_BACK == 0:
                    give_back_memory()
        self._queries: dict[int, Tensor] = {}
        self._next_queries: dict[int, Tensor] = {}
        for layer in {layer for segment in held if segment for layer in segment.queries}:
            self._queries[layer] = _padded_queries(
                [None if segment is None else segment.queries[layer] for segment in segments]
            )

    @property
    def num_families(self) -> int:
        """Rows held."""
        return len(self._read_F)

    def next_tokens(self, num_tokens: int, num_groups: int) -> NextTokens:
        """Give the next tokens' places.

        Args:
            num_tokens: of each text.
            num_groups: query heads that share a KV head.
        """
        own_BS = self._written_B[:, None] + torch.arange(num_tokens)
        read_B1 = self._read_F[self._family_B][:, None]
        places_BS = read_B1 + own_BS * self.num_members + self._member_B[:, None]
        place_C = torch.arange(self._aligned(int(places_BS.max()) + 1))
        turn_BC = place_C - read_B1
        is_own_BC = (turn_BC % self.num_members) == self._member_B[:, None]
        # Of its own tokens, those up to itself: what lies beyond was never written.
        own_BSC = is_own_BC[:, None] & (place_C <= places_BS[:, :, None])
        visible_BSC = (turn_BC < 0)[:, None] | own_BSC
        # Members that have stopped see everything, so that their rows, which nobody reads, are sums
        # of something.
        size = (self.num_families, self.num_members, num_tokens, len(place_C))
        visible_FMSC = torch.ones(size, dtype=torch.bool)
        visible_FMSC[self._family_B, self._member_B] = visible_BSC
        visible_FMGSC = visible_FMSC[:, :, None].expand(-1, -1, num_groups, -1, -1)
        visible_F1RC = visible_FMGSC.reshape(self.num_families, 1, -1, len(place_C))
        return NextTokens(read_B1 + own_BS, places_BS, visible_F1RC)

    def _aligned(self, num_places: int) -> int:
        return aligned(num_places, self._alignment)

    def append(
        self, layer: int, tokens: NextTokens, key_BNSK: Tensor, value_BNSK: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Store keys and values of the next tokens; give all that is stored, padding included.

        Lengths stay as they are until `advance`, so that every layer appends at one place.
        """
        rows_B1 = self._family_B[:, None]
        keys, values = self.keys[layer], self.values[layer]
        keys[rows_B1, :, tokens.places_BS] = key_BNSK.transpose(1, 2)
        values[rows_B1, :, tokens.places_BS] = value_BNSK.transpose(1, 2)
        num_used = tokens.visible_F1RC.shape[-1]
        return keys[:, :, :num_used], values[:, :, :num_used]

    def by_family(self, query_BHSK: Tensor, num_heads: int) -> Tensor:
        """Lay queries out as rows of one product a family and KV head, [F, N, R, K].

        Args:
            query_BHSK: of the next tokens.
            num_heads: KV heads.
        """
        _, heads, num_tokens, width = query_BHSK.shape
        size = (self.num_families, self.num_members, heads, num_tokens, width)
        query_FMHSK = query_BHSK.new_zeros(size)
        query_FMHSK[self._family_B, self._member_B] = query_BHSK
        query_FNMXK = query_FMHSK.view(*size[:2], num_heads, -1, width).transpose(1, 2)
        return query_FNMXK.reshape(self.num_families, num_heads, -1, width)

    def by_text(self, attended_FNRK: Tensor, num_tokens: int) -> Tensor:
        """Undo `by_family`, [B, H, S, K]."""
        num_heads, width = attended_FNRK.shape[1], attended_FNRK.shape[3]
        size = (self.num_families, num_heads, self.num_members, -1, width)
        attended_FMNXK = attended_FNRK.view(size).transpose(1, 2)
        attended_BNXK = attended_FMNXK[self._family_B, self._member_B]
        return attended_BNXK.reshape(len(self._family_B), -1, num_tokens, width)

    def retrieve(self, features_BHSP: Tensor, memory_FNPV: Tensor) -> Tensor:
        """Multiply what each text looks for with its family's memory, [B, H, S, V]."""
        features_FNRP = self.by_family(features_BHSP, memory_FNPV.shape[1])
        return self.by_text(features_FNRP @ memory_FNPV, features_BHSP.shape[2])

    def of_texts(self, memory: LayerMemory) -> LayerMemory:
        """Give each text a copy of its family's memory of one layer."""
        index_B = self._family_B
        return LayerMemory(memory.memory_BNKV[index_B], memory.normalizer_BNK[index_B])

    def remember_queries(self, layer: int, query_BHSK: Tensor, num_last: int) -> Tensor:
        """Keep the memory's queries of the next tokens; the last ones of each text stay.

        Args:
            layer: of the memory.
            query_BHSK: of the next tokens.
            num_last: how many stay after `advance`.

        Returns:
            Those of each text's last tokens before, [B, H, W, K], zeros where there were fewer.
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
        """Count the tokens just appended to each text; fewer than appended leaves padding out."""
        self._written_B = self._written_B + num_tokens_B
        texts_B1 = torch.arange(len(self._family_B))[:, None]
        for layer, queries_BHSK in self._next_queries.items():
            num_last = self._queries[layer].shape[2]
            places_BW = num_tokens_B[:, None] + torch.arange(num_last)
            self._queries[layer] = queries_BHSK[texts_B1, :, places_BW].transpose(1, 2)
        self._next_queries.clear()

    def keep(self, texts: Sequence[int]) -> None:
        """Drop all other texts, and families of which none is left."""
        index = torch.tensor(list(texts), dtype=torch.long)
        self._family_B, self._member_B = self._family_B[index], self._member_B[index]
        self._written_B = self._written_B[index]
        self._queries = {layer: queries[index] for layer, queries in self._queries.items()}
        alive = torch.tensor(sorted(set(self._family_B.tolist())), dtype=torch.long)
        # The last families move to the places of those that are gone: nothing else is copied.
        movers = alive[alive >= len(alive)]
        is_free_F = torch.ones(len(alive), dtype=torch.bool)
        is_free_F[alive[alive < len(alive)]] = False
        holes = is_free_F.nonzero().squeeze(1)
        moved_F = torch.arange(self.num_families)
        moved_F[movers] = holes
        self._family_B = moved_F[self._family_B]
        held = [self._read_F, *self.keys, *self.values]
        for memory in self.memory or ():
            held += [memory.memory_BNKV, memory.normalizer_BNK]
        for stored in held:
            stored[holes] = stored[movers]
        rows = slice(len(alive))
        self._read_F = self._read_F[rows]
        for layers in (self.keys, self.values):
            layers[:] = [layer[rows] for layer in layers]
        if self.memory is not None:
            self.memory = tuple(
                LayerMemory(layer.memory_BNKV[rows], layer.normalizer_BNK[rows])
                for layer in self.memory
            )


def aligned(num_places: int, alignment: int) -> int:
    """Round up to a multiple."""
    return -(-num_places // alignment) * alignment


def _padded_queries(rows: Sequence[Tensor | None]) -> Tensor:
    """Stack queries [H, W, K], zeros in front of those that are fewer."""
    width = max(row.shape[1] for row in rows if row is not None)
    like = next(row for row in rows if row is not None)
    empty = like.new_zeros(like.shape[0], 0, like.shape[2])
    full = [empty if row is None else row for row in rows]
    return torch.stack([functional.pad(row, (0, 0, width - row.shape[1], 0)) for row in full])
