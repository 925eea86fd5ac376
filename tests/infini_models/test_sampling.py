"""Choosing tokens."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from infini_models.sampling import Sampler, Sampling


def logits(*values: float) -> torch.Tensor:
    return torch.tensor(values)


def choices(sampling: Sampling, scores: torch.Tensor, num: int = 60) -> set[int]:
    return {Sampler(sampling, stream).choose(scores) for stream in range(num)}


def test_greedy_takes_the_likeliest() -> None:
    assert Sampler(Sampling()).choose(logits(0.1, 2.0, 1.9)) == 1


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(temperature=5.0), {0, 1, 2, 3}),
        (Sampling(temperature=5.0, top_k=2), {2, 3}),
        (Sampling(temperature=1.0, top_p=0.6), {3}),
        (Sampling(temperature=1.0, top_p=0.8), {2, 3}),
        (Sampling(temperature=0.01), {3}),
    ],
)
def test_what_can_be_drawn(sampling: Sampling, expected: set[int]) -> None:
    # Probabilities 0.03, 0.09, 0.24, 0.64.
    assert choices(sampling, logits(0.0, 1.0, 2.0, 3.0), 300) == expected


def test_the_penalty_is_on_what_was_written() -> None:
    sampler = Sampler(Sampling(repetition_penalty=2.0))
    scores = logits(3.0, 2.0, -1.0)
    assert [sampler.choose(scores) for _ in range(2)] == [0, 1]
    negative = Sampler(Sampling(repetition_penalty=2.0))
    assert [negative.choose(logits(-1.0, -1.5)) for _ in range(2)] == [0, 1]


@given(st.integers(2, 4), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_no_sequence_is_written_twice(size: int, seed: int) -> None:
    sampler = Sampler(Sampling(no_repeat_ngram_size=size))
    scores = torch.randn(60, generator=torch.Generator().manual_seed(seed))
    written = [sampler.choose(scores) for _ in range(40)]
    grams = [tuple(written[i : i + size]) for i in range(len(written) - size + 1)]
    assert len(grams) == len(set(grams))


def test_without_the_bound_greedy_repeats_itself() -> None:
    sampler = Sampler(Sampling())
    assert len({sampler.choose(logits(1.0, 2.0)) for _ in range(10)}) == 1


def test_a_seed_and_a_stream_give_the_same_draws() -> None:
    scores = torch.zeros(50)
    draws = {}
    for seed in (0, 1):
        for stream in (0, 1):
            sampler = Sampler(Sampling(temperature=1.0, seed=seed), stream)
            again = Sampler(Sampling(temperature=1.0, seed=seed), stream)
            drawn = [sampler.choose(scores) for _ in range(8)]
            assert drawn == [again.choose(scores) for _ in range(8)]
            draws[seed, stream] = tuple(drawn)
    assert len(set(draws.values())) == 4


@pytest.mark.parametrize(
    "bad",
    [
        {"temperature": -1},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"repetition_penalty": 0.5},
    ],
)
def test_nonsense_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Sampling(**bad)  # type: ignore[arg-type]
