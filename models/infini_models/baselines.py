"""Other memories for the same base, to compare with: a cached window and nearest neighbours.

    cached window       each layer keeps the keys and values of the last segment and attends to them
                        as to the window (Transformer-XL, Dai et al. 2019), and those of the text's
                        first few tokens (StreamingLLM, Xiao et al. 2024): a base that was trained
                        on whole windows puts much of its attention there, and without them its
                        perplexity is worse than with no cache at all
    nearest neighbours  one layer keeps the keys and values of up to 65,536 tokens; each query
                        attends to the 32 that score highest, beside the window (Memorizing
                        Transformer, Wu et al. 2022)

Neither was trained here: the base is used as it is. What neighbours give is mixed with what local
attention gives in one share for all heads, where the Memorizing Transformer trains a gate a head.
Keys are kept without position: the cached window turns them by their distance, neighbours are
compared by content alone.

Shape suffixes: B batch rows (one), S tokens, D model width, H query heads, N KV heads, G query
heads that share a KV head, K head width, P cached tokens, C cached and own tokens, M tokens in the
store, R retrieved tokens, X queries at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from infini_models.decoder import Decoder
from infini_models.rotary import rotary_tables, rotate

QUERIES_AT_ONCE = 128
"""Bounds the scores of the whole store."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A store of keys and values at one layer.

    Attributes:
        layer: which, from 0.
        capacity: tokens held; the oldest go first.
        num_retrieved: tokens that a query attends to.
        share: of what they give in the layer's attention, 0 to 1; the rest is local.
    """

    layer: int
    share: float
    capacity: int = 65_536
    num_retrieved: int = 32


class CachedReader:
    """Reads one text, segment after segment.

    Args:
        decoder: whose layers are used; its own memory is off.
        cache_length: tokens whose keys and values every layer keeps; 0: none.
        num_sinks: first tokens of the text that are kept besides.
        neighbours: the store, where there is one.
    """

    def __init__(
        self,
        decoder: Decoder,
        *,
        cache_length: int = 0,
        num_sinks: int = 0,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.decoder, self.cache_length, self.num_sinks = decoder, cache_length, num_sinks
        self.neighbours = neighbours
        self._cached: dict[int, tuple[Tensor, Tensor]] = {}
        self._store: tuple[Tensor, Tensor] | None = None

    @property
    def num_floats(self) -> int:
        """Numbers held now."""
        held = [*self._cached.values(), *([self._store] if self._store is not None else [])]
        return sum(tensor.numel() for pair in held for tensor in pair)

    @torch.inference_mode()
    def read(self, ids_BS: Tensor) -> Tensor:
        """Read the next segment of the text.

        Args:
            ids_BS: one row of token ids.

        Returns:
            float32 activations after the last norm, [B, S, D].
        """
        hidden_BSD = self.decoder.embed_tokens(ids_BS).float()
        layers: list[Any] = list(self.decoder.layers)
        for index, layer in enumerate(layers):
            attended_BSD = self._attend(index, layer.self_attn, layer.attention_input(hidden_BSD))
            hidden_BSD = layer.add_feed_forward(hidden_BSD + attended_BSD)
        read_BSD: Tensor = self.decoder.norm(hidden_BSD)
        return read_BSD

    def _attend(self, index: int, attention: Any, x_BSD: Tensor) -> Tensor:
        query_BHSK, key_BNSK, value_BNSK = attention.project(x_BSD)
        past = self._cached.get(index)
        keys_BNCK = key_BNSK if past is None else torch.cat((past[0], key_BNSK), dim=2)
        values_BNCK = value_BNSK if past is None else torch.cat((past[1], value_BNSK), dim=2)
        num_keys, num_queries = keys_BNCK.shape[2], query_BHSK.shape[2]
        positions = torch.arange(num_keys)
        cosine, sine = rotary_tables(self.decoder.frequencies, positions)
        own = slice(num_keys - num_queries, None)
        turned_query_BHSK = rotate(query_BHSK, cosine[own], sine[own])
        groups = self.decoder.config.num_groups
        turned_keys_BHCK = rotate(keys_BNCK, cosine, sine).repeat_interleave(groups, dim=1)
        values_BHCK = values_BNCK.repeat_interleave(groups, dim=1)
        seen_SC = positions <= positions[own, None]
        output_BHSK = functional.scaled_dot_product_attention(
            turned_query_BHSK, turned_keys_BHCK, values_BHCK, attn_mask=seen_SC
        )
        if self.neighbours is not None and self.neighbours.layer == index:
            output_BHSK = self._with_neighbours(output_BHSK, query_BHSK)
            self._keep(key_BNSK, value_BNSK)
        if self.cache_length:
            first = min(self.num_sinks, max(0, num_keys - self.cache_length))
            kept = torch.cat((positions[:first], positions[first:][-self.cache_length :]))
            self._cached[index] = (keys_BNCK[:, :, kept], values_BNCK[:, :, kept])
        merged_BSD: Tensor = attention.o_proj(output_BHSK.transpose(1, 2).flatten(2))
        return merged_BSD

    def _with_neighbours(self, local_BHSK: Tensor, query_BHSK: Tensor) -> Tensor:
        """Mix local attention with attention to each query's neighbours."""
        assert self.neighbours is not None
        if self._store is None:
            return local_BHSK
        scale, parts = self.decoder.config.head_dim**-0.5, []
        for few_BHXK in torch.split(query_BHSK, QUERIES_AT_ONCE, dim=2):
            scores_BHXR, values_BHXRK = self._retrieve(few_BHXK, *self._store)
            weights_BHX1R = (scale * scores_BHXR).softmax(dim=-1).unsqueeze(-2)
            parts.append((weights_BHX1R @ values_BHXRK).squeeze(-2))
        far_BHSK = torch.cat(parts, dim=2).to(local_BHSK.dtype)
        return torch.lerp(local_BHSK, far_BHSK, self.neighbours.share)

    def _retrieve(
        self, query_BHSK: Tensor, keys_BNMK: Tensor, values_BNMK: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Give scores and values of each query's nearest keys."""
        assert self.neighbours is not None
        shape = query_BHSK.shape
        query_BNRK = query_BHSK.reshape(shape[0], keys_BNMK.shape[1], -1, shape[3])
        scores_BNRM = query_BNRK.float() @ keys_BNMK.mT
        num_retrieved = min(self.neighbours.num_retrieved, keys_BNMK.shape[2])
        best, places = scores_BNRM.topk(num_retrieved, dim=-1)
        heads = torch.arange(keys_BNMK.shape[1])[:, None, None]
        values = values_BNMK[0][heads, places[0]].unsqueeze(0)
        return best.view(*shape[:3], -1), values.view(*shape[:3], num_retrieved, shape[3])

    def _keep(self, key_BNSK: Tensor, value_BNSK: Tensor) -> None:
        assert self.neighbours is not None
        new = (key_BNSK.float(), value_BNSK.float())
        if self._store is not None:
            new = (torch.cat((self._store[0], new[0]), 2), torch.cat((self._store[1], new[1]), 2))
        kept = slice(-self.neighbours.capacity, None)
        self._store = (new[0][:, :, kept], new[1][:, :, kept])
