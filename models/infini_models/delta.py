"""The delta rule token by token, computed a chunk at a time (Schlag et al. 2021, Yang et al. 2024).

    M_t = M_{t-1} + b_t k_t^T (v_t - k_t M_{t-1})

with keys of unit length and rates b between 0 and 1. With b = 1 the memory afterwards gives
exactly v for k, whatever it gave before: what is told twice is held once, and no normaliser is
needed that grows with every token. (Equation 9 of the Infini-attention paper corrects all tokens
of a segment against the memory before the segment, so that what repeats inside it is added again
and again.)

Inside a chunk the corrections u_t = b_t (v_t - k_t M_{t-1}) depend on each other. With M the memory
before the chunk they solve a triangular system,

    (I + tril(diag(b) K K^T, -1)) U = diag(b) (V - K M)

and M + K^T U is the memory after it; of the first t tokens alone, after these.

Shape suffixes: B batch rows, N KV heads, S tokens, C tokens of a chunk, K key features, V width of
values.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK_LENGTH = 64


def delta_write(
    memory_BNKV: Tensor,
    key_BNSK: Tensor,
    value_BNSV: Tensor,
    rate_BNS: Tensor,
    chunk_length: int = CHUNK_LENGTH,
) -> tuple[Tensor, Tensor]:
    """Write tokens in order; gradients flow to everything.

    Args:
        memory_BNKV: M before, float32; left as it is.
        key_BNSK: keys of unit length, float32.
        value_BNSV: values, float32.
        rate_BNS: how far each token's association is corrected, 0 to 1, float32.
        chunk_length: tokens of a chunk; changes nothing but speed and rounding.

    Returns:
        M after the last token, [B, N, K, V], and u of every token, [B, N, S, V].
    """
    corrections = [value_BNSV[:, :, :0]]
    for start in range(0, key_BNSK.shape[2], chunk_length):
        tokens = slice(start, start + chunk_length)
        memory_BNKV, correction_BNCV = _write_chunk(
            memory_BNKV,
            key_BNSK[:, :, tokens],
            value_BNSV[:, :, tokens],
            rate_BNS[:, :, tokens].unsqueeze(-1),
        )
        corrections.append(correction_BNCV)
    return memory_BNKV, torch.cat(corrections, dim=2)


def _write_chunk(
    memory_BNKV: Tensor, key_BNCK: Tensor, value_BNCV: Tensor, rate_BNC1: Tensor
) -> tuple[Tensor, Tensor]:
    overlap_BNCC = (rate_BNC1 * (key_BNCK @ key_BNCK.transpose(-1, -2))).tril(-1)
    wanted_BNCV = rate_BNC1 * (value_BNCV - key_BNCK @ memory_BNKV)
    # The ones on the diagonal are implied.
    correction_BNCV: Tensor = torch.linalg.solve_triangular(
        overlap_BNCC, wanted_BNCV, upper=False, unitriangular=True
    )
    return memory_BNKV + key_BNCK.transpose(-1, -2) @ correction_BNCV, correction_BNCV
