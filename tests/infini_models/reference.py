"""The paper's equations as slow loops, one head and one token at a time.

Numbers are those of Munkhdalai et al. 2024. K and Q of the memory carry no position.
"""

from __future__ import annotations

import torch
from torch import Tensor


def sigma(x: Tensor) -> Tensor:
    """ELU + 1."""
    return torch.where(x > 0, x + 1, x.exp())


def retrieve(query: Tensor, memory: Tensor, normalizer: Tensor) -> Tensor:
    """Equation 7 for one query [K], M [K, V], z [K]; 0 from an empty memory."""
    denominator = sigma(query) @ normalizer
    return sigma(query) @ memory / denominator if denominator > 0 else torch.zeros(memory.shape[1])


def update(
    keys: Tensor, values: Tensor, memory: Tensor, normalizer: Tensor, rule: str
) -> tuple[Tensor, Tensor]:
    """Equations 8 and 9 for keys [S, K] and values [S, V] of one head."""
    after, normalizer_after = memory.clone(), normalizer.clone()
    for key, value in zip(keys, values, strict=True):
        known = retrieve(key, memory, normalizer) if rule == "delta" else 0
        after += torch.outer(sigma(key), value - known)
        normalizer_after += sigma(key)
    return after, normalizer_after


def local_attention(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Softmax attention of one query over the keys it may see."""
    scores = torch.stack([query @ key for key in keys]) / query.shape[-1] ** 0.5
    return scores.softmax(0) @ values


def turn(x: Tensor, position: int, frequencies: Tensor) -> Tensor:
    """Rotate pairs (i, i + K/2) by position times frequency."""
    half = x.shape[-1] // 2
    out = x.clone()
    for i in range(half):
        cosine, sine = (position * frequencies[i]).cos(), (position * frequencies[i]).sin()
        out[i] = x[i] * cosine - x[i + half] * sine
        out[i + half] = x[i + half] * cosine + x[i] * sine
    return out


def infini_attention(
    layer: torch.nn.Module, x_SD: Tensor, segment_length: int, frequencies: Tensor, rule: str
) -> Tensor:
    """Chunk a whole sequence inside one attention layer (section 2.1), batch of one."""
    config = layer.config
    num_tokens, head_dim = x_SD.shape[0], config.head_dim
    query = layer.q_proj(x_SD).view(num_tokens, -1, head_dim)
    key = layer.k_proj(x_SD).view(num_tokens, -1, head_dim)
    value = layer.v_proj(x_SD).view(num_tokens, -1, head_dim)
    output = torch.zeros_like(query)
    for head in range(config.num_heads):
        shared, group = divmod(head, config.num_groups)
        open_ = layer.memory_gate[shared, group].sigmoid()
        memory, normalizer = torch.zeros(head_dim, head_dim), torch.zeros(head_dim)
        for start in range(0, num_tokens, segment_length):
            stop = min(start + segment_length, num_tokens)
            places = range(start, stop)
            turned = [turn(key[t, shared], t - start, frequencies) for t in places]
            for t in places:
                seen = t - start + 1
                local = local_attention(
                    turn(query[t, head], t - start, frequencies),
                    turned[:seen],
                    value[start : t + 1, shared],
                )
                far = retrieve(query[t, head], memory, normalizer)
                # Equation 10; nothing is mixed while the memory is empty.
                output[t, head] = local if start == 0 else open_ * far + (1 - open_) * local
            memory, normalizer = update(
                key[start:stop, shared], value[start:stop, shared], memory, normalizer, rule
            )
    return layer.o_proj(output.flatten(1))


def decode(decoder: torch.nn.Module, ids_S: Tensor, segment_length: int, rule: str) -> Tensor:
    """Run the whole sequence through all layers, chunking inside each: hidden [S, D]."""
    hidden = decoder.embed_tokens(ids_S).float()
    for layer in decoder.layers:
        hidden = hidden + infini_attention(
            layer.self_attn,
            layer.input_layernorm(hidden),
            segment_length,
            decoder.frequencies,
            rule,
        )
        hidden = layer.add_feed_forward(hidden)
    return decoder.norm(hidden)
