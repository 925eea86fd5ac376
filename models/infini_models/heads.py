"""What the attention of a base copies: which heads look at it, and which layers' values tell it.

Heads that copy what stands earlier in the window are few (Wu et al. 2024 call them retrieval
heads), and a memory beside them learns to copy from far away sooner than one beside others. A layer
whose values, put through its own output projection, say the token itself (Elhage et al. 2021 read a
head's output and value projections so) needs no learning of what to say, only of what to look up.

Shape suffixes: B batch rows (one), S tokens, R tokens that look, T tokens that tell, L layers, D
model width, H query heads, N KV heads, K head width.
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
    seen = decoder.attention_inputs(ids_BS, range(decoder.config.num_layers))
    shares: list[Tensor] = []
    layers: list[Any] = list(decoder.layers)
    for index, layer in enumerate(layers):
        query_BHSK, key_BNSK, _ = layer.self_attn.project(seen[index])
        query_HRK = rotate(query_BHSK, *tables)[0, :, rows].float()
        key_HSK = rotate(key_BNSK, *tables)[0].float().repeat_interleave(groups, dim=0)
        scores_HRS = (scale * query_HRK @ key_HSK.mT).masked_fill(unseen_RS, float("-inf"))
        shares.append((scores_HRS.softmax(dim=-1) * sought_RS).sum(dim=-1).mean(dim=-1))
    return torch.stack(shares)


@torch.inference_mode()
def value_outputs(decoder: Decoder, ids_S: Sequence[int], places: Sequence[int]) -> Tensor:
    """Give what each layer's attention would add if it looked at one token alone, the memory off.

    Args:
        decoder: whose layers.
        ids_S: a text that fits into its window.
        places: of the tokens that are looked at, one at a time.

    Returns:
        float32 [L, T, D].
    """
    seen = decoder.attention_inputs(torch.tensor([list(ids_S)]), range(decoder.config.num_layers))
    outputs: list[Tensor] = []
    layers: list[Any] = list(decoder.layers)
    for index, layer in enumerate(layers):
        _, _, value_BNTK = layer.self_attn.project(seen[index][:, list(places)])
        value_BHTK = value_BNTK.repeat_interleave(decoder.config.num_groups, dim=1)
        outputs.append(layer.self_attn.o_proj(value_BHTK.transpose(1, 2).flatten(2))[0].float())
    return torch.stack(outputs)
