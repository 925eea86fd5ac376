"""Unrolled over segments: the same loss and the same gradients as without recomputation."""

from __future__ import annotations

import pytest
import torch
from infini_models.adapter import grow_branches
from infini_models.attention import NUM_SINKS
from infini_models.config import BranchConfig
from infini_models.decoder import Decoder
from infini_models.unroll import unrolled_loss
from torch import Tensor
from torch.nn import functional

from tests.infini_models.build import TINY, random_ids, tiny_decoder

LENGTHS = (7, 12, 5, 9)


def trainable() -> Decoder:
    decoder = tiny_decoder()
    grow_branches(decoder, BranchConfig(layers=(0, 1), num_features=6, gain_init=0.5))
    for name, parameter in decoder.named_parameters():
        parameter.requires_grad_(".memory_branch." in name)
    return decoder


def gradients(decoder: Decoder) -> dict[str, Tensor]:
    return {
        name: parameter.grad.clone()
        for name, parameter in decoder.named_parameters()
        if parameter.grad is not None
    }


def plain_loss(decoder: Decoder, ids_BS: Tensor, weights_BS: Tensor) -> Tensor:
    memory, total, start = decoder.empty_memory(ids_BS.shape[0]), torch.zeros(()), 0
    for length in LENGTHS:
        result = decoder.read_segment(ids_BS[:, start : start + length], memory)
        assert result.memory is not None
        memory = result.memory
        losses = functional.cross_entropy(
            decoder.logits(result.hidden_BSD).flatten(0, 1),
            ids_BS[:, start + 1 : start + 1 + length].flatten(),
            reduction="none",
        )
        total = total + (losses * weights_BS[:, start + 1 : start + 1 + length].flatten()).sum()
        start += length
    return total / weights_BS[:, 1:].sum()


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("answer_only", [False, True])
def test_loss_and_gradients_are_those_of_one_graph(answer_only: bool, recompute: bool) -> None:
    ids = random_ids(2, sum(LENGTHS) + 1)
    weights = torch.ones(ids.shape)
    if answer_only:
        weights[:, :-3] = 0
    decoder = trainable()
    plain_loss(decoder, ids, weights).backward()
    expected = gradients(decoder)
    value = float(plain_loss(decoder, ids, weights).detach())
    decoder.zero_grad()
    found = unrolled_loss(decoder, ids, weights, LENGTHS, recompute=recompute)
    found.loss.backward()
    assert float(found.loss.detach()) == pytest.approx(value, rel=1e-6)
    assert found.num_targets == (6 if answer_only else 2 * sum(LENGTHS))
    assert 0 <= found.num_right <= found.num_targets
    assert gradients(decoder).keys() == expected.keys()
    for name, gradient in gradients(decoder).items():
        torch.testing.assert_close(gradient, expected[name], msg=name)


def test_a_memory_is_carried_in_and_out() -> None:
    decoder = trainable()
    ids = random_ids(1, 41)
    weights = torch.ones(ids.shape)
    with torch.no_grad():
        first = unrolled_loss(decoder, ids[:, :21], weights[:, :21], (10, 10))
        second = unrolled_loss(decoder, ids[:, 20:], weights[:, 20:], (10, 10), first.memory)
        whole = unrolled_loss(decoder, ids, weights, (10, 10, 10, 10))
    assert float(whole.loss) == pytest.approx(float(first.loss + second.loss) / 2, rel=1e-6)
    for one, other in zip(second.memory, whole.memory, strict=True):
        torch.testing.assert_close(one.memory_BNKV, other.memory_BNKV)


def test_a_teacher_is_matched() -> None:
    decoder = trainable()
    ids, weights = random_ids(2, 34), torch.ones(2, 34)
    with torch.no_grad():
        teacher = decoder.read_segment(ids[:, :-1], None).hidden_BSD
    found = unrolled_loss(decoder, ids, weights, LENGTHS, teacher_BSD=teacher)
    memory, hidden, start = decoder.empty_memory(2), [], 0
    with torch.no_grad():
        for length in LENGTHS:
            result = decoder.read_segment(ids[:, start : start + length], memory)
            assert result.memory is not None
            memory, start = result.memory, start + length
            hidden.append(result.hidden_BSD)
        wanted = decoder.logits(teacher).softmax(-1)
        given = decoder.logits(torch.cat(hidden, dim=1)).softmax(-1)
        expected = (wanted * (wanted / given).log()).sum(-1).mean()
    assert float(found.loss.detach()) == pytest.approx(float(expected), rel=1e-4)
    found.loss.backward()
    assert gradients(decoder)
    # What the model itself says is matched already.
    with torch.no_grad():
        same = unrolled_loss(decoder, ids, weights, (33,), teacher_BSD=teacher)
    assert float(same.loss) == pytest.approx(0.0, abs=1e-5)


def test_how_much_is_written_is_told_and_can_be_learnt() -> None:
    decoder = trainable()
    branches = [layer.self_attn.memory_branch for layer in decoder.layers]
    rates = [branch.rate for branch in branches if branch is not None]
    ids, weights = random_ids(2, 34), torch.ones(2, 34)
    with torch.no_grad():
        before = unrolled_loss(decoder, ids, weights, LENGTHS)
        carried = unrolled_loss(decoder, ids, weights, LENGTHS, before.memory)
    # All rates are their biases at first, whatever the memory held.
    written = sum(max(0, length - NUM_SINKS) for length in LENGTHS) / sum(LENGTHS)
    assert 0 < written < 1
    expected = written * (1.15 * float(rates[0].bias[0].detach().sigmoid()) - 0.15)
    heads = torch.full((2, TINY.num_key_value_heads), expected)
    torch.testing.assert_close(before.written_LN, heads, atol=0, rtol=1e-5)
    torch.testing.assert_close(carried.written_LN, heads, atol=0, rtol=1e-5)
    # Each head by itself.
    with torch.no_grad():
        rates[1].bias[1] = 30.0
        one = unrolled_loss(decoder, ids, weights, LENGTHS).written_LN
        rates[1].bias.copy_(rates[0].bias)
    assert float(one[1, 1]) == pytest.approx(written, rel=1e-5)
    assert float(one[0, 1]) == pytest.approx(expected, rel=1e-5)
    unrolled_loss(decoder, ids, weights, LENGTHS).written_LN.sum().backward()
    assert all(bool((rate.bias.grad > 0).all()) for rate in rates)
    paper = tiny_decoder()
    with torch.no_grad():
        assert not unrolled_loss(paper, ids, weights, LENGTHS).written_LN.numel()


@pytest.mark.parametrize("recompute", [False, True])
def test_how_far_read_gates_open_is_told_and_can_be_learnt(recompute: bool) -> None:
    decoder = trainable()
    branches = [layer.self_attn.memory_branch for layer in decoder.layers]
    gates = [branch.read_gate for branch in branches if branch is not None]
    ids, weights = random_ids(2, 34), torch.ones(2, 34)
    found = unrolled_loss(decoder, ids, weights, LENGTHS, recompute=recompute)
    # All gates are their biases at first; in the first segment there is nothing to read.
    open_at_first = 1.15 * float(gates[0].bias[0].detach().sigmoid()) - 0.15
    expected = open_at_first * sum(LENGTHS[1:]) / sum(LENGTHS)
    heads = torch.full((2, TINY.num_heads), expected)
    torch.testing.assert_close(found.opened_LH.detach(), heads, atol=0, rtol=1e-5)
    found.opened_LH.sum().backward()
    assert all(bool((gate.bias.grad > 0).all()) for gate in gates if gate.bias.grad is not None)
    assert all(gate.bias.grad is not None for gate in gates)
    # One that is shut tells nothing, and is pushed further while it is only just shut.
    for score, is_pushed in ((-2.0, True), (-9.0, False)):
        decoder.zero_grad()
        with torch.no_grad():
            gates[1].bias[1] = score
        found = unrolled_loss(decoder, ids, weights, LENGTHS, recompute=recompute)
        assert float(found.opened_LH[1, 1].detach()) == 0.0
        found.opened_LH[1, 1].backward()
        grad = gates[1].bias.grad
        assert grad is not None
        assert bool(grad[1] > 0) is is_pushed
    with torch.no_grad():
        paper = unrolled_loss(tiny_decoder(), ids, weights, LENGTHS)
        assert not paper.opened_LH.numel()


def test_a_step_against_the_gradient_lowers_the_loss() -> None:
    decoder = trainable()
    ids, weights = random_ids(2, 34), torch.ones(2, 34)
    optimizer = torch.optim.SGD([p for p in decoder.parameters() if p.requires_grad], 0.01)
    before = unrolled_loss(decoder, ids, weights, LENGTHS).loss
    before.backward()
    optimizer.step()
    after = unrolled_loss(decoder, ids, weights, LENGTHS).loss
    assert float(after.detach()) < float(before.detach())


def test_what_does_not_fit_is_refused() -> None:
    decoder, ids = trainable(), random_ids(1, TINY.head_dim)
    for lengths in ((), (3,), (8,), (7, 0)):
        with pytest.raises(ValueError, match="do not make"):
            unrolled_loss(decoder, ids, torch.ones(ids.shape), lengths)
    with pytest.raises(ValueError, match="no token"):
        unrolled_loss(decoder, ids, torch.zeros(ids.shape), (7,))
