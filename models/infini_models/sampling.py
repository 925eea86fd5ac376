"""Choosing the next token: greedy unless asked otherwise, and repeatable either way."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen.

    Attributes:
        temperature: 0 takes the likeliest token; higher is more varied.
        top_k: keep only this many likeliest tokens; 0 keeps all.
        top_p: keep the smallest set of tokens whose probabilities reach this sum.
        repetition_penalty: divides the logits of tokens already written; 1 changes nothing.
            The text that was read is not penalised: a summary needs its words.
        no_repeat_ngram_size: forbid writing any sequence of this many tokens twice; 0 allows all.
        seed: of the random draws.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0 or self.no_repeat_ngram_size < 0:
            raise ValueError("temperature, top_k and no_repeat_ngram_size must not be negative")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.repetition_penalty < 1:
            raise ValueError(
                f"repetition_penalty must be at least 1, not {self.repetition_penalty}"
            )


class Sampler:
    """Chooses one branch's tokens, with its own random state and what it has written.

    A branch's draws depend on the seed and its stream alone, not on what is decoded beside it.
    """

    def __init__(self, sampling: Sampling, stream: int = 0) -> None:
        self.sampling = sampling
        self.written: list[int] = []
        # Streams are spread so that neighbouring seeds share no stream.
        self.generator = torch.Generator().manual_seed(sampling.seed * 1_000_003 + stream)

    def choose(self, logits_V: Tensor) -> int:
        """Choose from float32 logits [vocabulary] and remember the choice."""
        sampling = self.sampling
        logits_V = self._discourage(logits_V)
        if sampling.temperature == 0:
            # numpy's is twenty times as fast on one row.
            token = int(logits_V.numpy().argmax())
        else:
            probabilities_V = _truncate(logits_V / sampling.temperature, sampling).softmax(dim=-1)
            token = int(torch.multinomial(probabilities_V, 1, generator=self.generator))
        self.written.append(token)
        return token

    def _discourage(self, logits_V: Tensor) -> Tensor:
        sampling = self.sampling
        if sampling.repetition_penalty != 1 and self.written:
            logits_V = logits_V.clone()
            index = torch.tensor(sorted(set(self.written)))
            seen = logits_V[index]
            penalty = sampling.repetition_penalty
            logits_V[index] = torch.where(seen > 0, seen / penalty, seen * penalty)
        banned = self._completing_tokens()
        if banned:
            logits_V = logits_V.clone()
            logits_V[torch.tensor(banned)] = float("-inf")
        return logits_V

    def _completing_tokens(self) -> list[int]:
        size = self.sampling.no_repeat_ngram_size
        if size == 0 or len(self.written) < size:
            return []
        context = self.written[len(self.written) - size + 1 :]
        starts = range(len(self.written) - size + 1)
        grams = (self.written[start : start + size] for start in starts)
        return sorted({gram[-1] for gram in grams if gram[:-1] == context})


def _truncate(logits_V: Tensor, sampling: Sampling) -> Tensor:
    if 0 < sampling.top_k < logits_V.numel():
        lowest = logits_V.topk(sampling.top_k).values[-1]
        logits_V = logits_V.masked_fill(logits_V < lowest, float("-inf"))
    if sampling.top_p < 1:
        ordered_V, order_V = logits_V.sort(descending=True)
        before_V = ordered_V.softmax(dim=-1).cumsum(dim=-1) - ordered_V.softmax(dim=-1)
        # The token that crosses the bound stays, so at least one is left.
        dropped = order_V[before_V >= sampling.top_p]
        logits_V = logits_V.index_fill(0, dropped, float("-inf"))
    return logits_V
