"""One layer of the decoder: attention and feed-forward, each on what is normalised before it.

Shape suffixes: B batch rows, S tokens, D model width, F feed-forward width, R rows of a product,
X a few of them; K as in `attention.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from infini_models.address import Address
from infini_models.attention import InfiniAttention, LinearFactory
from infini_models.branch import MemoryBranch
from infini_models.cache import LayerCache
from infini_models.config import BranchConfig, DecoderConfig, MemoryConfig
from infini_models.linear import ROWS_AT_ONCE
from infini_models.memory import LayerMemory


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, config: DecoderConfig, linear: LinearFactory) -> None:
        super().__init__()
        self.gate_proj = linear(config.hidden_size, config.intermediate_size, False)
        self.up_proj = linear(config.hidden_size, config.intermediate_size, False)
        self.down_proj = linear(config.intermediate_size, config.hidden_size, False)

    def forward(self, x_BSD: Tensor) -> Tensor:
        """Transform each token by itself."""
        if torch.is_grad_enabled():
            gated_BSF = functional.silu(self.gate_proj(x_BSD)) * self.up_proj(x_BSD)
            y_BSD: Tensor = self.down_proj(gated_BSF)
            return y_BSD
        # A few rows at a time and in place: fresh pages for tensors of this size cost more than
        # the arithmetic.
        x_RD = x_BSD.reshape(-1, x_BSD.shape[-1])
        slices = x_RD.chunk(-(-len(x_RD) // ROWS_AT_ONCE))
        y_RD = torch.cat([self._few(x_XD) for x_XD in slices])
        return y_RD.view_as(x_BSD)

    def _few(self, x_RD: Tensor) -> Tensor:
        gated_RF = functional.silu(self.gate_proj(x_RD), inplace=True).mul_(self.up_proj(x_RD))
        y_RD: Tensor = self.down_proj(gated_RF)
        return y_RD


class Layer(nn.Module):
    """Attention and feed-forward, each normalised before and added to the residual stream."""

    def __init__(
        self,
        config: DecoderConfig,
        memory_config: MemoryConfig | BranchConfig,
        linear: LinearFactory,
        dtype: torch.dtype,
        branch: MemoryBranch | None = None,
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = InfiniAttention(config, memory_config, linear, branch)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = FeedForward(config, linear)

    def attention_input(self, residual_BSD: Tensor) -> Tensor:
        """Give what attention sees of the residual stream, rounded once for all projections."""
        normed_BSD: Tensor = self.input_layernorm(residual_BSD)
        return normed_BSD.to(self.dtype)

    def address(self, residual_BSD: Tensor) -> Address:
        """Give what a memory above this layer is addressed by."""
        return self.self_attn.address(self.attention_input(residual_BSD))

    def add_feed_forward(self, residual_BSD: Tensor) -> Tensor:
        """Give the residual stream after the feed-forward block."""
        normed_BSD = self.post_attention_layernorm(residual_BSD).to(self.dtype)
        added_BSD: Tensor = self.mlp(normed_BSD)
        return residual_BSD + added_BSD

    def read_segment(
        self,
        residual_BSD: Tensor,
        rotary: tuple[Tensor, Tensor],
        memory: LayerMemory | None,
        *,
        address: Address | None = None,
        num_prefix: int = 0,
        write: bool = True,
        keep_local: bool = False,
    ) -> tuple[Tensor, LayerMemory | None, LayerCache | None]:
        """Run one segment through the layer: see `InfiniAttention.read_segment`.

        Returns:
            The residual stream [B, S, D], the memory after the segment, and what the segment leaves
            to the text after it where that was asked for.
        """
        result = self.self_attn.read_segment(
            self.attention_input(residual_BSD),
            rotary,
            memory,
            address=address,
            num_prefix=num_prefix,
            write=write,
            keep_local=keep_local,
        )
        after_BSD = self.add_feed_forward(residual_BSD + result.output_BSD)
        return after_BSD, result.memory, result.local
