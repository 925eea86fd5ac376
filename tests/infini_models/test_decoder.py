"""The decoder: equal to the equations, causal, and the base model where the memory is shut."""

from __future__ import annotations

import pytest
import torch
from infini_models.decoder import Decoder
from infini_models.memory import Memory
from infini_models.snapshot import memory_from_tensors, memory_tensors

from tests.infini_models import reference
from tests.infini_models.build import TINY, random_ids, tiny_decoder

SEGMENT = 6


def stream(
    decoder: Decoder, ids: torch.Tensor, length: int = SEGMENT, memory: Memory | None = None
) -> tuple[torch.Tensor, Memory]:
    """Read segment by segment, the memory carried on."""
    state = decoder.empty_memory(ids.shape[0]) if memory is None else memory
    hidden = []
    for start in range(0, ids.shape[1], length):
        result = decoder.read_segment(ids[:, start : start + length], state)
        assert result.memory is not None
        hidden.append(result.hidden_BSD)
        state = result.memory
    return torch.cat(hidden, dim=1), state


@pytest.mark.parametrize("rule", ["linear", "delta"])
def test_streamed_equals_chunked_inside_the_layers(rule: str) -> None:
    decoder = tiny_decoder(gate_init=0.3, update=rule)
    ids = random_ids(1, 20)
    with torch.no_grad():
        streamed, _ = stream(decoder, ids)
        expected = reference.decode(decoder, ids[0], SEGMENT, rule)
    torch.testing.assert_close(streamed[0], expected, atol=1e-4, rtol=1e-4)


def test_the_future_changes_nothing() -> None:
    decoder = tiny_decoder(gate_init=0.0)
    ids = random_ids(1, 20)
    with torch.no_grad():
        before, _ = stream(decoder, ids)
        for changed in (7, 13, 19):
            other = ids.clone()
            other[0, changed] = (other[0, changed] + 1) % TINY.vocab_size
            after, _ = stream(decoder, other)
            torch.testing.assert_close(after[:, :changed], before[:, :changed])
            assert not torch.allclose(after[:, changed], before[:, changed])


def test_the_far_past_matters_through_the_memory_alone() -> None:
    ids, other = random_ids(1, 18), random_ids(1, 18)
    other[0, 0] = (other[0, 0] + 1) % TINY.vocab_size
    for gate, differs in ((0.0, True), (float("-inf"), False)):
        decoder = tiny_decoder(gate_init=gate)
        with torch.no_grad():
            last = [stream(decoder, tokens)[0][:, -1] for tokens in (ids, other)]
        assert torch.equal(*last) is not differs


def test_rows_of_a_batch_are_independent() -> None:
    decoder = tiny_decoder(gate_init=0.5)
    ids = random_ids(3, 14)
    with torch.no_grad():
        together, _ = stream(decoder, ids)
        for row in range(3):
            alone, _ = stream(decoder, ids[row : row + 1])
            torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-5)


def test_closed_gates_equal_the_base_bit_for_bit() -> None:
    decoder = tiny_decoder()
    assert decoder.is_closed
    ids = random_ids(1, SEGMENT)
    with torch.no_grad():
        _, memory = stream(decoder, random_ids(1, 3 * SEGMENT, seed=9))
        with_memory = decoder.read_segment(ids, memory).hidden_BSD
        without = decoder.read_segment(ids, None).hidden_BSD
    assert torch.equal(with_memory, without)


def test_open_gates_change_only_what_follows_the_first_segment() -> None:
    decoder, base = tiny_decoder(gate_init=0.0), tiny_decoder()
    ids = random_ids(1, 2 * SEGMENT)
    with torch.no_grad():
        mixed, plain = stream(decoder, ids)[0], stream(base, ids)[0]
    assert torch.equal(mixed[:, :SEGMENT], plain[:, :SEGMENT])
    assert not torch.allclose(mixed[:, SEGMENT:], plain[:, SEGMENT:])


def test_a_prefix_is_seen_and_never_written() -> None:
    decoder = tiny_decoder()
    ids, prefix = random_ids(1, SEGMENT), random_ids(1, 4, seed=5)
    with torch.no_grad():
        both = decoder.read_segment(
            torch.cat((prefix, ids), dim=1), decoder.empty_memory(), num_prefix=4
        )
        plain = decoder.read_segment(ids, decoder.empty_memory())
    assert both.memory is not None
    assert plain.memory is not None
    # The first layer's keys depend on a token alone, so the prefix leaves no trace there.
    torch.testing.assert_close(both.memory[0].memory_BNKV, plain.memory[0].memory_BNKV)
    assert not torch.allclose(both.hidden_BSD[:, 4:], plain.hidden_BSD)


def test_reading_without_writing_leaves_the_memory() -> None:
    decoder = tiny_decoder(gate_init=0.0)
    with torch.no_grad():
        _, memory = stream(decoder, random_ids(1, SEGMENT))
        result = decoder.read_segment(random_ids(1, SEGMENT, seed=2), memory, write=False)
    assert result.memory is not None
    for before, after in zip(memory, result.memory, strict=True):
        assert torch.equal(before.memory_BNKV, after.memory_BNKV)


def test_gradients_reach_earlier_segments_through_the_writes() -> None:
    decoder = tiny_decoder(gate_init=0.0)
    ids = random_ids(1, 3 * SEGMENT)
    embedded = decoder.embed_tokens(ids[:, :SEGMENT]).detach().requires_grad_(True)
    attention = decoder.layers[0].self_attn
    tables = torch.ones(SEGMENT, 8), torch.zeros(SEGMENT, 8)
    first = attention.read_segment(embedded, tables, decoder.empty_memory()[0])
    later = attention.read_segment(
        decoder.embed_tokens(ids[:, SEGMENT : 2 * SEGMENT]), tables, first.memory
    )
    (gradient,) = torch.autograd.grad(later.output_BSD.square().sum(), embedded, retain_graph=True)
    assert gradient.abs().amin(dim=-1).min() > 0
    # What the later segment gives depends on M and z, and they on the earlier one's keys and
    # values: the later one's own take no part in the second step.
    assert first.memory is not None
    written = (first.memory.memory_BNKV, first.memory.normalizer_BNK)
    for through in torch.autograd.grad(later.output_BSD.square().sum(), written, retain_graph=True):
        assert through.abs().max() > 0
    for projection in (attention.k_proj, attention.v_proj):
        (from_write,) = torch.autograd.grad(
            written[0].square().sum(), projection.weight, retain_graph=True
        )
        assert from_write.abs().max() > 0
    hidden, _ = stream(decoder, ids)
    hidden[:, -1].square().sum().backward()
    assert attention.memory_gate.grad is not None
    assert attention.memory_gate.grad.abs().min() > 0


def test_two_hundred_segments_in_half_precision_stay_finite() -> None:
    decoder = tiny_decoder(gate_init=1.0, form="bfloat16")
    memory = decoder.empty_memory()
    with torch.inference_mode():
        for segment in range(200):
            result = decoder.read_segment(random_ids(1, 16, seed=segment), memory)
            assert result.memory is not None
            memory = result.memory
            assert torch.isfinite(result.hidden_BSD).all()
    assert all(layer.memory_BNKV.isfinite().all() for layer in memory)


def test_a_snapshot_restores_every_tensor_and_reading_goes_on_the_same() -> None:
    decoder = tiny_decoder(gate_init=0.0)
    with torch.inference_mode():
        _, memory = stream(decoder, random_ids(1, 3 * SEGMENT))
        tensors = {name: tensor.clone() for name, tensor in memory_tensors(memory).items()}
        restored = memory_from_tensors(tensors, decoder.empty_memory())
        more = random_ids(1, 2 * SEGMENT, seed=4)
        went_on = stream(decoder, more, memory=memory)
        resumed = stream(decoder, more, memory=restored)
    assert len(tensors) == 2 * TINY.num_layers
    assert torch.equal(went_on[0], resumed[0])
    for one, other in zip(went_on[1], resumed[1], strict=True):
        assert torch.equal(one.memory_BNKV, other.memory_BNKV)
        assert torch.equal(one.normalizer_BNK, other.normalizer_BNK)


def test_packed_it_reads_the_same_and_the_embedding_stays() -> None:
    decoder, packed = (tiny_decoder(gate_init=0.5, form="bfloat16") for _ in range(2))
    packed.pack()
    assert packed.num_bytes == decoder.num_bytes > 2 * 97 * TINY.hidden_size
    assert torch.equal(packed.embed_tokens.weight, decoder.embed_tokens.weight)
    assert packed.lm_head.weight is packed.embed_tokens.weight
    ids = random_ids(1, 24)
    with torch.inference_mode():
        memories = [one.read_segment(ids, one.empty_memory()).memory for one in (decoder, packed)]
        expected, found = (
            one.logits(one.read_segment(ids, memory).hidden_BSD)
            for one, memory in zip((decoder, packed), memories, strict=True)
        )
    # Of a spread of several units; bfloat16 rounds at 2^-8 of each product.
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05 * float(expected.std()))
