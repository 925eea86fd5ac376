"""Where the meeting of queries and keys begins."""

from __future__ import annotations

import pytest
import torch
from infini_models.adapter import grow_branches
from infini_models.attention import InfiniAttention
from infini_models.binding_start import RIDGE, SIZE, start_meeting
from infini_models.config import BranchConfig
from infini_models.correction import LowRank
from infini_models.labelled import Labelled
from torch import Tensor

from tests.infini_models.build import TINY, tiny_decoder

LAYER, NUM_SUBJECTS, RANK = 1, 5, 8


def attention_with_memory(num_rows: int) -> InfiniAttention:
    decoder = tiny_decoder()
    config = BranchConfig(layers=(LAYER,), num_features=num_rows, rank=RANK)
    grow_branches(decoder, config, seed=3)
    attention = decoder.layers[LAYER].self_attn
    assert isinstance(attention, InfiniAttention)
    return attention


def tokens(kind: int, number: int, seed: int) -> Labelled:
    """Draw tokens whose subject is a small part of what differs between them."""
    shared = torch.Generator().manual_seed(5 + kind)
    names_YD = torch.randn(NUM_SUBJECTS, TINY.hidden_size, generator=shared)
    loud_D = torch.randn(TINY.hidden_size, generator=shared)
    generator = torch.Generator().manual_seed(seed)
    subject_T = torch.randint(0, NUM_SUBJECTS, (number,), generator=generator)
    x_TD = 0.1 * torch.randn(number, TINY.hidden_size, generator=generator)
    x_TD += 0.3 * names_YD[subject_T] + 3.0 * torch.randn(number, 1, generator=generator) * loud_D
    return Labelled(torch.zeros_like(x_TD), x_TD, subject_T)


def started(num_rows: int = 16) -> tuple[InfiniAttention, Labelled, Labelled]:
    attention = attention_with_memory(num_rows)
    branch = attention.memory_branch
    assert branch is not None
    told, asked = tokens(0, 400, seed=1), tokens(1, 400, seed=2)
    start_meeting(attention, branch, told, asked, torch.Generator().manual_seed(0))
    return attention, told, asked


def codes(correction: LowRank, x_TD: Tensor) -> Tensor:
    """Give what a correction's first rows say, without its mean."""
    narrow_TR = x_TD @ correction.down_RI[:NUM_SUBJECTS].T
    return narrow_TR - narrow_TR.mean(dim=0)


@torch.no_grad()
def test_what_tells_and_what_asks_of_one_subject_have_one_code() -> None:
    attention, _, _ = started()
    branch = attention.memory_branch
    assert branch is not None
    told, asked = tokens(0, 100, seed=11), tokens(1, 100, seed=12)
    key_TR, query_TR = codes(branch.key, told.address_TD), codes(branch.query, asked.address_TD)
    alike = torch.nn.functional.cosine_similarity(query_TR[:, None], key_TR[None], dim=-1)
    own = asked.subject_T[:, None] == told.subject_T
    assert float(alike[own].mean()) > 0.9
    assert float(alike[~own].mean()) < 0.1


@torch.no_grad()
def test_it_is_ridge_regression() -> None:
    attention, told, asked = started()
    branch = attention.memory_branch
    assert branch is not None
    scores = []
    for labelled in (told, asked):
        x = labelled.address_TD.double() - labelled.address_TD.double().mean(dim=0)
        y = torch.eye(NUM_SUBJECTS, dtype=torch.float64)[labelled.subject_T]
        y = y - y.mean(dim=0)
        strength = RIDGE * x.square().sum(dim=0).mean()
        # Ridge regression is least squares with one more row for each weight.
        rows = torch.cat((x, strength.sqrt() * torch.eye(x.shape[1], dtype=torch.float64)))
        wanted = torch.cat((y, torch.zeros(x.shape[1], NUM_SUBJECTS, dtype=torch.float64)))
        scores.append(x @ torch.linalg.lstsq(rows, wanted).solution)
    for correction, labelled, expected in (
        (branch.key, told, scores[0]),
        (branch.query, asked, scores[1]),
    ):
        found = codes(correction, labelled.address_TD).double()
        # The same up to a rotation and a size: so all products of two tokens agree.
        size = found.square().sum() / expected.square().sum()
        torch.testing.assert_close(
            found @ found.T / size, expected @ expected.T, atol=1e-4, rtol=1e-3
        )


@torch.no_grad()
def test_it_outweighs_the_base_and_centres_are_means() -> None:
    attention, told, asked = started()
    branch = attention.memory_branch
    assert branch is not None
    by_told, by_asked = (attention.address(x.address_TD[None]) for x in (told, asked))
    for own, all_of_it, center in (
        (by_told.key_BNSK, branch.keys(by_told), branch.key_center),
        (by_asked.query_BHSK, branch.queries(by_asked), branch.query_center),
    ):
        torch.testing.assert_close(center[:, 0], all_of_it[0].mean(dim=1))
        added, plain = (x[0].var(dim=1).mean(dim=-1).sqrt() for x in (all_of_it - own, own))
        assert torch.all(added / plain > SIZE / 4)
        assert torch.all(added / plain < SIZE * 4)


@torch.no_grad()
@pytest.mark.parametrize("num_rows", [16, 3])
def test_rows_of_maps_are_means_of_subjects_as_far_as_there_are(num_rows: int) -> None:
    attention, told, _ = started(num_rows)
    branch = attention.memory_branch
    assert branch is not None
    keys = branch.keys(attention.address(told.address_TD[None]))
    centred = (keys[0] - branch.key_center).float()
    for head, rows in enumerate(branch.key_map):
        for subject, row in enumerate(rows[:NUM_SUBJECTS]):
            mean = centred[head, told.subject_T == subject].mean(dim=0)
            assert float(torch.nn.functional.cosine_similarity(mean, row, dim=0)) > 0.999
        mapped = centred[head] @ rows.T
        assert float(mapped.square().mean()) == pytest.approx(1.0, abs=1e-3)
        for spare in rows[NUM_SUBJECTS:]:
            assert float(spare.norm()) < 0.5 * float(rows[0].norm())


@torch.no_grad()
def test_rank_that_subjects_do_not_need_is_left_to_training() -> None:
    attention, _, _ = started()
    branch = attention.memory_branch
    assert branch is not None
    for correction in (branch.key, branch.query):
        assert not torch.any(correction.up_OR[:, NUM_SUBJECTS:])
        assert torch.all(correction.down_RI[NUM_SUBJECTS:].norm(dim=1) > 0.1)
