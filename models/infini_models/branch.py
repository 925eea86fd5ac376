"""A memory with projections of its own, whose output is added to that of local attention.

    features  phi(x) = softmax(Wx, -Wx), scaled to unit length      (Hedgehog, Zhang et al. 2024)
    rate      max(0, (1 + f) sigmoid(w x + b) - f), f = 0.05, a KV head: zero for w x + b < -3
    write     the delta rule token by token at that rate, see `delta.py`
    read      A_mem = phi(q) M, before the segment is written
    mix       attention + W_o (gain * A_mem)

It differs from the paper's memory in four ways, each for a reason. The base's own queries and
keys serve local attention, and a memory without position cannot tell them apart: here they are
copies that may move away. ELU + 1 makes all keys alike; softmax makes them sparse. A rate lets what
is not worth keeping go by unwritten: with a rate of exactly zero a million tokens of it leave the
memory as it was, where a thousandth would have worn it away. And what is read is added, not mixed:
where nothing was written, or with a gain of zero, the layer is the base's to the last bit.

Shape suffixes: B batch rows, S tokens, D model width, H query heads, N KV heads, G query heads that
share a KV head, K head width, F rows of a feature map, P features (2F), V width of values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from infini_models.config import BranchConfig, DecoderConfig
from infini_models.delta import delta_write
from infini_models.memory import LayerMemory

RATE_FLOOR = 0.05
"""f above."""


class MemoryBranch(nn.Module):
    """The memory of one layer and all that is trained of it.

    Args:
        config: the decoder's shape.
        branch_config: the memory's.
        dtype: of the projections; feature maps, rate and gain are float32.
    """

    def __init__(
        self, config: DecoderConfig, branch_config: BranchConfig, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.config, self.branch_config = config, branch_config
        heads, shared, width = config.num_heads, config.num_key_value_heads, config.head_dim

        def projection(inputs: int, outputs: int, bias: bool) -> nn.Linear:
            return nn.Linear(inputs, outputs, bias, dtype=dtype)

        bias = config.attention_bias
        self.q_proj = projection(config.hidden_size, heads * width, bias)
        self.k_proj = projection(config.hidden_size, shared * width, bias)
        self.v_proj = projection(config.hidden_size, shared * width, bias)
        self.o_proj = projection(heads * width, config.hidden_size, False)
        rows = branch_config.num_features
        self.query_map = nn.Parameter(torch.empty(heads, rows, width))
        self.key_map = nn.Parameter(torch.empty(shared, rows, width))
        self.rate = nn.Linear(config.hidden_size, shared)
        self.gain = nn.Parameter(torch.empty(heads))
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Start maps as the identity (repeated or cut), the rate as its bias, the gain small."""
        for feature_map in (self.query_map, self.key_map):
            rows, width = feature_map.shape[1:]
            feature_map.copy_(torch.eye(width).repeat(-(-rows // width), 1)[:rows])
        self.rate.weight.zero_()
        self.rate.bias.fill_(self.branch_config.rate_init)
        self.gain.fill_(self.branch_config.gain_init)

    @property
    def is_closed(self) -> bool:
        """Whether nothing that is read counts."""
        return not bool(self.gain.any())

    def empty_memory(self, batch: int) -> LayerMemory:
        """Give the memory before anything was read: zeros."""
        num_heads, num_features = (
            self.config.num_key_value_heads,
            2 * self.branch_config.num_features,
        )
        memory_BNPV = torch.zeros(batch, num_heads, num_features, self.config.head_dim)
        return LayerMemory(memory_BNPV, torch.zeros(batch, num_heads, 1))

    def read(self, x_BSD: Tensor, memory: LayerMemory) -> Tensor:
        """Give what is added to the output of local attention, [B, S, D] in the dtype of x."""
        query_BHSK = self._heads(self.q_proj, x_BSD)
        features_BHSP = _features(query_BHSK, self.query_map)
        batch, num_tokens = x_BSD.shape[:2]
        grouped = (batch, self.config.num_key_value_heads, -1, features_BHSP.shape[-1])
        # The queries of a group are rows of one product with their KV head's memory.
        retrieved_BNRV = features_BHSP.reshape(grouped) @ memory.memory_BNKV
        retrieved_BHSV = retrieved_BNRV.view(batch, -1, num_tokens, self.config.head_dim)
        scaled_BHSV = retrieved_BHSV * self.gain[:, None, None]
        merged_BSD = scaled_BHSV.to(x_BSD.dtype).transpose(1, 2).flatten(2)
        return _project(self.o_proj, merged_BSD)

    def write(self, x_BSD: Tensor, memory: LayerMemory) -> LayerMemory:
        """Give the memory after a segment; the old one is left as it is."""
        rate_BNS = write_rate(self.rate(x_BSD.float())).transpose(1, 2)
        # A rate of zero changes nothing, and no gradient passes it: such tokens are left out.
        written_S = rate_BNS.detach().amax(dim=(0, 1)) > 0
        if not bool(written_S.any()):
            return memory
        if not bool(written_S.all()):
            x_BSD, rate_BNS = x_BSD[:, written_S], rate_BNS[:, :, written_S]
        key_BNSK = self._heads(self.k_proj, x_BSD)
        value_BNSV = self._heads(self.v_proj, x_BSD).float()
        features_BNSP = _features(key_BNSK, self.key_map)
        written_BNPV = delta_write(memory.memory_BNKV, features_BNSP, value_BNSV, rate_BNS)
        # In the place of a normaliser, which the delta rule does not need: how much was written.
        return LayerMemory(written_BNPV, memory.normalizer_BNK + rate_BNS.sum(-1, keepdim=True))

    def _heads(self, projection: nn.Linear, x_BSD: Tensor) -> Tensor:
        y_BSE = _project(projection, x_BSD)
        return y_BSE.view(*x_BSD.shape[:2], -1, self.config.head_dim).transpose(1, 2)


def write_rate(score: Tensor) -> Tensor:
    """Give the rate for a score w x + b, 0 to 1."""
    return ((1.0 + RATE_FLOOR) * score.sigmoid() - RATE_FLOOR).clamp_min(0.0)


def _project(projection: nn.Linear, x: Tensor) -> Tensor:
    # In the dtype of what comes in: weights that are trained are float32, the base is not.
    bias = projection.bias.to(x.dtype) if projection.bias is not None else None
    return functional.linear(x, projection.weight.to(x.dtype), bias)


def _features(x_BHSK: Tensor, map_HFK: Tensor) -> Tensor:
    mapped_BHSF = x_BHSK.float() @ map_HFK.transpose(-1, -2)
    features_BHSP = torch.cat((mapped_BHSF, -mapped_BHSF), dim=-1).softmax(dim=-1)
    return functional.normalize(features_BHSP, dim=-1)
