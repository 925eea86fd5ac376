"""The memory against the paper's equations, one head and one token at a time."""

from __future__ import annotations

import pytest
import torch
from infini_models.config import MemoryConfig
from infini_models.memory import LayerMemory, mix, read, write

from tests.infini_models.reference import retrieve, update

BATCH, HEADS, GROUP, TOKENS, WIDTH = 2, 2, 3, 5, 4


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rule", ["linear", "delta"])
def test_three_segments_equal_the_equations(rule: str) -> None:
    config = MemoryConfig(update=rule)  # type: ignore[arg-type]
    layer = LayerMemory.empty(BATCH, HEADS, WIDTH)
    for segment in range(3):
        query = draw(BATCH, HEADS, GROUP, TOKENS, WIDTH, seed=10 + segment)
        key = draw(BATCH, HEADS, TOKENS, WIDTH, seed=20 + segment)
        value = draw(BATCH, HEADS, TOKENS, WIDTH, seed=30 + segment)
        retrieved, after = read(layer, query, config.eps), write(layer, key, value, config)
        for b in range(BATCH):
            for n in range(HEADS):
                memory, normalizer = layer.memory_BNKV[b, n], layer.normalizer_BNK[b, n]
                for g in range(GROUP):
                    for t in range(TOKENS):
                        expected = retrieve(query[b, n, g, t], memory, normalizer)
                        torch.testing.assert_close(retrieved[b, n, g, t], expected)
                expected_memory, expected_normalizer = update(
                    key[b, n], value[b, n], memory, normalizer, rule
                )
                torch.testing.assert_close(after.memory_BNKV[b, n], expected_memory)
                torch.testing.assert_close(after.normalizer_BNK[b, n], expected_normalizer)
        layer = after


def test_the_two_updates_differ_from_the_second_segment_on() -> None:
    key, value = draw(1, 1, TOKENS, WIDTH), draw(1, 1, TOKENS, WIDTH, seed=1)
    once = {rule: LayerMemory.empty(1, 1, WIDTH) for rule in ("linear", "delta")}
    for rule, layer in once.items():
        once[rule] = write(layer, key, value, MemoryConfig(update=rule))  # type: ignore[arg-type]
    assert torch.equal(once["linear"].memory_BNKV, once["delta"].memory_BNKV)
    twice = {
        rule: write(layer, key, value, MemoryConfig(update=rule))  # type: ignore[arg-type]
        for rule, layer in once.items()
    }
    assert not torch.allclose(twice["linear"].memory_BNKV, twice["delta"].memory_BNKV)


def test_writing_leaves_the_old_memory_as_it_was() -> None:
    before = LayerMemory.empty(1, 1, WIDTH)
    write(before, draw(1, 1, TOKENS, WIDTH), draw(1, 1, TOKENS, WIDTH), MemoryConfig())
    assert not before.memory_BNKV.any()
    assert not before.filled_B.any()


def test_an_empty_memory_reads_as_zeros_and_mixes_nothing() -> None:
    empty = LayerMemory.empty(BATCH, HEADS, WIDTH)
    retrieved = read(empty, draw(BATCH, HEADS, GROUP, TOKENS, WIDTH), 1e-6)
    assert not retrieved.any()
    local = draw(BATCH, HEADS, GROUP, TOKENS, WIDTH, seed=3)
    mixed = mix(torch.zeros(HEADS, GROUP), retrieved, local, empty.filled_B)
    assert torch.equal(mixed, local)


def test_rows_are_mixed_by_their_own_memory_and_gate() -> None:
    local, retrieved = torch.zeros(2, 1, 2, 1, 1), torch.ones(2, 1, 2, 1, 1)
    gate = torch.tensor([[0.0, float("inf")]])
    mixed = mix(gate, retrieved, local, torch.tensor([True, False]))
    assert mixed.flatten().tolist() == [0.5, 1.0, 0.0, 0.0]


def test_large_keys_in_half_precision_stay_finite() -> None:
    key = torch.full((1, 1, 2048, WIDTH), 17.0, dtype=torch.bfloat16)
    layer = LayerMemory.empty(1, 1, WIDTH)
    for _ in range(50):
        layer = write(layer, key, key, MemoryConfig(update="linear"))
    assert layer.memory_BNKV.dtype == torch.float32
    retrieved = read(layer, key.unsqueeze(2), 1e-6)
    torch.testing.assert_close(retrieved, torch.full_like(retrieved, 17.0))
