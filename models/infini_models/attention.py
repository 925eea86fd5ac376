"""Infini-attention: masked local attention and compressive memory in one block.

The equations of the memory are in `memory.py`. Here they meet the layer's own projections:
queries, keys and values are computed once; the memory sees them without position, local
attention sees queries and keys turned by their place in the segment (paper, section 2.1).
The memory is read before it is written, so a token retrieves only from earlier segments; a branch
may let it retrieve what its own segment wrote before it too, see `writes.py`.

Shape suffixes: B batch rows, S tokens, D model width, H query heads, N KV heads, G query heads
that share a KV head (H = N * G), K head width, W tokens before the next; F, R and C as in
`branch_cache.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from infini_models import memory as compressive
from infini_models.address import Address
from infini_models.branch import MemoryBranch
from infini_models.branch_cache import BranchCache, NextTokens
from infini_models.cache import LayerCache
from infini_models.config import BranchConfig, DecoderConfig, MemoryConfig
from infini_models.memory import LayerMemory
from infini_models.rotary import rotate
from infini_models.writes import SegmentWrites

NUM_SINKS = 4
"""Tokens that a branch leaves unwritten where a segment begins. Pretrained models make the first
few of whatever they see attention sinks (Xiao et al. 2024): these say nothing of the text, and
each segment would write them again."""

LinearFactory = Callable[[int, int, bool], nn.Module]
"""Makes a projection from input features, output features and whether it has a bias."""


@dataclass(frozen=True, slots=True)
class AttentionResult:
    """What a segment leaves behind in one layer.

    Attributes:
        output_BSD: to be added to the residual stream.
        memory: M and z after the segment; as given where nothing was written.
        local: what batch row 0 leaves to the text after it, where it was asked for.
    """

    output_BSD: Tensor
    memory: LayerMemory | None
    local: LayerCache | None = None


class InfiniAttention(nn.Module):
    """One attention layer of the decoder."""

    def __init__(
        self,
        config: DecoderConfig,
        memory_config: MemoryConfig | BranchConfig,
        linear: LinearFactory,
        branch: MemoryBranch | None = None,
    ) -> None:
        super().__init__()
        self.config, self.memory_config = config, memory_config
        self.memory_branch = branch
        query_width = config.num_heads * config.head_dim
        key_width = config.num_key_value_heads * config.head_dim
        self.q_proj = linear(config.hidden_size, query_width, config.attention_bias)
        self.k_proj = linear(config.hidden_size, key_width, config.attention_bias)
        self.v_proj = linear(config.hidden_size, key_width, config.attention_bias)
        self.o_proj = linear(query_width, config.hidden_size, False)
        self.q_norm: nn.RMSNorm | None = None
        self.k_norm: nn.RMSNorm | None = None
        if config.query_key_norm:
            self.q_norm = nn.RMSNorm(config.head_dim, config.rms_norm_eps)
            self.k_norm = nn.RMSNorm(config.head_dim, config.rms_norm_eps)
        if isinstance(memory_config, MemoryConfig):
            heads = (config.num_key_value_heads, config.num_groups)
            self.memory_gate = nn.Parameter(torch.full(heads, memory_config.gate_init))

    @property
    def is_closed(self) -> bool:
        """Whether reading the memory would change nothing: the base's attention and no more."""
        if isinstance(self.memory_config, MemoryConfig):
            return bool(torch.isneginf(self.memory_gate).all())
        return self.memory_branch is None or self.memory_branch.is_closed

    @property
    def _reads_within(self) -> bool:
        config = self.memory_config
        return isinstance(config, BranchConfig) and config.read_within

    def empty_memory(self, batch: int) -> LayerMemory:
        """Give the memory before anything was read; without any width where the layer has none."""
        if self.memory_branch is not None:
            return self.memory_branch.empty_memory(batch)
        paper = isinstance(self.memory_config, MemoryConfig)
        width = self.config.head_dim if paper else 0
        return LayerMemory.empty(batch, self.config.num_key_value_heads, width)

    def read_segment(
        self,
        x_BSD: Tensor,
        rotary: tuple[Tensor, Tensor],
        memory: LayerMemory | None,
        *,
        address: Address | None = None,
        num_prefix: int = 0,
        write: bool = True,
        keep_local: bool = False,
    ) -> AttentionResult:
        """Attend within a segment, read the memory, then write the segment to it.

        Args:
            x_BSD: normalised activations.
            rotary: cosines and sines for positions 0 to S - 1.
            memory: M and z before the segment; None switches the memory off.
            address: what a branch's queries and keys are made of; None: what this layer sees.
            num_prefix: leading tokens that are seen locally and never written.
            write: whether the memory takes the segment in.
            keep_local: whether to return the segment's keys and values.
        """
        query_BHSK, key_BNSK, value_BNSK = self.project(x_BSD)
        turned_query_BHSK = rotate(query_BHSK, *rotary)
        turned_key_BNSK = rotate(key_BNSK, *rotary)
        local_BHSK = functional.scaled_dot_product_attention(
            turned_query_BHSK,
            turned_key_BNSK.repeat_interleave(self.config.num_groups, dim=1),
            value_BNSK.repeat_interleave(self.config.num_groups, dim=1),
            is_causal=True,
        )
        address = address or Address(x_BSD, query_BHSK, key_BNSK)
        after, writes = memory, None
        if memory is not None and write:
            num_sinks = NUM_SINKS if self.memory_branch is not None else 0
            written = slice(max(num_prefix, num_sinks), None)
            after, writes = self._write(
                memory, x_BSD[:, written], address.at(written), value_BNSK[:, :, written], written
            )
        output_BSD = self._add_memory(x_BSD, address, local_BHSK, memory, writes=writes)
        local = None
        if keep_local:
            queries_HWK = self._last_queries(address)
            local = LayerCache(
                turned_key_BNSK[0],
                value_BNSK[0].contiguous(),
                queries_HWK,
                after.row(0) if after is not None and write and self._reads_within else None,
            )
        return AttentionResult(output_BSD, after, local)

    def extend(
        self,
        x_BSD: Tensor,
        rotary: tuple[Tensor, Tensor],
        cache: BranchCache,
        layer: int,
        tokens: NextTokens,
        address: Address | None = None,
    ) -> Tensor:
        """Attend to a branch's own past and read the memory; write nothing to it.

        Args:
            x_BSD: normalised activations of the next tokens of each branch.
            rotary: tables for their positions, [B, 1, S, K].
            cache: what the branches attend to; the new keys and values are appended.
            layer: this layer's place in the cache.
            tokens: where they stand in the cache.
            address: as for `read_segment`.

        Returns:
            [B, S, D].
        """
        query_BHSK, key_BNSK, value_BNSK = self.project(x_BSD)
        keys_FNCK, values_FNCK = cache.append(layer, tokens, rotate(key_BNSK, *rotary), value_BNSK)
        # Queries that share keys become rows of one product: keys are never repeated.
        local_FNRK = functional.scaled_dot_product_attention(
            cache.by_family(rotate(query_BHSK, *rotary), self.config.num_key_value_heads),
            keys_FNCK,
            values_FNCK,
            attn_mask=tokens.visible_F1RC,
        )
        local_BHSK = cache.by_text(local_FNRK, x_BSD.shape[1])
        address = address or Address(x_BSD, query_BHSK, key_BNSK)
        before_BHWK = None
        branch = self.memory_branch
        if branch is not None and branch.num_before:
            queries_BHSK = branch.queries(address)
            before_BHWK = cache.remember_queries(layer, queries_BHSK, branch.num_before)
        memory = cache.memory[layer] if cache.memory is not None else None
        return self._add_memory(x_BSD, address, local_BHSK, memory, before_BHWK, cache=cache)

    def address(self, x_BSD: Tensor) -> Address:
        """Give what the memory of this layer, or of one above it, is addressed by."""
        query_BHSK, key_BNSK, _ = self.project(x_BSD)
        return Address(x_BSD, query_BHSK, key_BNSK)

    def project(self, x_BSD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give queries [B, H, S, K], keys and values [B, N, S, K], none with position."""
        heads = (*x_BSD.shape[:2], -1, self.config.head_dim)
        query_BSHK = self.q_proj(x_BSD).view(heads)
        key_BSNK = self.k_proj(x_BSD).view(heads)
        value_BSNK = self.v_proj(x_BSD).view(heads)
        if self.q_norm is not None and self.k_norm is not None:
            query_BSHK = self.q_norm(query_BSHK.float()).to(query_BSHK.dtype)
            key_BSNK = self.k_norm(key_BSNK.float()).to(key_BSNK.dtype)
        return query_BSHK.transpose(1, 2), key_BSNK.transpose(1, 2), value_BSNK.transpose(1, 2)

    def _write(
        self,
        memory: LayerMemory,
        x_BSD: Tensor,
        address: Address,
        value_BNSK: Tensor,
        tokens: slice,
    ) -> tuple[LayerMemory, SegmentWrites | None]:
        """Give the memory with some tokens, and what of them the segment itself may retrieve."""
        if self.memory_branch is not None:
            after, writes = self.memory_branch.write(
                x_BSD, address, value_BNSK, memory, tokens.start
            )
            return after, writes if self._reads_within else None
        if isinstance(self.memory_config, MemoryConfig):
            memory = compressive.write(memory, address.key_BNSK, value_BNSK, self.memory_config)
        return memory, None

    def _last_queries(self, address: Address) -> Tensor | None:
        """Give the memory's queries of row 0's last tokens, where those of later ones need them."""
        branch = self.memory_branch
        if branch is None or not branch.num_before:
            return None
        last = slice(-branch.num_before, None)
        return branch.queries(address.at(last))[0]

    def _add_memory(
        self,
        x_BSD: Tensor,
        address: Address,
        local_BHSK: Tensor,
        memory: LayerMemory | None,
        before_BHWK: Tensor | None = None,
        *,
        writes: SegmentWrites | None = None,
        cache: BranchCache | None = None,
    ) -> Tensor:
        """Give the layer's output: local attention, and what the memory holds for the queries.

        With a cache the rows of the memory are those of its families.
        """
        if memory is None or self.is_closed:
            return self._merge_heads(local_BHSK)
        if self.memory_branch is not None:
            if writes is None and not bool(memory.filled_B.any()):
                return self._merge_heads(local_BHSK)
            queries_BHSK = self.memory_branch.queries(address)
            retrieve = None if cache is None else cache.retrieve
            read_BHSK = self.memory_branch.read(
                x_BSD, queries_BHSK, memory, before_BHWK, writes, retrieve
            )
            correction_BSD: Tensor = self.memory_branch.output(read_BHSK.transpose(1, 2).flatten(2))
            return self._merge_heads(local_BHSK + read_BHSK) + correction_BSD
        memory = memory if cache is None else cache.of_texts(memory)
        return self._merge_heads(self._mix(address.query_BHSK, local_BHSK, memory))

    def _mix(self, query_BHSK: Tensor, local_BHSK: Tensor, memory: LayerMemory) -> Tensor:
        assert isinstance(self.memory_config, MemoryConfig)
        groups = (self.config.num_key_value_heads, self.config.num_groups)
        shape = (query_BHSK.shape[0], *groups, *query_BHSK.shape[2:])
        query_BNGSK = query_BHSK.reshape(shape)
        retrieved_BNGSK = compressive.read(memory, query_BNGSK, self.memory_config.eps)
        mixed_BNGSK = compressive.mix(
            self.memory_gate, retrieved_BNGSK, local_BHSK.reshape(shape), memory.filled_B
        )
        return mixed_BNGSK.flatten(1, 2)

    def _merge_heads(self, output_BHSK: Tensor) -> Tensor:
        merged_BSD: Tensor = self.o_proj(output_BHSK.transpose(1, 2).flatten(2))
        return merged_BSD
