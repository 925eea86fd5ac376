"""Through which layers what a text tells reaches the tokens that come after it.

A memory gives later tokens nothing but what they retrieve in its own layers. Whether a few layers
are enough is seen without any memory: let the tokens of a question see the text before them in
these layers alone, and look at the answer. (Cutting what attention carries, to see which of it
matters, is the attention knockout of Geva et al. 2023.)

Shape suffixes: B batch rows (one), C tokens of the text, S tokens after it, X both, D model width,
V vocabulary, H query heads, N KV heads, K head width.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from infini_models.attention import NUM_SINKS
from infini_models.cache import SegmentCache
from infini_models.decoder import Decoder
from infini_models.rotary import rotary_tables, rotate


@torch.inference_mode()
def read_text(decoder: Decoder, ids_C: Sequence[int]) -> SegmentCache:
    """Give the keys and values of a text, the memory off."""
    cache = decoder.read_segment(torch.tensor([list(ids_C)]), None, keep_cache=True).cache
    assert cache is not None
    return cache


@torch.inference_mode()
def logits_through(
    decoder: Decoder, text: SegmentCache, ids_S: Sequence[int], layers: Collection[int]
) -> Tensor:
    """Give the scores of tokens that see a text in some layers only, the memory off.

    Everywhere else they see themselves and its first `NUM_SINKS` tokens, on which heads rest that
    look for nothing.

    Args:
        decoder: whose layers.
        text: what `read_text` gives.
        ids_S: the tokens after the text.
        layers: where they see it, from 0.

    Returns:
        float32 [S, V].
    """
    ids_BS = torch.tensor([list(ids_S)])
    start, length = text.num_tokens, ids_BS.shape[1]
    tables = rotary_tables(decoder.frequencies, torch.arange(start, start + length))
    own_SS = torch.ones(length, length, dtype=torch.bool).tril()
    whole_SX = torch.cat((torch.ones(length, start, dtype=torch.bool), own_SS), dim=1)
    hidden_SX = whole_SX.clone()
    hidden_SX[:, NUM_SINKS:start] = False
    groups = decoder.config.num_groups
    hidden_BSD = decoder.embed_tokens(ids_BS).float()
    blocks: list[Any] = list(decoder.layers)
    for index, block in enumerate(blocks):
        attention = block.self_attn
        query_BHSK, key_BNSK, value_BNSK = attention.project(block.attention_input(hidden_BSD))
        keys_BNXK = torch.cat((text.keys[index][None], rotate(key_BNSK, *tables)), dim=2)
        values_BNXK = torch.cat((text.values[index][None], value_BNSK), dim=2)
        attended_BHSK = functional.scaled_dot_product_attention(
            rotate(query_BHSK, *tables),
            keys_BNXK.repeat_interleave(groups, dim=1),
            values_BNXK.repeat_interleave(groups, dim=1),
            attn_mask=whole_SX if index in layers else hidden_SX,
        )
        merged_BSD = attention.o_proj(attended_BHSK.transpose(1, 2).flatten(2))
        hidden_BSD = block.add_feed_forward(hidden_BSD + merged_BSD)
    return decoder.logits(decoder.norm(hidden_BSD))[0]
