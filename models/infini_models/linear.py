"""Linear layers in the forms that machines multiply fast.

`Linear` keeps its weight as float32 or bfloat16 and multiplies in that dtype: bfloat16 where
the processor has instructions for it. `Int8Linear` keeps one signed byte a weight and one
scale an output row, packed for the processor's byte products.

Shape suffixes: O output features, I input features, R rows (all leading dimensions).
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 63
"""Activations are rounded to -63..63: sums of two products with a byte weight then fit the 16
bits in which processors without newer instructions add them, which saturate silently."""

REMAINDER = 2 * LEVELS
"""The first rounding leaves at most half a level; this widens it to -63..63 again."""

PACKED_FOR_ROWS = 512
"""Rows for which oneDNN chooses a packed weight's blocks. These are the fastest from one row on."""

ROWS_TOGETHER = 4
"""Fewer rows, and in float32 what is left of more, are multiplied by other kernels, in another
order. Padded with zeros, a row's result is the same to the last bit however many stand beside it
(seen on AMD's and Intel's processors with AVX-512, with one thread and with two)."""

LEAST_ROWS = 16
"""In float32, for the same reason: on Intel's processors fewer are multiplied otherwise."""

ROWS_AT_ONCE = 512
"""Bounds what lies between products; larger blocks multiply no faster."""


class Linear(nn.Module):
    """A projection whose weight and products are float32 or bfloat16."""

    weight: nn.Parameter | None

    def __init__(self, in_features: int, out_features: int, bias: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.dtype = dtype
        self.weight = nn.Parameter(torch.empty(out_features, in_features, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, dtype=dtype)) if bias else None
        self.packed: Tensor | None = None
        self.num_packed_bytes = 0

    def pack(self) -> None:
        """Lay a bfloat16 weight out in the blocks of oneDNN's product, and let go of the plain one.

        oneDNN otherwise does so at every call. A packed projection has no gradient and no state.
        """
        if self.weight is None or self.dtype != torch.bfloat16 or not can_pack():
            return
        self.num_packed_bytes = self.weight.numel() * self.weight.element_size()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach(), PACKED_FOR_ROWS)
        self.weight = None

    def forward(self, x: Tensor) -> Tensor:
        """Project the last dimension; the result has the weight's dtype."""
        x = x.to(self.dtype)
        if self.weight is not None:
            return multiply(x, self.weight, self.bias)
        x_RI, num_rows = _enough_rows(x)
        y_RO: Tensor = torch.ops.mkldnn._linear_pointwise(
            x_RI, self.packed, self.bias, "none", [], ""
        )
        return y_RO[:num_rows].view(*x.shape[:-1], y_RO.shape[-1])


class Int8Linear(nn.Module):
    """A frozen projection with bytes for weights: weight_OI = bytes_OI * scale_O.

    Activations become bytes twice: rounded, then what the rounding left, rounded again. The
    two products with the same weight bytes are exact integers, so the result is that of
    14-bit activations (relative error about 1e-4) at the speed of bytes, and a row's result
    does not depend on the rows beside it. One rounding alone cost a tenth in perplexity.
    """

    weight: Tensor | None
    weight_scale: Tensor | None
    bias: Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: bool) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.register_buffer("weight", torch.empty(out_features, in_features, dtype=torch.int8))
        self.register_buffer("weight_scale", torch.empty(out_features))
        self.register_buffer("bias", torch.empty(out_features) if bias else None)
        self.packed: Any = None
        self.num_packed_bytes = 0

    def pack(self) -> None:
        """Turn the loaded bytes into the layout of the product and let go of them."""
        assert self.weight is not None
        assert self.weight_scale is not None
        self.num_packed_bytes = self.weight.numel()
        zeros_O = torch.zeros(self.out_features, dtype=torch.int64)
        with warnings.catch_warnings():
            # Tensors of quantized types are deprecated in favour of operators that run on this
            # form at a tenth of the speed; the tensor lives only until it is packed.
            warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
            quantized = torch._make_per_channel_quantized_tensor(
                self.weight, self.weight_scale.double(), zeros_O, 0
            )
        engine = torch.backends.quantized.engine
        torch.backends.quantized.engine = "fbgemm"
        try:
            self.packed = torch.ops.quantized.linear_prepack(quantized, None)
        finally:
            torch.backends.quantized.engine = engine
        self.weight = self.weight_scale = None

    def forward(self, x: Tensor) -> Tensor:
        """Project the last dimension of a float32 tensor; the result is float32."""
        x_RI = x.reshape(-1, x.shape[-1])
        y_RO = torch.empty(x_RI.shape[0], self.out_features)
        for start in range(0, x_RI.shape[0], ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            self._multiply(x_RI[rows], y_RO[rows])
        if self.bias is not None:
            y_RO.add_(self.bias)
        return y_RO.view(*x.shape[:-1], self.out_features)

    def _multiply(self, x_RI: Tensor, out_RO: Tensor) -> None:
        num_rows = x_RI.shape[0]
        tiny = torch.finfo(torch.float32).tiny
        scale_R1 = x_RI.abs().amax(dim=-1, keepdim=True).clamp_min_(tiny * LEVELS) / LEVELS
        levels_RI = x_RI / scale_R1
        both_RI = torch.empty(2 * num_rows, x_RI.shape[1])
        torch.round(levels_RI, out=both_RI[:num_rows])
        torch.sub(levels_RI, both_RI[:num_rows], out=both_RI[num_rows:])
        both_RI[num_rows:].mul_(REMAINDER).round_()
        # Both halves in one product: with few rows it is bound by reading the weight once.
        both_RO = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            both_RI, 1.0, LEVELS, self.packed
        )
        torch.add(both_RO[:num_rows], both_RO[num_rows:], alpha=1 / REMAINDER, out=out_RO)
        out_RO.mul_(scale_R1)


def multiply(x: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Project the last dimension; no row's result depends on how many there are.

    Args:
        x: of the weight's dtype.
        weight_OI: what to multiply with.
        bias_O: added, if any.
    """
    x_RI, num_rows = _enough_rows(x)
    y_RO = functional.linear(x_RI, weight_OI, bias_O)
    return y_RO[:num_rows].view(*x.shape[:-1], y_RO.shape[-1])


def _enough_rows(x: Tensor) -> tuple[Tensor, int]:
    """Lay all leading dimensions out as rows, with rows of zeros where others would be torn."""
    x_RI = x.reshape(-1, x.shape[-1])
    num_rows = x_RI.shape[0]
    if x.dtype == torch.float32:
        missing = max(LEAST_ROWS - num_rows, -num_rows % ROWS_TOGETHER)
    else:
        missing = max(0, ROWS_TOGETHER - num_rows)
    if missing:
        x_RI = functional.pad(x_RI, (0, 0, 0, missing))
    return x_RI, num_rows


def can_pack() -> bool:
    """Tell whether torch has oneDNN's packed products: not on every processor and system."""
    return torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def quantize_rows(weight_OI: Tensor) -> tuple[Tensor, Tensor]:
    """Round each output row to signed bytes with its own scale, symmetric around zero.

    Returns:
        int8 [out, in] and float32 scales [out], such that bytes * scale is nearest.
    """
    wide_OI = weight_OI.float()
    scale_O = wide_OI.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / 127.0
    bytes_OI = (wide_OI / scale_O[:, None]).round_().clamp_(-127, 127).to(torch.int8)
    return bytes_OI, scale_O
