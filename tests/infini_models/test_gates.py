"""Rates that close, and what still moves them."""

from __future__ import annotations

import pytest
import torch
from infini_models.memory import LayerMemory
from torch import Tensor

from tests.infini_models.branched import branched
from tests.infini_models.build import TINY


def test_what_is_not_worth_keeping_leaves_the_memory_as_it_was() -> None:
    attention = branched().layers[0].self_attn
    branch = attention.memory_branch
    x_BSD = torch.randn(1, 20, TINY.hidden_size, generator=torch.Generator().manual_seed(2))

    def write(x_BSD: Tensor, memory: LayerMemory) -> LayerMemory:
        value, address = attention.project(x_BSD)[2], attention.address(x_BSD)
        after: LayerMemory = branch.write(x_BSD, address, value, memory)[0]
        return after

    with torch.no_grad():
        memory = write(x_BSD, branch.empty_memory(1))
        assert 0 < float(memory.normalizer_BNK.mean()) < 20
        branch.rate.weight.zero_()
        branch.rate.bias.fill_(-3.0)
        after = write(x_BSD.flip(1), memory)
        assert torch.equal(after.memory_BNKV, memory.memory_BNKV)
        assert torch.equal(after.normalizer_BNK, memory.normalizer_BNK)
        branch.rate.bias.fill_(30.0)
        full = write(x_BSD, branch.empty_memory(1))
        torch.testing.assert_close(full.normalizer_BNK, torch.full((1, 2, 1), 20.0))


@pytest.mark.parametrize(("bias", "is_pushed"), [(-1.0, True), (-2.5, True), (-5.0, False)])
def test_training_pushes_down_what_is_hardly_unwritten(bias: float, is_pushed: bool) -> None:
    attention = branched().layers[0].self_attn
    branch = attention.memory_branch
    x_BSD = torch.randn(1, 20, TINY.hidden_size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        branch.rate.weight.zero_()
        branch.rate.bias.fill_(bias)
        value, address = attention.project(x_BSD)[2], attention.address(x_BSD)
        known, _ = branch.write(x_BSD, address, value, branch.empty_memory(1))
    written, _ = branch.write(x_BSD, address, value, branch.empty_memory(1))
    assert torch.equal(written.memory_BNKV, known.memory_BNKV)
    assert torch.equal(written.normalizer_BNK, known.normalizer_BNK)
    (pushed,) = torch.autograd.grad(written.normalizer_BNK.sum(), branch.rate.bias)
    assert bool((pushed > 0).all()) is is_pushed
