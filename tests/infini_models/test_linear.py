"""Projections from bytes against exact ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from infini_models.linear import (
    ROWS_AT_ONCE,
    Int8Linear,
    Linear,
    can_pack,
    multiply,
    quantize_rows,
)


def pair(inputs: int, outputs: int, bias: bool) -> tuple[Int8Linear, Linear]:
    """Make a byte projection and the float32 one with exactly its weights."""
    torch.manual_seed(0)
    weight, scale = quantize_rows(torch.randn(outputs, inputs))
    exact = Linear(inputs, outputs, bias, torch.float32)
    packed = Int8Linear(inputs, outputs, bias)
    with torch.no_grad():
        exact.weight.copy_(weight.float() * scale[:, None])
        assert packed.weight is not None
        assert packed.weight_scale is not None
        packed.weight.copy_(weight)
        packed.weight_scale.copy_(scale)
        if exact.bias is not None and packed.bias is not None:
            exact.bias.normal_()
            packed.bias.copy_(exact.bias)
    packed.pack()
    return packed, exact


def test_it_is_as_good_as_fourteen_bit_activations() -> None:
    packed, exact = pair(96, 64, bias=True)
    x = torch.randn(3, 7, 96) * torch.logspace(-3, 3, 7)[None, :, None]
    with torch.no_grad():
        got, expected = packed(x), exact(x)
    assert got.shape == (3, 7, 64)
    bias = exact.bias
    scale = (expected - bias).abs().amax(dim=-1, keepdim=True)
    assert ((got - expected).abs() / scale).max() < 1e-3


def test_a_row_of_zeros_gives_the_bias() -> None:
    packed, exact = pair(16, 8, bias=True)
    with torch.no_grad():
        assert torch.equal(packed(torch.zeros(1, 16))[0], exact.bias)


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    packed, _ = pair(64, 32, bias=False)
    x = torch.randn(ROWS_AT_ONCE + 40, 64)
    x[5] *= 1000
    together = packed(x)
    for row in (0, 5, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 39):
        assert torch.equal(packed(x[row : row + 1]), together[row : row + 1])


@given(st.integers(0, 1000), st.floats(1e-6, 1e6))
@settings(max_examples=25, deadline=None)
def test_rounding_moves_a_weight_by_half_a_step_at_most(seed: int, size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(5, 11, generator=generator) * size
    weight[3] = 0
    rounded, scale = quantize_rows(weight)
    assert rounded.abs().max() <= 127
    error = (rounded.float() * scale[:, None] - weight).abs()
    assert (error <= scale[:, None] * 0.5001).all()


@pytest.mark.parametrize("num_rows", [1, 7, 40])
def test_a_packed_weight_multiplies_as_the_plain_one(num_rows: int) -> None:
    torch.manual_seed(3)
    plain, packed = (Linear(24, 40, True, torch.bfloat16) for _ in range(2))
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.normal_()
        packed.load_state_dict(plain.state_dict())
        packed.pack()
        assert packed.weight is None or not can_pack()
        x = torch.randn(2, num_rows, 24)
        found, expected = packed(x), plain(x)
    assert found.shape == expected.shape
    assert found.dtype == torch.bfloat16
    # One rounding of the result apart at most.
    torch.testing.assert_close(found, expected, rtol=2**-7, atol=2**-7)


def test_only_bfloat16_is_packed() -> None:
    linear = Linear(24, 40, False, torch.float32)
    linear.pack()
    assert linear.weight is not None


@pytest.mark.parametrize("num_threads", [1, 2])
def test_a_row_is_the_same_to_the_last_bit_however_many_stand_beside_it(num_threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    torch.manual_seed(0)
    x_RI, weight_OI, bias_O = torch.randn(40, 96), torch.randn(64, 96), torch.randn(64)
    whole_RO = multiply(x_RI, weight_OI, bias_O)
    for num_rows in range(41):
        some_RO = multiply(x_RI[:num_rows], weight_OI, bias_O)
        assert torch.equal(some_RO, whole_RO[:num_rows])
    assert multiply(x_RI.view(2, 4, 5, 96), weight_OI).shape == (2, 4, 5, 64)
    torch.set_num_threads(before)
