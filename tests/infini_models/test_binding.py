"""The head start of a memory: what meets what, what is written, what is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from infini_models.adapter import grow_branches
from infini_models.attention import InfiniAttention
from infini_models.binding import Bound, bind
from infini_models.config import BranchConfig
from infini_models.convolution import moving_mean
from infini_models.decoder import Decoder
from infini_models.gates import floored_sigmoid
from infini_models.labelled import DECOY, NOTHING, Labelled
from torch import Tensor

from tests.infini_models.build import TINY, random_ids, tiny_decoder

NUM_SUBJECTS, NUM_PARTS = 4, 3
LAYER = 1
CONFIG = BranchConfig(layers=(LAYER,), num_features=16, rank=8, sharpness=2.0)


def grown() -> tuple[Decoder, InfiniAttention]:
    decoder = tiny_decoder()
    grow_branches(decoder, CONFIG, seed=3)
    attention = decoder.layers[LAYER].self_attn
    assert isinstance(attention, InfiniAttention)
    return decoder, attention


def tokens(kind: int, number: int, seed: int) -> Labelled:
    """Draw tokens: of each a direction is its kind's, another its subject's, the rest noise."""
    generator = torch.Generator().manual_seed(seed)
    directions_XD = torch.randn(2 + NUM_SUBJECTS, TINY.hidden_size, generator=torch.Generator())
    subject_T = torch.randint(-1, NUM_SUBJECTS, (number,), generator=generator)
    x_TD = 0.3 * torch.randn(number, TINY.hidden_size, generator=generator)
    named_T1 = (subject_T >= 0)[:, None]
    x_TD += named_T1 * (directions_XD[kind] + directions_XD[2 + subject_T.clamp_min(0)])
    return Labelled(x_TD, x_TD, subject_T)


def tokens_of_parts(kind: int, number: int, seed: int) -> Labelled:
    """Draw tokens that shout which part of an answer they are, and whisper whose."""
    shared = torch.Generator().manual_seed(7)
    kinds_XD, parts_XD, names_XD = (
        torch.randn(count, TINY.hidden_size, generator=shared)
        for count in (2, NUM_PARTS, NUM_SUBJECTS)
    )
    generator = torch.Generator().manual_seed(seed)
    name_T = torch.randint(0, NUM_SUBJECTS, (number,), generator=generator)
    part_T = torch.randint(0, NUM_PARTS, (number,), generator=generator)
    x_TD = 0.05 * torch.randn(number, TINY.hidden_size, generator=generator)
    x_TD += kinds_XD[kind] + 2.0 * parts_XD[part_T] + 0.3 * names_XD[name_T]
    return Labelled(x_TD, x_TD, name_T * NUM_PARTS + part_T)


def meeting(attention: InfiniAttention, told: Labelled, asked: Labelled) -> Tensor:
    branch = attention.memory_branch
    assert branch is not None
    by_told, by_asked = (attention.address(x.address_TD[None]) for x in (told, asked))
    keys = branch.key_features(branch.keys(by_told))[0]
    queries = branch.query_features(branch.queries(by_asked))[0]
    keys = keys.repeat_interleave(TINY.num_groups, dim=0)
    return torch.einsum("hap,hkp->hak", queries, keys)


def start(attention: InfiniAttention, told: Labelled, asked: Labelled, *, num_steps: int) -> Bound:
    assert attention.memory_branch is not None
    return bind(
        attention.memory_branch,
        attention,
        told,
        asked,
        num_steps=num_steps,
        learning_rate=3e-3,
        generator=torch.Generator().manual_seed(0),
    )


def bound_once(num_steps: int = 150) -> tuple[Decoder, InfiniAttention, Bound]:
    decoder, attention = grown()
    found = start(attention, tokens(0, 900, seed=1), tokens(1, 900, seed=2), num_steps=num_steps)
    return decoder, attention, found


def test_queries_meet_the_keys_of_their_subject_on_tokens_never_seen() -> None:
    _, attention, found = bound_once()
    told, asked = tokens(0, 300, seed=11).labelled(), tokens(1, 300, seed=12).labelled()
    same = asked.subject_T[:, None] == told.subject_T
    with torch.no_grad():
        meets = meeting(attention, told, asked)
        before = meeting(grown()[1], told, asked)
    assert float(meets[:, same].mean()) > 0.9
    assert float(meets[:, ~same].mean()) < 0.15
    assert float(before[:, same].mean() - before[:, ~same].mean()) < 0.5
    assert found.meets_own == pytest.approx(float(meets[:, same].mean()), abs=0.05)
    assert found.meets_other == pytest.approx(float(meets[:, ~same].mean()), abs=0.05)


def test_whose_answer_it_is_counts_however_loud_its_parts_are() -> None:
    _, attention = grown()
    found = start(
        attention, tokens_of_parts(0, 900, seed=1), tokens_of_parts(1, 900, seed=2), num_steps=150
    )
    told, asked = tokens_of_parts(0, 300, seed=11), tokens_of_parts(1, 300, seed=12)
    same = asked.subject_T[:, None] == told.subject_T
    name_A, name_K = asked.subject_T // NUM_PARTS, told.subject_T // NUM_PARTS
    part_A, part_K = asked.subject_T % NUM_PARTS, told.subject_T % NUM_PARTS
    same_name, same_part = name_A[:, None] == name_K, part_A[:, None] == part_K
    with torch.no_grad():
        meets = meeting(attention, told, asked)
    assert float(meets[:, same].mean()) > 0.8
    assert float(meets[:, same_part & ~same].mean()) < 0.2
    assert float(meets[:, same_name & ~same].mean()) < 0.2
    assert float(meets[:, ~same_name & ~same_part].mean()) < 0.05
    rights = [
        max(
            (float(of_query[told.subject_T == subject].mean()), int(subject))
            for subject in set(told.subject_T.tolist())
        )[1]
        == int(wanted)
        for head in meets
        for of_query, wanted in zip(head, asked.subject_T, strict=True)
    ]
    assert found.right == pytest.approx(sum(rights) / len(rights), abs=0.03)
    assert found.right > 0.95


def decoys(number: int, seed: int, subject: int) -> Labelled:
    """Draw tokens that look as if they told of the first subject, but for a direction of theirs."""
    told = tokens(0, 40 * number, seed)
    told = told.at(told.subject_T == 0).at(slice(number))
    own_D = torch.randn(TINY.hidden_size, generator=torch.Generator().manual_seed(99))
    x_TD = told.x_TD + own_D
    return Labelled(x_TD, x_TD, torch.full_like(told.subject_T, subject))


@pytest.mark.parametrize("subject", [DECOY, NOTHING])
def test_what_only_looks_like_a_fact_has_keys_of_its_own(subject: int) -> None:
    known, false = tokens(0, 900, seed=1), decoys(200, 5, subject)
    told = Labelled(
        torch.cat((false.x_TD, known.x_TD)),
        torch.cat((false.address_TD, known.address_TD)),
        torch.cat((false.subject_T, known.subject_T)),
    )
    _, attention = grown()
    asked = tokens(1, 900, seed=2)
    found = start(attention, told, asked, num_steps=150)
    assert found.right == 1.0
    with torch.no_grad():
        met = meeting(attention, decoys(50, 6, subject), asked.at(asked.subject_T == 0))
    # Gates learn to let it by either way; only decoys are told apart by keys as well.
    assert found.written_else < 0.1
    assert (float(met.mean()) < 0.15) == (subject == DECOY)


@torch.no_grad()
def test_keys_and_queries_of_several_tokens_are_bound_by_their_mean() -> None:
    """A subject that only the token before says, which no token is bound by itself."""
    decoder = tiny_decoder()
    grow_branches(decoder, replace(CONFIG, num_taps=2), seed=3)
    attention = decoder.layers[LAYER].self_attn
    assert isinstance(attention, InfiniAttention)
    branch = attention.memory_branch
    assert branch is not None

    def pairs(kind: int, seed: int) -> tuple[Tensor, Tensor]:
        """Give rows of two tokens, the subject in the first, and the subjects."""
        before = tokens(kind, 400, seed).labelled()
        noise = torch.Generator().manual_seed(seed)
        last = 0.3 * torch.randn(before.x_TD.shape, generator=noise)
        return torch.stack((before.x_TD, last), dim=1), before.subject_T

    told, asked = (
        Labelled(x_BSD[:, 1], moving_mean(x_BSD, 2)[:, 1], subject_T)
        for x_BSD, subject_T in (pairs(0, 1), pairs(1, 2))
    )
    with torch.enable_grad():
        assert start(attention, told, asked, num_steps=100).right > 0.95
    assert branch.key_taps is not None
    assert branch.query_taps is not None
    told_BSD, told_subject = pairs(0, 11)
    asked_BSD, asked_subject = pairs(1, 12)
    keys = branch.key_taps(branch.keys(attention.address(told_BSD)))[:, :, 1]
    queries = branch.query_taps(branch.queries(attention.address(asked_BSD)))[:, :, 1]
    keys_NKP = branch.key_features(keys.transpose(0, 1)[None])[0]
    queries_HAP = branch.query_features(queries.transpose(0, 1)[None])[0]
    keys_HKP = keys_NKP.repeat_interleave(TINY.num_groups, dim=0)
    meets = queries_HAP @ keys_HKP.transpose(1, 2)
    same = asked_subject[:, None] == told_subject
    assert float(meets[:, same].mean()) > 0.85
    assert float(meets[:, ~same].mean()) < 0.15


def test_what_is_never_told_is_no_mistake_of_a_query() -> None:
    _, attention = grown()
    told, asked = tokens(0, 600, seed=1).labelled(), tokens(1, 600, seed=2).labelled()
    only = told.at(told.subject_T < 2)
    found = start(attention, only, asked, num_steps=100)
    assert found.right > 0.95


def test_what_tells_is_written_and_what_asks_is_read() -> None:
    _, attention, found = bound_once(num_steps=1)
    branch = attention.memory_branch
    assert branch is not None
    told, asked = tokens(0, 300, seed=11), tokens(1, 300, seed=12)
    with torch.no_grad():
        rates = 1.15 * branch.rate(told.x_TD).sigmoid() - 0.15
        gates = branch.read_gate(asked.x_TD)
    assert float(rates[told.subject_T >= 0].mean()) > 0.9
    assert float(rates.clamp_min(0)[told.subject_T < 0].mean()) < 0.02
    assert float(gates[asked.subject_T >= 0].mean()) > 0.9
    assert float(gates[asked.subject_T < 0].mean()) < 0.02
    assert found.written > 0.9 > 0.02 > found.written_else
    assert found.opened > 0.9 > 0.02 > found.opened_else


def test_a_rate_of_several_tokens_opens_by_the_token_before() -> None:
    decoder = tiny_decoder()
    grow_branches(decoder, replace(CONFIG, num_rate_taps=2), seed=3)
    attention = decoder.layers[LAYER].self_attn
    branch = attention.memory_branch

    def pairs(seed: int) -> tuple[Tensor, Tensor]:
        """Give rows of two tokens, the second alike whatever the first says, and the subjects."""
        before = tokens(0, 900, seed)
        last = 0.3 * torch.randn(before.x_TD.shape, generator=torch.Generator().manual_seed(seed))
        return torch.stack((before.x_TD, last), dim=1), before.subject_T

    x_BSD, subject_T = pairs(1)
    seen_TD = torch.cat((x_BSD, moving_mean(x_BSD, 2)), dim=-1)[:, 1]
    told = Labelled(seen_TD, x_BSD[:, 1], subject_T)
    found = start(attention, told, tokens(1, 900, seed=2), num_steps=1)
    x_BSD, subject_T = pairs(11)
    with torch.no_grad():
        rate_T = floored_sigmoid(branch.rate_scores(x_BSD))[:, 1].mean(dim=1)
    assert float(rate_T[subject_T >= 0].mean()) > 0.9 > 0.05 > float(rate_T[subject_T < 0].mean())
    assert found.written > 0.9 > 0.05 > found.written_else


def test_values_gains_and_the_base_stay_and_a_seed_gives_the_same_bits() -> None:
    before = grown()[0].state_dict()
    once, again = bound_once(num_steps=5)[0].state_dict(), bound_once(num_steps=5)[0].state_dict()
    learnt = ("query", "key", "rate", "read_gate")
    for name, tensor in once.items():
        assert torch.equal(tensor, again[name]), name
        part = name.partition(".memory_branch.")[2]
        if not part.startswith(learnt):
            assert torch.equal(tensor, before[name]), name
        elif part.endswith(("up_OR", "map", "center", "bias")):
            assert not torch.equal(tensor, before[name]), name


def test_layers_see_what_they_see_when_a_segment_is_read() -> None:
    decoder, _ = grown()
    ids = random_ids(2, 9)
    seen: list[Tensor] = []
    layer = decoder.layers[LAYER]
    original = layer.attention_input

    def watch(residual: Tensor) -> Tensor:
        seen.append(original(residual))
        return seen[-1]

    layer.attention_input = watch  # type: ignore[method-assign]
    with torch.no_grad():
        decoder.read_segment(ids, None)
    layer.attention_input = original  # type: ignore[method-assign]
    found = decoder.attention_inputs(ids, (LAYER, 0))
    assert found.keys() == {0, LAYER}
    assert torch.equal(found[LAYER], seen[0])


def test_nothing_told_or_asked_is_refused() -> None:
    _, attention = grown()
    told = tokens(0, 20, seed=1)
    silent = Labelled(told.x_TD, told.address_TD, torch.full_like(told.subject_T, -1))
    for pair in ((told, silent), (silent, told)):
        with pytest.raises(ValueError, match="nothing"):
            start(attention, *pair, num_steps=1)
