"""A head start for a memory: queries meet the keys of what they ask for before values are taught.

A loss on answers alone cannot find which token's key a query should meet while no value says
anything, and what it pushes meanwhile wears away whatever met by chance. Where it is known which
token tells what (a key's digit, the end of a sentence about somebody), that can be learnt first, of
each layer by itself, from what the base makes of texts:

    rates       s(w x + b) near 1 where something is told, 0 elsewhere        (see `gates.py`)
    read gates  the same of what is asked
    meeting     s = phi(q) . phi(k): a query has its share of all it meets in what it asks for,
                L = log sum_k s - log sum_(k of its subject) s        (van den Oord et al. 2018)
                and a pair of one subject should have s = 1, of two s = 0; pairs of keys likewise,
                so that what is told last takes the place of what was told before

Knowing where answers stand is what strongly supervised memory networks are given (Weston et al.
2015). Values, gains and outputs stay as they are.

Shape suffixes: T tokens, D model width, H query heads, N KV heads, P features, A asked tokens, K
told tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from infini_models.attention import InfiniAttention
from infini_models.branch import MemoryBranch
from infini_models.gates import FLOOR, MARGIN, floored_sigmoid, gate_scores

HELD_OUT = 0.1
"""Of the labelled tokens: what is measured at the end."""
NUM_TOLD, NUM_ASKED = 192, 96
"""Tokens of a step."""
LEAST = 1e-4
"""Added to what meets before its logarithm: features may have nothing in common."""
OPEN_SCORE = 4.0
"""What scores of gates should reach: a sigmoid of 0.98."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Tokens as a layer's attention sees them.

    Attributes:
        x_TD: its inputs.
        subject_T: the number of what each tells, or asks for; -1: nothing.
    """

    x_TD: Tensor
    subject_T: Tensor

    def labelled(self) -> Labelled:
        """Leave out what has no subject."""
        known_T = self.subject_T >= 0
        return Labelled(self.x_TD[known_T], self.subject_T[known_T])

    def split(self) -> tuple[Labelled, Labelled]:
        """Give what is learnt from, and the last tokens, which are not."""
        kept = len(self.subject_T) - max(1, round(HELD_OUT * len(self.subject_T)))
        first, last = slice(kept), slice(kept, None)
        return (
            Labelled(self.x_TD[first], self.subject_T[first]),
            Labelled(self.x_TD[last], self.subject_T[last]),
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """How well it is bound, on tokens that were not learnt from; all 0 to 1.

    Attributes:
        meets_own: mean of phi(q) phi(k) where both are of one subject.
        meets_other: where they are not.
        written: mean rate of what tells something.
        written_else: of what does not.
        opened: mean read gate of what asks.
        opened_else: of what does not.
    """

    meets_own: float
    meets_other: float
    written: float
    written_else: float
    opened: float
    opened_else: float


def bind(
    attention: InfiniAttention,
    told: Labelled,
    asked: Labelled,
    *,
    num_steps: int,
    learning_rate: float,
    generator: torch.Generator,
) -> Bound:
    """Teach a layer's memory what to write, when to read, and which key a query meets.

    Args:
        attention: with a memory branch without taps, changed in place.
        told: tokens of texts, some of which tell something.
        asked: tokens, some of which ask for it.
        num_steps: of the meeting.
        learning_rate: of its optimiser, Adam.
        generator: of what a step learns from.

    Raises:
        ValueError: nothing is told, or nothing asked.
    """
    branch = attention.memory_branch
    assert branch is not None
    keys, queries = told.labelled(), asked.labelled()
    if min(len(keys.subject_T), len(queries.subject_T)) < 2:
        raise ValueError("nothing is told or asked")
    gates: list[float] = []
    for gate, tokens in ((branch.rate, told), (branch.read_gate, asked)):
        learnt, measured = tokens.split()
        _fit_gate(gate, learnt)
        gates += _opened(gate, measured)
    (keys, more_keys), (queries, more_queries) = keys.split(), queries.split()
    _fit_meeting(attention, branch, keys, queries, num_steps, learning_rate, generator)
    with torch.no_grad():
        meets_HAK, _ = _meet(attention, branch, more_keys, more_queries)
        same_AK = more_queries.subject_T[:, None] == more_keys.subject_T
        own, other = (_mean(meets_HAK[:, pairs_AK]) for pairs_AK in (same_AK, ~same_AK))
    return Bound(float(own), float(other), *gates)


def _fit_gate(gate: nn.Linear, tokens: Labelled) -> None:
    """Open a gate, the same for all heads, where tokens are labelled, and shut it elsewhere.

    A squared hinge of each kind's scores, each kind counting the same.
    """
    wanted_T, x_TD = tokens.subject_T >= 0, tokens.x_TD.float()
    mean_D, deviation_D = x_TD.mean(dim=0), x_TD.std(dim=0) + LEAST
    x_TD = (x_TD - mean_D) / deviation_D
    shut_score = math.log(FLOOR) - MARGIN
    weight_D = torch.zeros(x_TD.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight_D, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        score_T = x_TD @ weight_D + bias
        shy_T = (OPEN_SCORE - score_T[wanted_T]).clamp_min(0.0)
        loud_T = (score_T[~wanted_T] - shut_score).clamp_min(0.0)
        # What should go by unwritten is the most of any text.
        found: Tensor = (
            _mean(shy_T.square()) + 3.0 * _mean(loud_T.square()) + 0.01 * weight_D.square().sum()
        )
        found.backward()  # type: ignore[no-untyped-call]
        return found

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        own_D = weight_D / deviation_D
        gate.weight.copy_(own_D.expand_as(gate.weight))
        gate.bias.copy_((bias - own_D @ mean_D).expand_as(gate.bias))


@torch.no_grad()
def _opened(gate: nn.Linear, tokens: Labelled) -> tuple[float, float]:
    open_T = floored_sigmoid(gate_scores(gate, tokens.x_TD))[:, 0]
    wanted_T = tokens.subject_T >= 0
    return float(_mean(open_T[wanted_T])), float(_mean(open_T[~wanted_T]))


def _fit_meeting(
    attention: InfiniAttention,
    branch: MemoryBranch,
    told: Labelled,
    asked: Labelled,
    num_steps: int,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    with torch.no_grad():
        _, key_1NTK, _ = attention.project(told.x_TD[None])
        query_1HTK, _, _ = attention.project(asked.x_TD[None])
        for center, tokens_1HTK in (
            (branch.key_center, branch.keys(told.x_TD[None], key_1NTK)),
            (branch.query_center, branch.queries(asked.x_TD[None], query_1HTK)),
        ):
            center.copy_(tokens_1HTK.float().mean(dim=(0, 2)).unsqueeze(1))
    learned = [
        *(*branch.query.parameters(), *branch.key.parameters()),
        *(branch.query_map, branch.key_map, branch.query_center, branch.key_center),
    ]
    optimizer = torch.optim.Adam(learned, lr=learning_rate)
    for step in range(num_steps):
        for group in optimizer.param_groups:
            warm = min(1.0, (step + 1) / 10)
            group["lr"] = learning_rate * warm * (1.0 - 0.9 * step / num_steps)
        loss = _meeting_loss(
            attention,
            branch,
            _draw(told, NUM_TOLD, generator),
            _draw(asked, NUM_ASKED, generator),
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _meeting_loss(
    attention: InfiniAttention, branch: MemoryBranch, told: Labelled, asked: Labelled
) -> Tensor:
    meets_HAK, keys_NKP = _meet(attention, branch, told, asked)
    alike_NKK = keys_NKP @ keys_NKP.transpose(1, 2)
    same_AK = asked.subject_T[:, None] == told.subject_T
    same_KK = told.subject_T[:, None] == told.subject_T
    logs_HAK = (meets_HAK + LEAST).log()
    own_HAK = logs_HAK.masked_fill(~same_AK, -math.inf)
    is_told_A = same_AK.any(dim=1)
    missed_HA = logs_HAK.logsumexp(dim=-1) - own_HAK.logsumexp(dim=-1)
    return (
        _mean(missed_HA[:, is_told_A])
        + _mean(1.0 - meets_HAK[:, same_AK])
        + _mean(meets_HAK[:, ~same_AK].square())
        + _mean(1.0 - alike_NKK[:, same_KK])
        + _mean(alike_NKK[:, ~same_KK].square())
    )


def _meet(
    attention: InfiniAttention, branch: MemoryBranch, told: Labelled, asked: Labelled
) -> tuple[Tensor, Tensor]:
    """Give phi(q) phi(k) of all pairs, [H, A, K], and the features of the keys, [N, K, P]."""
    with torch.no_grad():
        _, key_1NKK, _ = attention.project(told.x_TD[None])
        query_1HAK, _, _ = attention.project(asked.x_TD[None])
    keys_NKP = branch.key_features(branch.keys(told.x_TD[None], key_1NKK))[0]
    queries_HAP = branch.query_features(branch.queries(asked.x_TD[None], query_1HAK))[0]
    keys_HKP = keys_NKP.repeat_interleave(attention.config.num_groups, dim=0)
    return queries_HAP @ keys_HKP.transpose(1, 2), keys_NKP


def _draw(tokens: Labelled, number: int, generator: torch.Generator) -> Labelled:
    chosen = torch.randint(len(tokens.subject_T), (number,), generator=generator)
    return Labelled(tokens.x_TD[chosen], tokens.subject_T[chosen])


def _mean(values: Tensor) -> Tensor:
    """Give the mean; of nothing zero."""
    return values.sum() / max(1, values.numel())
