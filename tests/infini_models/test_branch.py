"""The memory branch: its equations, its silence where nothing was written, its adapter file."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from infini_models.adapter import (
    center_branches,
    grow_branches,
    read_memory_config,
    restore_branches,
    serialize_adapter,
)
from infini_models.attention import NUM_SINKS, InfiniAttention
from infini_models.branch_cache import BranchCache
from infini_models.config import PAPER, BranchConfig
from infini_models.decoder import Decoder
from infini_models.delta import delta_write
from infini_models.errors import ConfigError, WeightsError
from infini_models.gates import floored_sigmoid
from infini_models.generate import Branch, read_prompt, write_branches
from infini_models.load import load_decoder
from infini_models.memory import LayerMemory
from infini_models.rotary import rotary_tables
from infini_models.sampling import Sampling
from infini_models.snapshot import memory_from_tensors, memory_tensors
from safetensors.torch import save_file
from torch import Tensor

from tests.infini_models.build import TINY, random_ids, tiny_decoder

SEGMENT = 12
CONFIG = BranchConfig(layers=(0, 2), num_features=6, gain_init=0.5)
HUGGING_FACE = {
    "model_type": "llama",
    "vocab_size": TINY.vocab_size,
    "hidden_size": TINY.hidden_size,
    "num_hidden_layers": TINY.num_layers,
    "num_attention_heads": TINY.num_heads,
    "num_key_value_heads": TINY.num_key_value_heads,
    "head_dim": TINY.head_dim,
    "intermediate_size": TINY.intermediate_size,
    "rms_norm_eps": TINY.rms_norm_eps,
    "rope_theta": TINY.rope_theta,
    "tie_word_embeddings": True,
}


@pytest.fixture(
    params=[
        {},
        {"num_taps": 4},
        {"num_rate_taps": 3},
        {"sharpness": 1.5},
        {"address_layer": 0},
        {"address_layer": 0, "num_taps": 3},
        {"read_within": True},
        {"read_within": True, "address_layer": 0, "num_taps": 3},
    ],
    ids=[
        *(
            "one-tap",
            "four-taps",
            "rate-taps",
            "sharp",
            "addressed",
            "addressed-taps",
        ),
        *("within", "within-addressed-taps"),
    ],
)
def config(request: pytest.FixtureRequest) -> BranchConfig:
    return replace(CONFIG, **request.param)


def branched(config: BranchConfig = CONFIG, form: str = "float32") -> Decoder:
    decoder = tiny_decoder(form=form)
    grow_branches(decoder, config)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            if ".memory_branch." in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return decoder


def stream(decoder: Decoder, ids_BS: Tensor) -> tuple[Tensor, tuple[object, ...]]:
    memory, hidden = decoder.empty_memory(ids_BS.shape[0]), []
    for start in range(0, ids_BS.shape[1], SEGMENT):
        result = decoder.read_segment(ids_BS[:, start : start + SEGMENT], memory)
        assert result.memory is not None
        memory = result.memory
        hidden.append(result.hidden_BSD)
    return torch.cat(hidden, dim=1), memory


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


def test_what_is_not_worth_keeping_leaves_the_memory_as_it_was() -> None:
    attention = branched().layers[0].self_attn
    branch = attention.memory_branch
    x_BSD = torch.randn(1, 20, TINY.hidden_size, generator=torch.Generator().manual_seed(2))

    def write(x_BSD: Tensor, memory: LayerMemory) -> LayerMemory:
        value, address = attention.project(x_BSD)[2], attention.address(x_BSD)
        after: LayerMemory = branch.write(x_BSD, address, value, memory)[0]
        return after

    with torch.no_grad():
        memory = write(x_BSD, branch.empty_memory(1))
        assert 0 < float(memory.normalizer_BNK.mean()) < 20
        branch.rate.weight.zero_()
        branch.rate.bias.fill_(-3.0)
        after = write(x_BSD.flip(1), memory)
        assert torch.equal(after.memory_BNKV, memory.memory_BNKV)
        assert torch.equal(after.normalizer_BNK, memory.normalizer_BNK)
        branch.rate.bias.fill_(30.0)
        full = write(x_BSD, branch.empty_memory(1))
        torch.testing.assert_close(full.normalizer_BNK, torch.full((1, 2, 1), 20.0))


@pytest.mark.parametrize(("bias", "is_pushed"), [(-1.0, True), (-2.5, True), (-5.0, False)])
def test_training_pushes_down_what_is_hardly_unwritten(bias: float, is_pushed: bool) -> None:
    attention = branched().layers[0].self_attn
    branch = attention.memory_branch
    x_BSD = torch.randn(1, 20, TINY.hidden_size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        branch.rate.weight.zero_()
        branch.rate.bias.fill_(bias)
        value, address = attention.project(x_BSD)[2], attention.address(x_BSD)
        known, _ = branch.write(x_BSD, address, value, branch.empty_memory(1))
    written, _ = branch.write(x_BSD, address, value, branch.empty_memory(1))
    assert torch.equal(written.memory_BNKV, known.memory_BNKV)
    assert torch.equal(written.normalizer_BNK, known.normalizer_BNK)
    (pushed,) = torch.autograd.grad(written.normalizer_BNK.sum(), branch.rate.bias)
    assert bool((pushed > 0).all()) is is_pushed


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


def test_more_taps_change_nothing_until_they_are_trained(tmp_path: Path) -> None:
    decoder = branched()
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(serialize_adapter(decoder, torch.float32))
    widened = tiny_decoder()
    restore_branches(widened, path, num_taps=5)
    assert widened.memory_config == replace(CONFIG, num_taps=5)
    ids = random_ids(1, 3 * SEGMENT)
    with torch.inference_mode():
        found, expected = (stream(one, ids)[0] for one in (widened, decoder))
    torch.testing.assert_close(found, expected)
    # And a wide one stays as wide as it is.
    path.write_bytes(serialize_adapter(widened, torch.float32))
    again = tiny_decoder()
    restore_branches(again, path, num_taps=7)
    assert again.memory_config == widened.memory_config


@pytest.mark.parametrize("form", ["float32", "bfloat16"])
def test_an_adapter_restores_every_tensor(form: str, config: BranchConfig, tmp_path: Path) -> None:
    base, decoder = tiny_decoder(), branched(config)
    tensors = {
        f"model.{name}": tensor.contiguous()
        for name, tensor in base.state_dict().items()
        if name != "lm_head.weight" and not name.endswith("memory_gate")
    }
    save_file(tensors, tmp_path / "base.safetensors")
    adapter = serialize_adapter(decoder, torch.float32)
    (tmp_path / "adapter.safetensors").write_bytes(adapter)
    files = [tmp_path / "base.safetensors", tmp_path / "adapter.safetensors"]
    loaded = load_decoder(HUGGING_FACE, files, form)
    assert loaded.memory_config == config == read_memory_config(files)
    if form == "float32":
        state = loaded.state_dict()
        assert state.keys() == decoder.state_dict().keys()
        for name, tensor in decoder.state_dict().items():
            assert torch.equal(state[name], tensor), name
    ids = random_ids(1, 3 * SEGMENT)
    with torch.inference_mode():
        expected, found = stream(decoder, ids)[0], stream(loaded, ids)[0]
    torch.testing.assert_close(found, expected, atol=0 if form == "float32" else 0.3, rtol=0.1)
    # Without the adapter it is the base, and without the base nothing.
    assert load_decoder(HUGGING_FACE, files[:1], form).memory_config == PAPER
    with pytest.raises(WeightsError, match="missing"):
        load_decoder(HUGGING_FACE, files[1:], form)


def test_its_memory_is_saved_and_restored() -> None:
    decoder = branched()
    with torch.inference_mode():
        memory = stream(decoder, random_ids(1, 2 * SEGMENT))[1]
        restored = memory_from_tensors(memory_tensors(memory), decoder.empty_memory())
    for index, (one, other) in enumerate(zip(memory, restored, strict=True)):
        assert torch.equal(one.memory_BNKV, other.memory_BNKV)
        assert bool(one.filled_B.all()) is (index in CONFIG.layers)


def test_long_reading_in_bfloat16_stays_finite(config: BranchConfig) -> None:
    decoder = branched(config, "bfloat16")
    memory = decoder.empty_memory()
    with torch.inference_mode():
        for seed in range(200):
            result = decoder.read_segment(random_ids(1, SEGMENT, seed=seed), memory)
            assert result.memory is not None
            memory = result.memory
            assert torch.isfinite(result.hidden_BSD).all()


def test_a_memory_is_addressed_by_what_a_lower_layer_sees() -> None:
    """Segment by segment, by hand: layer 2 writes and reads with queries and keys of layer 1."""
    decoder = branched(replace(CONFIG, layers=(2,), address_layer=1))
    ids = random_ids(2, 3 * SEGMENT)
    first, second = decoder.layers[1].self_attn, decoder.layers[2].self_attn
    branch = second.memory_branch
    with torch.inference_mode():
        found, _ = stream(decoder, ids)
        memory = branch.empty_memory(2)
        for start in range(0, ids.shape[1], SEGMENT):
            part = ids[:, start : start + SEGMENT]
            tables = rotary_tables(decoder.frequencies, torch.arange(part.shape[1]))
            hidden = decoder.embed_tokens(part)
            for layer in decoder.layers[:1]:
                hidden, _, _ = layer.read_segment(hidden, tables, None)
            low = decoder.layers[1].attention_input(hidden)
            hidden, _, _ = decoder.layers[1].read_segment(hidden, tables, None)
            x = decoder.layers[2].attention_input(hidden)
            query, key, _ = first.project(low)
            own = {
                "query": query + branch._heads(branch.query(low)),
                "key": key + branch._heads(branch.key(low)),
            }
            local = second.read_segment(x, tables, None).output_BSD
            read = branch.read(x, own["query"], memory).transpose(1, 2).flatten(2)
            hidden = hidden + local + second.o_proj(read) + branch.output(read)
            hidden = decoder.layers[2].add_feed_forward(hidden)
            torch.testing.assert_close(
                decoder.norm(hidden), found[:, start : start + SEGMENT], atol=2e-5, rtol=1e-4
            )
            features = branch.key_features(own["key"])[:, :, NUM_SINKS:]
            late = x[:, NUM_SINKS:]
            values = second.project(late)[2] + branch._heads(branch.value(late))
            rates = floored_sigmoid(branch.rate(late)).transpose(1, 2)
            written, _ = delta_write(memory.memory_BNKV, features, values, rates)
            memory = LayerMemory(written, memory.normalizer_BNK + rates.sum(-1, keepdim=True))


def test_a_memory_is_not_addressed_from_above() -> None:
    for layer in (-1, 1):
        with pytest.raises(ConfigError, match="not below"):
            replace(CONFIG, address_layer=layer)


@pytest.mark.parametrize("layers", [(), (-1,), (1, 1)])
def test_impossible_layers_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError):
        BranchConfig(layers=layers, num_features=4)
    with pytest.raises(ConfigError):
        BranchConfig(layers=(0,), num_features=4, rank=0)
    with pytest.raises(ConfigError):
        BranchConfig(layers=(0,), num_features=4, num_taps=0)
    with pytest.raises(ConfigError):
        BranchConfig(layers=(0,), num_features=4, num_rate_taps=65)
    for size in (-0.1, math.inf, math.nan):
        with pytest.raises(ConfigError):
            BranchConfig(layers=(0,), num_features=4, sharpness=size)


def test_what_cannot_grow_or_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no layer 9"):
        grow_branches(tiny_decoder(), BranchConfig(layers=(9,), num_features=4))
    with pytest.raises(ConfigError, match="no memory branches"):
        serialize_adapter(tiny_decoder())
    whole = {"layers": [0], "num_features": 4, "rank": 2, "gain_init": 1, "rate_init": 1}
    for address in ("0", 0.5, True):
        with pytest.raises(ConfigError, match="no usable"):
            _read({**whole, "address_layer": address}, tmp_path)
    for within in ("false", 1, None):
        with pytest.raises(ConfigError, match="no usable"):
            _read({**whole, "read_within": within}, tmp_path)
    assert _read({**whole, "read_within": True}, tmp_path).read_within
    assert _read({**whole, "address_layer": 0}, tmp_path).address_layer == 0
    assert _read(whole, tmp_path).address_layer is None
    for text in ("{", json.dumps({"layers": [0]}), json.dumps([1])):
        save_file({"x": torch.zeros(1)}, tmp_path / "b.safetensors", {"memory": text})
        with pytest.raises(ConfigError, match="no usable"):
            read_memory_config([tmp_path / "b.safetensors"])
    (tmp_path / "c.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError):
        read_memory_config([tmp_path / "c.safetensors"])


def _read(values: dict[str, object], folder: Path) -> BranchConfig:
    save_file({"x": torch.zeros(1)}, folder / "a.safetensors", {"memory": json.dumps(values)})
    config = read_memory_config([folder / "a.safetensors"])
    assert isinstance(config, BranchConfig)
    return config


def test_features_beyond_the_width_are_not_copies() -> None:
    decoder = tiny_decoder()
    grow_branches(decoder, BranchConfig(layers=(0,), num_features=2 * TINY.head_dim), seed=3)
    branch = decoder.layers[0].self_attn.memory_branch
    for feature_map in (branch.query_map, branch.key_map):
        for rows in feature_map:
            torch.testing.assert_close(rows[: TINY.head_dim], torch.eye(TINY.head_dim))
            assert torch.linalg.matrix_rank(torch.cat((rows, -rows))) == TINY.head_dim
            assert len({tuple(row) for row in rows.tolist()}) == 2 * TINY.head_dim


def test_what_all_keys_share_is_taken_from_them() -> None:
    torch.manual_seed(9)
    decoder = Decoder(replace(TINY, attention_bias=True))
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            if "norm" not in name and not name.endswith("gate"):
                parameter.normal_(0.0, 20.0 if name.endswith("k_proj.bias") else 0.3)
    grow_branches(decoder, CONFIG)
    ids = random_ids(2, 3 * SEGMENT)
    center_branches(decoder, ids)
    rotary = rotary_tables(decoder.frequencies, torch.arange(ids.shape[1]))
    hidden = decoder.embed_tokens(ids)
    for index, layer in enumerate(decoder.layers):
        if index in CONFIG.layers:
            query, key, _ = layer.self_attn.project(layer.attention_input(hidden))
            branch = layer.self_attn.memory_branch
            assert branch.key_center.abs().max() > 10.0
            for own, center in ((query, branch.query_center), (key, branch.key_center)):
                mean = own.mean(dim=(0, 2), keepdim=True)[0]
                torch.testing.assert_close(center, mean)
                assert (own - center).mean(dim=(0, 2)).abs().max() < 1e-4
        hidden, _, _ = layer.read_segment(hidden, rotary, None)
