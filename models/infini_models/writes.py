"""What a segment writes, kept token by token, so that its own later tokens can retrieve it.

In the paper a segment retrieves only from those before it: what is in sight is left to local
attention. But a base need not find in its window what it is asked for, and the memory then answers
with what it held before. The delta rule is a recurrence, so that what each token finds,

    phi(q_t) M_{t-1} = phi(q_t) M + sum_{s<t} phi(q_t) phi(k_s)^T u_s

with u the corrections of `delta.py`, is one masked product more, and where a text was cut into
segments makes no difference to it.

Shape suffixes: B batch rows, S tokens, H query heads, N KV heads, R rows of a KV head's product
(query heads that share it times tokens), W tokens that are written, P features, V width of values.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SegmentWrites:
    """The tokens of a segment that are written to the memory of one layer.

    Attributes:
        features_BNWP: phi(k), float32.
        correction_BNWV: u, float32.
        place_W: in the segment, rising.
    """

    features_BNWP: Tensor
    correction_BNWV: Tensor
    place_W: Tensor

    def retrieve(self, features_BHSP: Tensor) -> Tensor:
        """Give what each token of the segment finds of what those before it wrote.

        Args:
            features_BHSP: phi(q) of all its tokens.

        Returns:
            float32 [B, H, S, V].
        """
        meets_BHSW = retrieve(features_BHSP, self.features_BNWP.transpose(-1, -2))
        is_before_SW = self.place_W < torch.arange(meets_BHSW.shape[2])[:, None]
        return retrieve(meets_BHSW * is_before_SW, self.correction_BNWV)


def retrieve(features_BHSP: Tensor, memory_BNPV: Tensor) -> Tensor:
    """Give phi(q) M: the queries of a group are rows of one product with their KV head's memory."""
    batch, heads, num_tokens, num_features = features_BHSP.shape
    grouped_BNRP = features_BHSP.reshape(batch, memory_BNPV.shape[1], -1, num_features)
    return (grouped_BNRP @ memory_BNPV).view(batch, heads, num_tokens, -1)
