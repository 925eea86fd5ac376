"""A head start for a memory: queries meet the keys of what they ask for before values are taught.

A loss on answers alone cannot find which token's key a query should meet while no value says
anything, and what it pushes meanwhile wears away whatever met by chance. Where it is known which
token tells what (a key's digit, the place where somebody went), that can be learnt first, of
each layer by itself, from what the base makes of texts: rates and read gates (`binding_gates.py`),
and, from a start that tells subjects (`binding_start.py`), whose keys a query meets:

    s = phi(q) . phi(k): a query has its share of all it meets in what it asks for,
    L = log sum_k s - log sum_(k of its subject) s                  (van den Oord et al. 2018)

and a pair of one subject should have s = 1, of two s = 0; pairs of keys likewise, so that what is
told last takes the place of what was told before.

Each layer is bound by what it sees while no memory is read. What is read then changes what the
layers above see, so of several layers bound by what each sees only the first meets what it should;
not so where all are addressed by one layer below them (see `address.py`).

Where keys and queries are made of several tokens they start as the mean of these: a digit far into
a number is then known by the name before it.

What looks as if it told something and does not has subjects of its own, which nothing asks for:
where a rate lets it through, it takes nobody's place.

Knowing where answers stand is what strongly supervised memory networks are given (Weston et al.
2015). Values, gains and outputs stay as they are.

Shape suffixes: D model width, H query heads, N KV heads, P features, A asked tokens, K told tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from infini_models.attention import InfiniAttention
from infini_models.binding_gates import fit_gate, opened
from infini_models.binding_start import start_meeting
from infini_models.branch import MemoryBranch
from infini_models.labelled import Labelled, mean, same

NUM_TOLD, NUM_ASKED = 192, 96
"""Tokens of a step."""
NUM_MEASURED = 2048
"""Of either kind, at most: pairs are many."""
LEAST = 1e-4
"""Added to what meets before its logarithm: features may have nothing in common."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How well it is bound, on tokens that were not learnt from; all 0 to 1.

    Attributes:
        right: share of the queries, of all heads, that meet the keys of their own subject more
            than those of any other; of subjects that are both told and asked.
        meets_own: mean of phi(q) phi(k) where both are of one subject.
        meets_other: where they are not.
        written: mean rate of what tells something.
        written_else: of what does not.
        opened: mean read gate of what asks.
        opened_else: of what does not.
    """

    right: float
    meets_own: float
    meets_other: float
    written: float
    written_else: float
    opened: float
    opened_else: float


def bind(
    branch: MemoryBranch,
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
        branch: changed in place.
        attention: of the layer whose view of the tokens its queries and keys are made of.
        told: tokens of texts, some of which tell something; decoys, if any, first.
        asked: tokens, some of which ask for it.
        num_steps: of the meeting.
        learning_rate: of its optimiser, Adam.
        generator: of what a step learns from.

    Raises:
        ValueError: nothing is told, or nothing asked.
    """
    for taps in (branch.query_taps, branch.key_taps):
        if taps is not None:
            taps.reset_to_mean()
    keys, queries = told.labelled(), asked.labelled()
    if min(keys.num_tokens, queries.num_tokens) < 2:
        raise ValueError("nothing is told or asked")
    gates: list[float] = []
    rate = [branch.rate, *([branch.rate_mean] if branch.rate_mean is not None else [])]
    for parts, tokens in ((rate, told), ([branch.read_gate], asked)):
        learnt, measured = tokens.split()
        fit_gate(parts, learnt)
        gates += opened(parts, measured)
    num_subjects = 1 + int(torch.cat((keys.subject_T, queries.subject_T)).max())
    keys = told.with_decoys(num_subjects)
    (keys, more_keys), (queries, more_queries) = keys.split(), queries.split()
    start_meeting(attention, branch, keys, queries, generator)
    _fit_meeting(attention, branch, keys, queries, num_steps, learning_rate, generator)
    first = slice(NUM_MEASURED)
    return Bound(*_measure(attention, branch, more_keys.at(first), more_queries.at(first)), *gates)


def _fit_meeting(
    attention: InfiniAttention,
    branch: MemoryBranch,
    told: Labelled,
    asked: Labelled,
    num_steps: int,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    learned = [
        *(*branch.query.parameters(), *branch.key.parameters()),
        *(branch.query_map, branch.key_map, branch.query_center, branch.key_center),
    ]
    optimizer = torch.optim.Adam(learned, lr=learning_rate)
    for step in range(num_steps):
        for group in optimizer.param_groups:
            warm = min(1.0, (step + 1) / 10)
            group["lr"] = learning_rate * warm * (1.0 - 0.9 * step / num_steps)
        drawn = told.draw(NUM_TOLD, generator), asked.draw(NUM_ASKED, generator)
        loss = _meeting_loss(attention, branch, *drawn)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _meeting_loss(
    attention: InfiniAttention, branch: MemoryBranch, told: Labelled, asked: Labelled
) -> Tensor:
    meets_HAK, keys_NKP = _meet(attention, branch, told, asked)
    alike_NKK = keys_NKP @ keys_NKP.transpose(1, 2)
    own_AK, own_KK = same(asked.subject_T, told.subject_T), same(told.subject_T, told.subject_T)
    logs_HAK = (meets_HAK + LEAST).log()
    own_HA = logs_HAK.masked_fill(~own_AK, -math.inf).logsumexp(dim=-1)
    missed_HA = (logs_HAK.logsumexp(dim=-1) - own_HA)[:, own_AK.any(dim=1)]
    return (
        mean(missed_HA)
        + mean(1.0 - meets_HAK[:, own_AK])
        + mean(meets_HAK[:, ~own_AK].square())
        + mean(1.0 - alike_NKK[:, own_KK])
        + mean(alike_NKK[:, ~own_KK].square())
    )


def _meet(
    attention: InfiniAttention, branch: MemoryBranch, told: Labelled, asked: Labelled
) -> tuple[Tensor, Tensor]:
    """Give phi(q) phi(k) of all pairs, [H, A, K], and the features of the keys, [N, K, P]."""
    with torch.no_grad():
        by_told, by_asked = (attention.address(x.address_TD[None]) for x in (told, asked))
    keys_NKP = branch.key_features(branch.keys(by_told))[0]
    queries_HAP = branch.query_features(branch.queries(by_asked))[0]
    keys_HKP = keys_NKP.repeat_interleave(attention.config.num_groups, dim=0)
    return queries_HAP @ keys_HKP.transpose(1, 2), keys_NKP


@torch.no_grad()
def _measure(
    attention: InfiniAttention, branch: MemoryBranch, told: Labelled, asked: Labelled
) -> tuple[float, float, float]:
    """Give `right`, `meets_own` and `meets_other` of `Bound`."""
    meets_HAK, _ = _meet(attention, branch, told, asked)
    own_AK = same(asked.subject_T, told.subject_T)
    num_subjects = 1 + int(torch.cat((told.subject_T, asked.subject_T)).max())
    sums_HAY = meets_HAK.new_zeros(*meets_HAK.shape[:2], num_subjects)
    sums_HAY.index_add_(2, told.subject_T, meets_HAK)
    means_HAY = sums_HAY / told.subject_T.bincount(minlength=num_subjects).clamp_min(1)
    right_HA = means_HAY.argmax(dim=-1) == asked.subject_T
    return (
        float(mean(right_HA[:, own_AK.any(dim=1)].float())),
        float(mean(meets_HAK[:, own_AK])),
        float(mean(meets_HAK[:, ~own_AK])),
    )
