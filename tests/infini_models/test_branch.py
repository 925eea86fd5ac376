"""The memory branch: its equations, and its silence where nothing was written."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from infini_models.adapter import grow_branches
from infini_models.attention import NUM_SINKS, InfiniAttention
from infini_models.branch_cache import BranchCache
from infini_models.config import BranchConfig
from infini_models.gates import floored_sigmoid
from infini_models.generate import Branch, read_prompt, write_branches
from infini_models.rotary import rotary_tables
from infini_models.sampling import Sampling
from torch import Tensor

from tests.infini_models.branched import CONFIG, SEGMENT, branched, stream
from tests.infini_models.build import TINY, random_ids, tiny_decoder


def slow(attention: InfiniAttention, x_SD: Tensor, segment_length: int) -> Tensor:
    """The equations a token and a head at a time: what is added to local attention, all heads."""
    branch, config = attention.memory_branch, attention.config
    assert branch is not None
    width, shared = config.head_dim, config.num_key_value_heads
    sharpness = branch.branch_config.sharpness
    out = torch.zeros(len(x_SD), config.num_heads * width)

    def project(name: str, x_D: Tensor) -> Tensor:
        own = getattr(attention, f"{name[0]}_proj").weight
        correction = getattr(branch, name)
        return ((own + correction.up_OR @ correction.down_RI) @ x_D).view(-1, width)

    def features(x_K: Tensor, center_K: Tensor, map_FK: Tensor) -> Tensor:
        mapped = map_FK @ (x_K - center_K)
        if sharpness:
            mapped = sharpness * mapped / mapped.square().mean().sqrt()
        soft = torch.cat((mapped, -mapped)).softmax(0)
        return soft / soft.norm()

    def floored(y: Tensor) -> Tensor:
        return (1.15 * y.sigmoid() - 0.15).clamp(min=0)

    def convolved(name: str, tokens_SD: Tensor, place: int, head: int) -> Tensor:
        taps = getattr(branch, f"{name}_taps")
        if taps is None:
            return project(name, tokens_SD[place])[head]
        total = torch.zeros(width)
        for tap, weight_K in enumerate(taps.taps_HTK[head]):
            if place - tap >= 0:  # a segment knows none of the tokens before it
                total = total + weight_K * project(name, tokens_SD[place - tap])[head]
        return total

    memory = torch.zeros(shared, 2 * branch.branch_config.num_features, width)

    def read(tokens: Tensor, place: int) -> Tensor:
        gates = floored(branch.read_gate.scores(tokens[place]))
        heads = []
        for head in range(config.num_heads):
            query_K, center_K = convolved("query", tokens, place, head), branch.query_center
            phi = features(query_K, center_K[head, 0], branch.query_map[head])
            retrieved = phi @ memory[head // config.num_groups]
            heads.append(branch.gain[head] * gates[head] * retrieved)
        return torch.cat(heads)

    def write(tokens: Tensor, place: int) -> None:
        scores = branch.rate(tokens[place])
        num_taps = branch.branch_config.num_rate_taps
        if num_taps > 1:
            mean_D = tokens[max(0, place + 1 - num_taps) : place + 1].sum(dim=0) / num_taps
            scores = scores + branch.rate_mean(mean_D)
        rates = floored(scores)
        for head in range(shared):
            key_K, center_K = convolved("key", tokens, place, head), branch.key_center
            phi = features(key_K, center_K[head, 0], branch.key_map[head])
            known, value_V = phi @ memory[head], project("value", tokens[place])[head]
            memory[head] += rates[head] * torch.outer(phi, value_V - known)

    for start in range(0, len(x_SD), segment_length):
        tokens = x_SD[start : start + segment_length]
        if branch.branch_config.read_within:
            for place in range(len(tokens)):
                out[start + place] = read(tokens, place)
                write(tokens, place)
            continue
        for place in range(len(tokens)):
            out[start + place] = read(tokens, place)
        for place in range(len(tokens)):
            write(tokens, place)
    return out


@pytest.mark.parametrize("rate_bias", [9.0, -5.0])
def test_the_branch_is_its_equations(rate_bias: float, config: BranchConfig) -> None:
    attention = branched(config).layers[0].self_attn
    branch = attention.memory_branch
    with torch.no_grad():
        branch.rate.bias.fill_(rate_bias)
        branch.rate.weight.mul_(20)
    x_BSD = torch.randn(2, 30, TINY.hidden_size, generator=torch.Generator().manual_seed(1))
    memory, parts = branch.empty_memory(2), []
    with torch.no_grad():
        for start in range(0, 30, SEGMENT):
            part_BSD = x_BSD[:, start : start + SEGMENT]
            value, address = attention.project(part_BSD)[2], attention.address(part_BSD)
            queries = branch.queries(address)
            after, writes = branch.write(part_BSD, address, value, memory)
            within = writes if config.read_within else None
            read = branch.read(part_BSD, queries, memory, writes=within)
            parts.append(read.transpose(1, 2).flatten(2))
            memory = after
        found = torch.cat(parts, dim=1)
        for row in range(2):
            torch.testing.assert_close(
                found[row], slow(attention, x_BSD[row], SEGMENT), atol=1e-5, rtol=1e-4
            )
        # And how it comes out: beside local attention, with a correction of its own.
        part_BSD = x_BSD[:, :SEGMENT]
        tables = rotary_tables(branched().frequencies, torch.arange(SEGMENT))
        with_memory = attention.read_segment(part_BSD, tables, memory, write=False).output_BSD
        without = attention.read_segment(part_BSD, tables, None).output_BSD
        queries = branch.queries(attention.address(part_BSD))
        read = branch.read(part_BSD, queries, memory)
        merged = read.transpose(1, 2).flatten(2)
        own = attention.o_proj.weight + branch.output.up_OR @ branch.output.down_RI
        torch.testing.assert_close(with_memory - without, merged @ own.T, atol=1e-5, rtol=1e-4)
        # At -5 some tokens are written in one row or head alone, and some in none.
        segments = x_BSD.split(SEGMENT, dim=1)
        rates = floored_sigmoid(torch.cat([branch.rate_scores(x) for x in segments], dim=1))
        unwritten = (rates == 0).all(dim=-1)
        assert bool(unwritten.all(dim=0).any()) is (rate_bias < 0)
        assert bool((unwritten[0] != unwritten[1]).any()) is (rate_bias < 0)


def test_with_the_memory_off_the_base_is_untouched() -> None:
    base, decoder = tiny_decoder(), branched()
    ids = random_ids(2, SEGMENT)
    with torch.inference_mode():
        plain = base.read_segment(ids, None).hidden_BSD
        assert torch.equal(decoder.read_segment(ids, None).hidden_BSD, plain)
        # And in the first segment, while the memory is empty.
        first = decoder.read_segment(ids, decoder.empty_memory(2))
        assert torch.equal(first.hidden_BSD, plain)
        second = decoder.read_segment(ids, first.memory)
        assert not torch.equal(second.hidden_BSD, plain)
        # Nor where no token asks for anything.
        branches = [decoder.layers[index].self_attn.memory_branch for index in CONFIG.layers]
        for branch in branches:
            branch.read_gate.weight.zero_()
            branch.read_gate.bias.fill_(-2.0)
        assert torch.equal(decoder.read_segment(ids, first.memory).hidden_BSD, plain)
        assert not decoder.is_closed
        for branch in branches:
            branch.gain.zero_()
        assert decoder.is_closed
        assert torch.equal(decoder.read_segment(ids, first.memory).hidden_BSD, plain)


def test_later_segments_change_nothing_earlier_and_earlier_ones_matter(
    config: BranchConfig,
) -> None:
    decoder = branched(config)
    ids = random_ids(1, 3 * SEGMENT)
    changed = ids.clone()
    changed[0, SEGMENT + 3] = (changed[0, SEGMENT + 3] + 1) % TINY.vocab_size
    with torch.inference_mode():
        one, other = stream(decoder, ids)[0], stream(decoder, changed)[0]
    assert torch.equal(one[:, : SEGMENT + 3], other[:, : SEGMENT + 3])
    assert not torch.equal(one[:, 2 * SEGMENT :], other[:, 2 * SEGMENT :])


def test_the_memory_alone_is_the_same_without_the_layers_above_it() -> None:
    decoder = tiny_decoder()
    grow_branches(decoder, BranchConfig(layers=(0, 1), num_features=4))
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    decoder.layers[2].register_forward_hook(count)
    decoder.layers[2].mlp.register_forward_hook(count)
    memory = alone = decoder.empty_memory()
    with torch.inference_mode():
        for seed in range(3):
            whole = decoder.read_segment(random_ids(1, SEGMENT, seed=seed), memory).memory
            only = decoder.read_segment(
                random_ids(1, SEGMENT, seed=seed), alone, memory_only=True
            ).memory
            assert whole is not None
            assert only is not None
            memory, alone = whole, only
    assert calls == 3
    assert len(alone) == len(memory) == 3
    for one, other in zip(memory, alone, strict=True):
        assert torch.equal(one.memory_BNKV, other.memory_BNKV)


def test_gradients_reach_the_writes_of_earlier_segments_and_not_the_base(
    config: BranchConfig,
) -> None:
    decoder = branched(config)
    for name, parameter in decoder.named_parameters():
        parameter.requires_grad_(".memory_branch." in name)
    hidden, _ = stream(decoder, random_ids(1, 3 * SEGMENT))
    hidden[:, -1].square().sum().backward()
    for index in CONFIG.layers:
        branch = decoder.layers[index].self_attn.memory_branch
        for name, parameter in branch.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_a_text_written_after_a_segment_reads_its_memory(config: BranchConfig) -> None:
    """As it reads it where all of the text stands in the segment."""
    decoder = branched(config)
    with torch.no_grad():
        for layer in decoder.layers:
            if layer.self_attn.memory_branch is not None:
                layer.self_attn.memory_branch.gain.fill_(4.0)
    with torch.inference_mode():
        memory = stream(decoder, random_ids(1, 3 * SEGMENT))[1]
        branches, expected = [], []
        # After a segment, after one of a single token, and from nothing; prompts of any length.
        for seed, (num_read, num_asked) in enumerate([(9, 1), (1, 5), (0, 3), (6, 2)]):
            ids = random_ids(1, num_read + num_asked, seed=seed)[0].tolist()
            cache = None
            if num_read:
                read = torch.tensor([ids[:num_read]])
                cache = decoder.read_segment(read, memory, write=False, keep_cache=True).cache
            branches.append(Branch(ids[num_read:], 7 - seed, cache, memory))
            for _ in range(7 - seed):
                whole = decoder.read_segment(torch.tensor([ids]), memory, write=False)
                ids.append(int(decoder.logits(whole.hidden_BSD[0, -1]).argmax()))
            expected.append(ids[num_read + num_asked :])
        prompt = random_ids(1, 9, seed=7)[0].tolist()
        whole = decoder.read_segment(torch.tensor([prompt]), memory, write=False)
        expected.append([int(decoder.logits(whole.hidden_BSD[0, -1]).argmax())])
    branches.append(read_prompt(decoder, Branch(prompt, 1, None, memory)))
    written = write_branches(decoder, branches, Sampling(), ())
    assert [one.ids for one in written] == expected
    without = [Branch(one.prompt, one.max_tokens, one.cache, None) for one in branches]
    assert [one.ids for one in write_branches(decoder, without, Sampling(), ())] != expected


def test_a_segment_is_found_as_it_is_written_and_by_what_continues_it() -> None:
    decoder = branched(replace(CONFIG, read_within=True, num_taps=3))
    before, other = (stream(decoder, random_ids(1, SEGMENT, seed=seed))[1] for seed in (1, 2))
    empty = decoder.empty_memory(1)
    ids = random_ids(1, 2 * SEGMENT, seed=4)
    with torch.inference_mode():
        for memory in (before, empty):
            whole = decoder.read_segment(ids, memory)
            for read in (NUM_SINKS + 1, SEGMENT, 2 * SEGMENT - 1):
                # A token finds what those before it wrote, and nothing of itself or of those after.
                part = decoder.read_segment(ids[:, :read], memory, keep_cache=True)
                torch.testing.assert_close(
                    part.hidden_BSD, whole.hidden_BSD[:, :read], atol=2e-5, rtol=1e-4
                )
                cache = BranchCache([part.cache], [memory], 1, (3, 2, TINY.head_dim), decoder.dtype)
                next_BD = decoder.extend(ids[:, read : read + 1], torch.tensor([1]), cache)
                torch.testing.assert_close(next_BD, whole.hidden_BSD[:, read], atol=2e-5, rtol=1e-4)
            # What is not written is not found, and what is before the segment always is.
            unwritten = decoder.read_segment(ids, memory, write=False, keep_cache=True)
            assert not torch.equal(unwritten.hidden_BSD, whole.hidden_BSD)
            assert unwritten.cache.memory is None
        assert not torch.equal(decoder.read_segment(ids, other).hidden_BSD, whole.hidden_BSD)
        off = decoder.read_segment(ids, None, keep_cache=True)
        assert off.cache.memory is None


def test_gradients_reach_what_the_same_segment_wrote() -> None:
    decoder = branched(replace(CONFIG, layers=(2,), read_within=True))
    ids = random_ids(1, SEGMENT)
    branch = decoder.layers[2].self_attn.memory_branch
    hidden = decoder.read_segment(ids, decoder.empty_memory(1)).hidden_BSD
    trained = [branch.value.up_OR, branch.key_map, branch.rate.weight]
    for gradient in torch.autograd.grad(hidden[0, -1].square().sum(), trained):
        assert float(gradient.abs().max()) > 0


def test_long_reading_in_bfloat16_stays_finite(config: BranchConfig) -> None:
    decoder = branched(config, "bfloat16")
    memory = decoder.empty_memory()
    with torch.inference_mode():
        for seed in range(200):
            result = decoder.read_segment(random_ids(1, SEGMENT, seed=seed), memory)
            assert result.memory is not None
            memory = result.memory
            assert torch.isfinite(result.hidden_BSD).all()
