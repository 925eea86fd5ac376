"""The chunked delta rule is the one of single tokens, and holds what it was told last."""

from __future__ import annotations

import pytest
import torch
from infini_models.delta import delta_write
from torch import Tensor
from torch.nn import functional


def one_by_one(memory_KV: Tensor, keys: Tensor, values: Tensor, rates: Tensor) -> Tensor:
    """The rule as it is written, one head; the memory before the first token and after each."""
    memories = [memory_KV]
    for key, value, rate in zip(keys, values, rates, strict=True):
        memory_KV = memory_KV + rate * torch.outer(key, value - key @ memory_KV)
        memories.append(memory_KV)
    return torch.stack(memories)


def after(*parts: Tensor, chunk_length: int = 8) -> Tensor:
    return delta_write(*parts, chunk_length)[0]


def draw(num_tokens: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    keys = functional.normalize(normal(2, 3, num_tokens, 8), dim=-1)
    return normal(2, 3, 8, 5), keys, normal(2, 3, num_tokens, 5), normal(2, 3, num_tokens).sigmoid()


@pytest.mark.parametrize("num_tokens", [0, 1, 5, 16, 37])
@pytest.mark.parametrize("chunk_length", [1, 4, 16, 64])
def test_chunks_equal_single_tokens(num_tokens: int, chunk_length: int) -> None:
    memory, keys, values, rates = draw(num_tokens)
    written, corrections = delta_write(memory, keys, values, rates, chunk_length)
    for row in range(2):
        for head in range(3):
            place = row, head
            expected = one_by_one(memory[place], keys[place], values[place], rates[place])
            torch.testing.assert_close(written[place], expected[-1])
            # What each token changes is its key by its correction.
            changes = keys[place][:, :, None] * corrections[place][:, None]
            torch.testing.assert_close(changes, expected.diff(dim=0))


def test_what_was_told_last_is_held_and_told_again_changes_nothing() -> None:
    memory, keys, values, rates = draw(30)
    held = after(memory, keys, values, torch.ones_like(rates))
    torch.testing.assert_close(keys[:, :, -1:] @ held, values[:, :, -1:])
    again = after(held, keys[:, :, -1:], values[:, :, -1:], torch.ones(2, 3, 1).double())
    torch.testing.assert_close(again, held)
    # A repeated association is held once however often it comes inside one chunk.
    often = after(
        memory,
        keys[:, :, :1].expand(-1, -1, 20, -1),
        values[:, :, :1].expand(-1, -1, 20, -1),
        torch.ones(2, 3, 20).double(),
    )
    torch.testing.assert_close(keys[:, :, :1] @ often, values[:, :, :1])


def test_a_rate_of_zero_writes_nothing() -> None:
    memory, keys, values, rates = draw(20)
    assert torch.equal(after(memory, keys, values, torch.zeros_like(rates)), memory)


def test_the_memory_stays_bounded_over_many_writes() -> None:
    memory, _, _, _ = draw(1)
    largest = 0.0
    for seed in range(200):
        _, keys, values, rates = draw(64, seed)
        memory = after(memory, keys, values.clamp(-1, 1), rates)
        largest = max(largest, float(memory.abs().max()))
    assert largest < 20


def test_gradients_are_those_of_single_tokens() -> None:
    inputs = [part.requires_grad_() for part in draw(12)]
    assert torch.autograd.gradcheck(
        lambda *parts: delta_write(*parts, 5), inputs, atol=1e-6, fast_mode=True
    )
