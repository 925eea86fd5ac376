"""Writing: branches equal re-reading the whole text, alone and in a batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from infini_models.branch_cache import BranchCache
from infini_models.decoder import Decoder
from infini_models.generate import Branch, read_prompt, write_branches
from infini_models.memory import Memory
from infini_models.sampling import Sampling

from tests.infini_models.build import TINY, random_ids, tiny_decoder

NO_STOP: frozenset[int] = frozenset()


def greedy(decoder: Decoder, ids: list[int], num_tokens: int, memory: Memory | None) -> list[int]:
    """Write by reading everything again for every token."""
    text = list(ids)
    for _ in range(num_tokens):
        with torch.inference_mode():
            result = decoder.read_segment(torch.tensor([text]), memory, write=False)
            text.append(int(decoder.logits(result.hidden_BSD[0, -1]).argmax()))
    return text[len(ids) :]


def branch_of(
    decoder: Decoder, length: int, seed: int, max_tokens: int = 8
) -> tuple[Branch, list[int]]:
    """Make a branch that continues a segment, and the ids that it continues."""
    ids = random_ids(length, seed=seed).tolist()
    with torch.inference_mode():
        result = decoder.read_segment(torch.tensor([ids]), None, keep_cache=True)
    return Branch([3, 5, 7], max_tokens, result.cache), [*ids, 3, 5, 7]


def test_a_branch_equals_reading_everything_again() -> None:
    decoder = tiny_decoder()
    branch, ids = branch_of(decoder, 10, seed=2)
    (written,) = write_branches(decoder, [branch], Sampling(), NO_STOP)
    assert written.ids == greedy(decoder, ids, 8, None)
    assert written.finished == "length"


def test_branches_of_different_lengths_write_together_as_they_do_alone() -> None:
    decoder = tiny_decoder()
    made = [branch_of(decoder, length, seed=length, max_tokens=length) for length in (3, 9, 6)]
    together = write_branches(decoder, [branch for branch, _ in made], Sampling(), NO_STOP)
    for written, (branch, ids) in zip(together, made, strict=True):
        assert written.ids == greedy(decoder, ids, branch.max_tokens, None)
        (alone,) = write_branches(decoder, [branch], Sampling(), NO_STOP)
        assert written.ids == alone.ids


@pytest.mark.parametrize("num_threads", [1, 2])
def test_independent_texts_are_the_same_to_the_last_bit_whatever_is_beside_them(
    num_threads: int,
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    decoder = tiny_decoder()
    made = [branch_of(decoder, length, seed=length)[0] for length in (3, 130, 517, 9, 250)]
    together = write_branches(decoder, made, Sampling(), NO_STOP, independent=True)
    for written, branch in zip(together, made, strict=True):
        (alone,) = write_branches(decoder, [branch], Sampling(), NO_STOP, independent=True)
        assert written == alone
        assert written.log_probabilities == alone.log_probabilities
    torch.set_num_threads(before)


def test_how_sure_the_model_was_is_told_of_every_token_the_stop_included() -> None:
    decoder = tiny_decoder()
    made = [branch_of(decoder, length, seed=length, max_tokens=6) for length in (4, 9)]
    stop = greedy(decoder, made[1][1], 3, None)[-1]
    # What is discouraged in writing does not change what the model holds likely.
    sampling = Sampling(temperature=0.7, repetition_penalty=1.5, seed=3)
    for chosen in (Sampling(), sampling):
        written = write_branches(decoder, [branch for branch, _ in made], chosen, {stop})
        for one, (_, ids) in zip(written, made, strict=True):
            tokens = [*one.ids, stop] if one.finished == "stop" else one.ids
            with torch.inference_mode():
                text = torch.tensor([[*ids, *tokens]])
                hidden_SD = decoder.read_segment(text, None, write=False).hidden_BSD[0]
                logits_SV = decoder.logits(hidden_SD[len(ids) - 1 : -1])
            expected = logits_SV.log_softmax(-1)[range(len(tokens)), tokens]
            assert torch.tensor(one.log_probabilities).allclose(expected, atol=1e-4)
    assert "stop" in {
        one.finished
        for one in write_branches(decoder, [branch for branch, _ in made], Sampling(), {stop})
    }


def test_released_segments_are_empty_and_the_texts_the_same() -> None:
    decoder = tiny_decoder()
    branches = [branch_of(decoder, length, seed=length)[0] for length in (3, 9)]
    # Two branches may continue one segment.
    branches.append(branches[1])
    kept = write_branches(decoder, branches, Sampling(), NO_STOP)
    released = write_branches(decoder, branches, Sampling(), NO_STOP, release=True)
    assert [written.ids for written in released] == [written.ids for written in kept]
    for branch, num_tokens in zip(branches, (3, 9, 9), strict=True):
        assert branch.cache is not None
        assert branch.cache.num_bytes == 0
        assert branch.cache.num_tokens == num_tokens


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_texts_that_share_a_segment_write_as_they_do_alone(data: st.DataObject) -> None:
    """Families of any sizes in any order, members that stop at any time, whole families gone."""
    decoder = tiny_decoder(gate_init=1.0)
    has_memory = data.draw(st.booleans())
    memories, segments = [], []
    for length in (3, 8, 5):
        ids = random_ids(1, length, seed=length)
        with torch.inference_mode():
            earlier = decoder.read_segment(random_ids(1, 6, seed=-length), decoder.empty_memory())
            memory = earlier.memory if has_memory else None
            read = decoder.read_segment(ids, memory, write=False, keep_cache=True)
        memories.append(memory)
        segments.append((read.cache, ids[0].tolist()))
    segments.append((None, []))
    memories.append(memories[0])
    branches, texts = [], []
    owners = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=7))
    for seed, owner in enumerate(owners):
        prompt = random_ids(data.draw(st.integers(1, 4)), seed=seed).tolist()
        cache, ids_before = segments[owner]
        branches.append(Branch(prompt, data.draw(st.integers(1, 6)), cache, memories[owner]))
        texts.append([*ids_before, *prompt])
    written = write_branches(decoder, branches, Sampling(), NO_STOP)
    for one, branch, text in zip(written, branches, texts, strict=True):
        assert one.ids == greedy(decoder, text, branch.max_tokens, branch.memory)


def test_a_segment_is_held_once_for_all_its_texts() -> None:
    decoder = tiny_decoder()
    cache = branch_of(decoder, 9, seed=2)[0].cache
    assert cache is not None
    shape = (TINY.num_layers, TINY.num_key_value_heads, TINY.head_dim)
    held = BranchCache([cache, None, cache], [None] * 3, 4, shape, torch.float32)
    assert held.num_families == 2
    assert held.keys[0].shape[:3] == (2, TINY.num_key_value_heads, 9 + 2 * 4)
    held.keep([1])
    assert held.num_families == 1
    # Not for texts that remember different things.
    one, other = (decoder.empty_memory() for _ in range(2))
    apart = BranchCache([cache] * 3, [one, other, one], 4, shape, torch.float32)
    assert apart.num_families == 2
    assert apart.memory is not None
    assert len(apart.memory[0].memory_BNKV) == 2


def test_a_branch_reads_its_own_memory_and_writes_to_none() -> None:
    decoder = tiny_decoder(gate_init=1.0)
    branches, expected = [], []
    for seed in (1, 2):
        with torch.inference_mode():
            result = decoder.read_segment(random_ids(1, 8, seed=seed), decoder.empty_memory())
        branch, ids = branch_of_memory(decoder, result.memory, seed)
        branches.append(branch)
        expected.append(greedy(decoder, ids, 8, result.memory))
    before = [layer.memory_BNKV.clone() for branch in branches for layer in branch.memory or ()]
    together = write_branches(decoder, branches, Sampling(), NO_STOP)
    assert [written.ids for written in together] == expected
    after = [layer.memory_BNKV for branch in branches for layer in branch.memory or ()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    other = Branch(branches[0].prompt, 8, branches[0].cache, branches[1].memory)
    (written,) = write_branches(decoder, [other], Sampling(), NO_STOP)
    assert written.ids != expected[0]


def branch_of_memory(
    decoder: Decoder, memory: Memory | None, seed: int
) -> tuple[Branch, list[int]]:
    ids = random_ids(6, seed=seed + 50).tolist()
    with torch.inference_mode():
        result = decoder.read_segment(torch.tensor([ids]), memory, write=False, keep_cache=True)
    return Branch([4, 8], 8, result.cache, memory), [*ids, 4, 8]


def test_a_stop_token_ends_one_branch_and_not_the_others() -> None:
    decoder = tiny_decoder()
    made = [branch_of(decoder, length, seed=length) for length in (4, 7)]
    free = write_branches(decoder, [branch for branch, _ in made], Sampling(), NO_STOP)
    stop = next(token for token in free[0].ids if token not in free[1].ids)
    stopped = write_branches(decoder, [branch for branch, _ in made], Sampling(), {stop})
    assert stopped[0].finished == "stop"
    assert stopped[0].ids == free[0].ids[: free[0].ids.index(stop)]
    assert stopped[1].ids == free[1].ids


def test_a_long_prompt_read_at_once_writes_the_same() -> None:
    decoder = tiny_decoder()
    ids = random_ids(20, seed=3).tolist()
    step_by_step = write_branches(decoder, [Branch(ids, 6)], Sampling(), NO_STOP)
    at_once = write_branches(decoder, [read_prompt(decoder, Branch(ids, 6))], Sampling(), NO_STOP)
    assert step_by_step == at_once
    assert at_once[0].ids == greedy(decoder, ids, 6, None)


def test_every_token_is_told_as_it_is_written() -> None:
    decoder = tiny_decoder()
    made = [branch_of(decoder, length, seed=length, max_tokens=3) for length in (4, 7)]
    told: list[tuple[int, int]] = []
    results = write_branches(
        decoder,
        [branch for branch, _ in made],
        Sampling(),
        NO_STOP,
        lambda index, token: told.append((index, token)),
    )
    assert [index for index, _ in told] == [0, 1, 0, 1, 0, 1]
    assert [token for index, token in told if index == 1] == results[1].ids


def test_nothing_to_write_is_nothing_written() -> None:
    assert write_branches(tiny_decoder(), [], Sampling(), NO_STOP) == []
    with pytest.raises(ValueError, match="at least one token"):
        Branch([], 4)


def test_draws_do_not_depend_on_the_batch() -> None:
    decoder = tiny_decoder()
    made = [branch_of(decoder, length, seed=length)[0] for length in (4, 7)]
    branches = [Branch(b.prompt, 8, b.cache, stream=index) for index, b in enumerate(made)]
    sampling = Sampling(temperature=1.5, top_k=20, seed=4)
    together = write_branches(decoder, branches, sampling, NO_STOP)
    alone = [write_branches(decoder, [branch], sampling, NO_STOP)[0] for branch in branches]
    assert together == alone
    assert together != write_branches(
        decoder, branches, Sampling(temperature=1.5, top_k=20, seed=5), NO_STOP
    )
