"""Where the heads of a base look: which of them copy what stands earlier in the window.

Such heads are few (Wu et al. 2024 call them retrieval heads), and a memory beside them learns to
copy from far away sooner than one beside others.

Shape suffixes: B batch rows (one), S tokens, R tokens that look, L layers, H query heads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from infini_models.decoder import Decoder
from infini_models.rotary import rotary_tables, rotate


@torch.inference_mode()
def attention_shares(
    decoder: Decoder, ids_S: Sequence[int], looks: Mapping[int, Sequence[int]]
) -> Tensor:
    """Give how much of its attention each head spends on given tokens, the memory off.

    Args:
        decoder: whose heads.
        ids_S: a text that fits into its window.
        looks: places of tokens that look, each with the places that it may look at.

    Returns:
        float32 [L, H], 0 to 1: the mean over the tokens that look.
    """
    ids_BS, rows = torch.tensor([list(ids_S)]), torch.tensor(list(looks))
    positions = torch.arange(ids_BS.shape[1])
    sought_RS = torch.zeros(len(rows), ids_BS.shape[1])
    for row, places in enumerate(looks.values()):
        sought_RS[row, list(places)] = 1.0
    unseen_RS = positions > rows[:, None]
    tables = rotary_tables(decoder.frequencies, positions)
    groups, scale = decoder.config.num_groups, decoder.config.head_dim**-0.5
    hidden_BSD = decoder.embed_tokens(ids_BS).float()
    shares: list[Tensor] = []
    layers: list[Any] = list(decoder.layers)
    for layer in layers:
        attention = layer.self_attn
        query_BHSK, key_BNSK, _ = attention.project(layer.attention_input(hidden_BSD))
        query_HRK = rotate(query_BHSK, *tables)[0, :, rows].float()
        key_HSK = rotate(key_BNSK, *tables)[0].float().repeat_interleave(groups, dim=0)
        scores_HRS = (scale * query_HRK @ key_HSK.mT).masked_fill(unseen_RS, float("-inf"))
        shares.append((scores_HRS.softmax(dim=-1) * sought_RS).sum(dim=-1).mean(dim=-1))
        hidden_BSD, _, _ = layer.read_segment(hidden_BSD, tables, None)
    return torch.stack(shares)
