"""The decoder of the Llama family, its attention replaced by Infini-attention.

Layers as in `layer.py`; rotary positions restart in every segment. The residual stream is float32
whatever the projections compute in: in bfloat16 it changed greedy answers.

Shape suffixes: B batch rows, S tokens, D model width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from infini_models.address import Address
from infini_models.attention import LinearFactory
from infini_models.branch import MemoryBranch
from infini_models.branch_cache import BranchCache
from infini_models.cache import LayerCache, SegmentCache
from infini_models.config import PAPER, BranchConfig, DecoderConfig, MemoryConfig
from infini_models.layer import Layer
from infini_models.linear import Int8Linear, Linear
from infini_models.memory import LayerMemory, Memory
from infini_models.rotary import rotary_frequencies, rotary_tables


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """What reading a segment gives.

    Attributes:
        hidden_BSD: float32 activations after the last norm, prefix included.
        memory: every layer's memory after the segment; None where it was off.
        cache: the segment's keys and values, where they were asked for.
        tapped_BSD: float32 activations after the layer that was asked for, prefix included.
    """

    hidden_BSD: Tensor
    memory: Memory | None
    cache: SegmentCache | None
    tapped_BSD: Tensor | None = None


class Decoder(nn.Module):
    """Token ids in, activations, logits and memory out.

    Args:
        config: the shape.
        memory_config: the memory; the paper's by default, gates closed.
        form: `float32` or `bfloat16` weights, or `int8` (frozen, packed after loading).
    """

    def __init__(
        self,
        config: DecoderConfig,
        memory_config: MemoryConfig | BranchConfig = PAPER,
        form: str = "float32",
    ) -> None:
        super().__init__()
        self.config, self.memory_config, self.form = config, memory_config, form
        linear = _linear_factory(form)
        self.embed_tokens = nn.Embedding(
            config.vocab_size,
            config.hidden_size,
            dtype=torch.float32 if form == "float32" else torch.bfloat16,
        )
        self.layers = nn.ModuleList(
            Layer(config, memory_config, linear, self.dtype, self._branch(index))
            for index in range(config.num_layers)
        )
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = linear(config.hidden_size, config.vocab_size, False)
        if config.tie_word_embeddings and form != "int8":
            self.lm_head.weight = self.embed_tokens.weight
        self.register_buffer("frequencies", rotary_frequencies(config), persistent=False)
        self.frequencies: Tensor

    @property
    def is_closed(self) -> bool:
        """Whether no layer reads its memory, as in a plain conversion."""
        return all(layer.self_attn.is_closed for layer in self._layers)

    @property
    def num_bytes(self) -> int:
        """Bytes of the weights, packed or not."""
        packed = (m for m in self.modules() if isinstance(m, Linear | Int8Linear))
        held = (*self.parameters(), *self.buffers())
        plain = sum(tensor.numel() * tensor.element_size() for tensor in held)
        return plain + sum(module.num_packed_bytes for module in packed)

    @property
    def _num_layers_for_memory(self) -> int:
        if isinstance(self.memory_config, MemoryConfig):
            return self.config.num_layers
        return max(self.memory_config.layers) + 1

    @property
    def _address_layer(self) -> int | None:
        config = self.memory_config
        return config.address_layer if isinstance(config, BranchConfig) else None

    @property
    def dtype(self) -> torch.dtype:
        """What keys and values are computed in."""
        return torch.bfloat16 if self.form == "bfloat16" else torch.float32

    @property
    def _layers(self) -> list[Any]:
        return list(self.layers)

    def _branch(self, index: int) -> MemoryBranch | None:
        config = self.memory_config
        if isinstance(config, MemoryConfig) or index not in config.layers:
            return None
        return MemoryBranch(self.config, config)

    def pack(self) -> None:
        """Lay bfloat16 projections out for fast products; what is trained or saved must not be.

        The head stays as it is where it is the embedding too, which is looked up row by row.
        """
        for module in self.modules():
            if isinstance(module, Linear) and module.weight is not self.embed_tokens.weight:
                module.pack()

    def empty_memory(self, batch: int = 1) -> Memory:
        """Give the memory before anything was read."""
        return tuple(layer.self_attn.empty_memory(batch) for layer in self._layers)

    def read_segment(
        self,
        ids_BS: Tensor,
        memory: Memory | None,
        *,
        num_prefix: int = 0,
        write: bool = True,
        keep_cache: bool = False,
        memory_only: bool = False,
        tap: int | None = None,
    ) -> SegmentResult:
        """Run one segment through all layers.

        Args:
            ids_BS: token ids, prefix first.
            memory: memory before the segment; None switches it off (the base model).
            num_prefix: leading tokens seen locally and never written to the memory.
            write: whether the memory takes the segment in, or is only read.
            keep_cache: whether to keep row 0's keys and values for branches.
            memory_only: whether nothing but the memory is wanted, and what is tapped: layers above
                the last that has one are then left out, and the activations are those below them.
            tap: after how many layers activations are wanted besides.
        """
        num_layers = self.config.num_layers
        if memory_only:
            num_layers = self._num_layers_for_memory if memory is not None else 0
            num_layers = max(num_layers, tap or 0)
        tapped_BSD = None
        tables = rotary_tables(self.frequencies, torch.arange(ids_BS.shape[1]))
        hidden_BSD = self.embed_tokens(ids_BS).float()
        after: list[LayerMemory] = []
        local: list[LayerCache] = []
        address: Address | None = None
        for index, layer in enumerate(self._layers[:num_layers]):
            if index == self._address_layer and memory is not None:
                address = layer.address(hidden_BSD)
            hidden_BSD, layer_memory, layer_local = layer.read_segment(
                hidden_BSD,
                tables,
                memory[index] if memory is not None else None,
                address=address,
                num_prefix=num_prefix,
                write=write,
                keep_local=keep_cache,
            )
            if layer_memory is not None:
                after.append(layer_memory)
            if layer_local is not None:
                local.append(layer_local)
            if index + 1 == tap:
                tapped_BSD = hidden_BSD
        if memory is not None:
            after += memory[num_layers:]
        cache = None
        if keep_cache:
            cache = SegmentCache.from_layers(local)
        after_all = tuple(after) if memory is not None else None
        return SegmentResult(self.norm(hidden_BSD), after_all, cache, tapped_BSD)

    @torch.no_grad()
    def attention_inputs(self, ids_BS: Tensor, layers: Collection[int]) -> dict[int, Tensor]:
        """Give what the attention of some layers sees of a segment, by layer, [B, S, D].

        The memory is off: it is the base that is looked at.

        Args:
            ids_BS: token ids.
            layers: counted from 0, at least one.
        """
        tables = rotary_tables(self.frequencies, torch.arange(ids_BS.shape[1]))
        residual_BSD = self.embed_tokens(ids_BS).float()
        found: dict[int, Tensor] = {}
        for index, layer in enumerate(self._layers[: max(layers) + 1]):
            if index in layers:
                found[index] = layer.attention_input(residual_BSD)
            if index < max(layers):
                residual_BSD, _, _ = layer.read_segment(residual_BSD, tables, None)
        return found

    def extend(self, ids_BS: Tensor, num_tokens_B: Tensor, cache: BranchCache) -> Tensor:
        """Run the next tokens of several branches; nothing is written to the memory.

        Args:
            ids_BS: token ids, rows padded on the right with anything.
            num_tokens_B: how many of each row are real, at least one.
            cache: what the branches attend to, their memory too; appended to in place.

        Returns:
            float32 activations after the last norm of each row's last real token, [B, D].
        """
        hidden_BSD = self.extend_all(ids_BS, num_tokens_B, cache)
        last_BD = hidden_BSD[torch.arange(len(num_tokens_B)), num_tokens_B - 1]
        normed_BD: Tensor = self.norm(last_BD)
        return normed_BD

    def extend_all(self, ids_BS: Tensor, num_tokens_B: Tensor, cache: BranchCache) -> Tensor:
        """Do as `extend`; give the float32 activations before the last norm of all, [B, S, D]."""
        # Made once for all layers.
        tokens = cache.next_tokens(ids_BS.shape[1], self.config.num_groups)
        cosine, sine = rotary_tables(self.frequencies, tokens.positions_BS)
        tables = (cosine[:, None], sine[:, None])
        hidden_BSD: Tensor = self.embed_tokens(ids_BS).float()
        address: Address | None = None
        for index, layer in enumerate(self._layers):
            if index == self._address_layer and cache.memory is not None:
                address = layer.address(hidden_BSD)
            attended_BSD = layer.self_attn.extend(
                layer.attention_input(hidden_BSD), tables, cache, index, tokens, address
            )
            hidden_BSD = layer.add_feed_forward(hidden_BSD + attended_BSD)
        cache.advance(num_tokens_B)
        return hidden_BSD

    def logits(self, hidden: Tensor) -> Tensor:
        """Give float32 scores over the vocabulary for activations [..., D]."""
        scores: Tensor = self.lm_head(hidden).float()
        return scores


def _linear_factory(form: str) -> LinearFactory:
    if form == "int8":
        return Int8Linear
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[form]
    return lambda inputs, outputs, bias: Linear(inputs, outputs, bias, dtype)
