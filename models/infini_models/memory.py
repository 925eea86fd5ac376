"""The compressive memory of Infini-attention (Munkhdalai et al. 2024), its three equations.

Shape suffixes: B batch rows, N KV heads, G query heads that share a KV head, S tokens of a
segment, K width of keys and queries (also of their features), V width of values.

    read    A_mem = phi(Q) M / (phi(Q) z)                                     equation 7
    linear  M <- M + phi(K)^T V                       z <- z + sum phi(K)     equation 8
    delta   M <- M + phi(K)^T (V - phi(K) M / (phi(K) z))   z as above        equation 9

with phi = ELU + 1. M and z are float32 whatever the model computes in: keys of this family
reach 17, so that their products overflow half precision. Queries and keys come without
position: the memory does not know where in the book it was told a thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from infini_models.config import MemoryConfig


@dataclass(frozen=True, slots=True)
class LayerMemory:
    """The memory of one layer.

    Attributes:
        memory_BNKV: M, float32 [batch, KV heads, key width, value width].
        normalizer_BNK: z, float32 [batch, KV heads, key width].
    """

    memory_BNKV: Tensor
    normalizer_BNK: Tensor

    @classmethod
    def empty(
        cls, batch: int, num_heads: int, head_dim: int, device: torch.device | None = None
    ) -> LayerMemory:
        """Give the memory before anything was read: zeros."""
        return cls(
            torch.zeros(batch, num_heads, head_dim, head_dim, device=device),
            torch.zeros(batch, num_heads, head_dim, device=device),
        )

    @property
    def filled_B(self) -> Tensor:
        """Which rows have been written to, bool [batch]: phi is positive, so z is too."""
        return self.normalizer_BNK.flatten(1).sum(dim=1) > 0

    def row(self, index: int) -> LayerMemory:
        """Give that of one batch row, batch of 1."""
        rows = slice(index, index + 1)
        return LayerMemory(self.memory_BNKV[rows], self.normalizer_BNK[rows])


Memory = tuple[LayerMemory, ...]
"""The memory of every layer, first to last."""


def stack_memories(memories: Sequence[Memory]) -> Memory:
    """Put memories side by side as batch rows."""
    return tuple(
        LayerMemory(
            torch.cat([layer.memory_BNKV for layer in layers]),
            torch.cat([layer.normalizer_BNK for layer in layers]),
        )
        for layers in zip(*memories, strict=True)
    )


def feature_map(x: Tensor) -> Tensor:
    """Give phi(x) = ELU(x) + 1 in float32: positive features of the same width."""
    return functional.elu(x.float()) + 1.0


def read(layer: LayerMemory, query_BNGSK: Tensor, eps: float) -> Tensor:
    """Retrieve values for queries (equation 7).

    Args:
        layer: memory as it was before the segment.
        query_BNGSK: queries without position, any float dtype.
        eps: lower bound of the normaliser; an empty memory reads as zeros.

    Returns:
        float32 [batch, KV heads, group, tokens, value width].
    """
    features_BNGSK = feature_map(query_BNGSK)
    return _retrieve(layer, features_BNGSK, eps)


def write(
    layer: LayerMemory, key_BNSK: Tensor, value_BNSV: Tensor, config: MemoryConfig
) -> LayerMemory:
    """Give the memory after a segment (equation 8 or 9); the old one is left as it is.

    Args:
        layer: memory before the segment.
        key_BNSK: keys without position.
        value_BNSV: values.
        config: which update.
    """
    features_BNSK = feature_map(key_BNSK)
    target_BNSV = value_BNSV.float()
    if config.update == "delta":
        known_BNSV = _retrieve(layer, features_BNSK.unsqueeze(2), config.eps).squeeze(2)
        target_BNSV = target_BNSV - known_BNSV
    return LayerMemory(
        layer.memory_BNKV + features_BNSK.transpose(-1, -2) @ target_BNSV,
        layer.normalizer_BNK + features_BNSK.sum(dim=2),
    )


def mix(gate_NG: Tensor, retrieved_BNGSV: Tensor, local_BNGSV: Tensor, filled_B: Tensor) -> Tensor:
    """Mix what the memory and the local attention give (equation 10).

    Args:
        gate_NG: beta, one a query head.
        retrieved_BNGSV: A_mem, float32.
        local_BNGSV: A_dot.
        filled_B: rows whose memory holds something. In the others nothing is mixed: the paper
            leaves open what 0 / 0 reads as, and a plain mix would shrink local attention.

    Returns:
        the mixture in the dtype of `local_BNGSV`.
    """
    open_BNG11 = torch.sigmoid(gate_NG.float())[None, :, :, None, None]
    open_BNG11 = open_BNG11 * filled_B[:, None, None, None, None]
    mixed_BNGSV = open_BNG11 * retrieved_BNGSV + (1.0 - open_BNG11) * local_BNGSV.float()
    return mixed_BNGSV.to(local_BNGSV.dtype)


def _retrieve(layer: LayerMemory, features_BNGSK: Tensor, eps: float) -> Tensor:
    numerator_BNGSV = features_BNGSK @ layer.memory_BNKV.unsqueeze(2)
    denominator_BNGS1 = features_BNGSK @ layer.normalizer_BNK[:, :, None, :, None]
    return numerator_BNGSV / denominator_BNGS1.clamp_min(eps)
