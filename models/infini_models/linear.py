"""Linear layers in the forms that machines multiply fast.

`Linear` keeps its weight as float32 or bfloat16 and multiplies in that dtype: bfloat16 where
the processor has instructions for it. `Int8Linear` keeps one signed byte a weight and one
scale an output row. It multiplies few rows (writing) straight from the bytes, which is what
bounds it, and many rows (reading) in float32 after widening the bytes into a scratch buffer
that all layers share.

Shape suffixes: O output features, I input features, R rows (all leading dimensions).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MAX_ROWS_FROM_BYTES = 32
"""Above this many rows, widening the weight once is faster than multiplying from bytes."""


class Linear(nn.Module):
    """A projection whose weight and products are float32 or bfloat16."""

    def __init__(self, in_features: int, out_features: int, bias: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, dtype=dtype)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Project the last dimension; the result has the weight's dtype."""
        return functional.linear(x.to(self.weight.dtype), self.weight, self.bias)


class Int8Linear(nn.Module):
    """A frozen projection with bytes for weights: weight_OI = bytes_OI * scale_O."""

    weight: Tensor
    weight_scale: Tensor
    bias: Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: bool, scratch: Scratch) -> None:
        super().__init__()
        self.scratch = scratch
        self.register_buffer("weight", torch.empty(out_features, in_features, dtype=torch.int8))
        self.register_buffer("weight_scale", torch.empty(out_features))
        self.register_buffer("bias", torch.empty(out_features) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        """Project the last dimension of a float32 tensor; the result is float32."""
        x_RI = x.reshape(-1, x.shape[-1])
        if x_RI.shape[0] <= MAX_ROWS_FROM_BYTES:
            # Scales of one, the real ones applied in float32 after: the kernel takes
            # bfloat16 scales, whose rounding would shift whole output rows.
            ones_O = self.scratch.ones(self.weight.shape[0])
            y_RO = torch._weight_int8pack_mm(x_RI.to(torch.bfloat16), self.weight, ones_O).float()
        else:
            y_RO = functional.linear(x_RI, self.scratch.widen(self.weight))
        y_RO.mul_(self.weight_scale)
        if self.bias is not None:
            y_RO.add_(self.bias)
        return y_RO.view(*x.shape[:-1], -1)


class Scratch:
    """Buffers that every `Int8Linear` of a model shares, one layer at a time."""

    def __init__(self) -> None:
        self._wide = torch.empty(0)
        self._ones = torch.empty(0, dtype=torch.bfloat16)

    def widen(self, weight_OI: Tensor) -> Tensor:
        """Copy bytes into a float32 buffer; valid until the next call."""
        if self._wide.numel() < weight_OI.numel():
            self._wide = torch.empty(weight_OI.numel())
        return self._wide[: weight_OI.numel()].view_as(weight_OI).copy_(weight_OI)

    def ones(self, length: int) -> Tensor:
        """Give bfloat16 ones."""
        if self._ones.numel() < length:
            self._ones = torch.ones(length, dtype=torch.bfloat16)
        return self._ones[:length]


def quantize_rows(weight_OI: Tensor) -> tuple[Tensor, Tensor]:
    """Round each output row to signed bytes with its own scale, symmetric around zero.

    Returns:
        int8 [out, in] and float32 scales [out], such that bytes * scale is nearest.
    """
    wide_OI = weight_OI.float()
    scale_O = wide_OI.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / 127.0
    bytes_OI = (wide_OI / scale_O[:, None]).round_().clamp_(-127, 127).to(torch.int8)
    return bytes_OI, scale_O
