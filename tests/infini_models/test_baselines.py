"""Baselines: a cache of all is full attention, neighbours are those that score highest."""

from __future__ import annotations

import pytest
import torch
from infini_models.baselines import CachedReader, Neighbours
from infini_models.decoder import Decoder
from torch import Tensor

from tests.infini_models.build import TINY, random_ids, tiny_decoder

SEGMENT = 8


def read_all(reader: CachedReader, ids_BS: Tensor) -> Tensor:
    parts = [reader.read(ids_BS[:, at : at + SEGMENT]) for at in range(0, ids_BS.shape[1], SEGMENT)]
    return torch.cat(parts, dim=1)


def windows(decoder: Decoder, ids_BS: Tensor) -> Tensor:
    with torch.inference_mode():
        parts = [
            decoder.read_segment(ids_BS[:, at : at + SEGMENT], None).hidden_BSD
            for at in range(0, ids_BS.shape[1], SEGMENT)
        ]
    return torch.cat(parts, dim=1)


def test_without_a_memory_there_is_the_window_alone() -> None:
    decoder, ids = tiny_decoder(), random_ids(1, 3 * SEGMENT)
    reader = CachedReader(decoder)
    torch.testing.assert_close(read_all(reader, ids), windows(decoder, ids), atol=1e-5, rtol=1e-4)
    assert reader.num_floats == 0


def test_a_cache_of_all_is_full_attention() -> None:
    decoder, ids = tiny_decoder(), random_ids(1, 3 * SEGMENT)
    with torch.inference_mode():
        full = decoder.read_segment(ids, None).hidden_BSD
    reader = CachedReader(decoder, cache_length=100)
    torch.testing.assert_close(read_all(reader, ids), full, atol=1e-4, rtol=1e-4)
    assert reader.num_floats == 2 * 3 * SEGMENT * TINY.num_key_value_heads * TINY.head_dim * 3


def test_a_cache_of_one_segment_forgets_the_one_before() -> None:
    decoder, ids = tiny_decoder(), random_ids(1, 2 * SEGMENT)
    other = torch.cat((random_ids(1, SEGMENT, seed=5), ids), dim=1)
    # Layer by layer the past reaches further back, so only the first layer's view is exact.
    one_layer = tiny_decoder()
    one_layer.layers = one_layer.layers[:1]
    near = read_all(CachedReader(one_layer, cache_length=SEGMENT), ids)
    far = read_all(CachedReader(one_layer, cache_length=SEGMENT), other)
    torch.testing.assert_close(far[:, -SEGMENT:], near[:, -SEGMENT:], atol=1e-5, rtol=1e-4)
    deep = read_all(CachedReader(decoder, cache_length=SEGMENT), other)
    whole = read_all(CachedReader(decoder, cache_length=2 * SEGMENT), other)
    assert not torch.allclose(deep[:, -SEGMENT:], whole[:, -SEGMENT:], atol=1e-3)


def test_the_first_tokens_stay_in_the_cache() -> None:
    one_layer, ids = tiny_decoder(), random_ids(1, 4 * SEGMENT)
    one_layer.layers = one_layer.layers[:1]
    reader = CachedReader(one_layer, cache_length=SEGMENT, num_sinks=2)
    found = read_all(reader, ids)
    # What the last segment sees, as a text of its own.
    seen = torch.cat((ids[:, :2], ids[:, 2 * SEGMENT :]), dim=1)
    with torch.inference_mode():
        expected = one_layer.read_segment(seen, None).hidden_BSD
    close = {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(found[:, -SEGMENT:], expected[:, -SEGMENT:], **close)
    assert reader.num_floats == 2 * (2 + SEGMENT) * TINY.num_key_value_heads * TINY.head_dim


@pytest.mark.parametrize("num_retrieved", [3, 1000])
def test_neighbours_are_those_that_score_highest(num_retrieved: int) -> None:
    decoder, ids = tiny_decoder(), random_ids(1, 2 * SEGMENT)
    decoder.layers = decoder.layers[:1]
    attention = decoder.layers[0].self_attn
    found = read_all(CachedReader(decoder, neighbours=Neighbours(0, 0.3, 64, num_retrieved)), ids)
    with torch.inference_mode():
        hidden = decoder.embed_tokens(ids).float()
        query, key, value = attention.project(decoder.layers[0].attention_input(hidden))
        out = torch.zeros(1, TINY.num_heads, SEGMENT, TINY.head_dim)
        angles = torch.arange(SEGMENT)[:, None] * torch.cat([decoder.frequencies] * 2)
        turn = torch.cat((-torch.eye(TINY.head_dim)[TINY.head_dim // 2 :], torch.eye(8)[:4]))
        for head in range(TINY.num_heads):
            shared = head // TINY.num_groups
            q, k, v = (t[0, h] for t, h in ((query, head), (key, shared), (value, shared)))
            far = (q[SEGMENT:] @ k[:SEGMENT].T) / TINY.head_dim**0.5
            own = [
                t[SEGMENT:] * angles.cos() + (t[SEGMENT:] @ turn.T) * angles.sin() for t in (q, k)
            ]
            near = (own[0] @ own[1].T) / TINY.head_dim**0.5
            for place in range(SEGMENT):
                best = far[place].argsort(descending=True)[:num_retrieved]
                seen = slice(SEGMENT, SEGMENT + place + 1)
                found_far = far[place][best].softmax(0) @ v[:SEGMENT][best]
                found_near = near[place, : place + 1].softmax(0) @ v[seen]
                out[0, head, place] = 0.3 * found_far + 0.7 * found_near
        attended = attention.o_proj(out.transpose(1, 2).flatten(2))
        layer = decoder.layers[0]
        expected = decoder.norm(layer.add_feed_forward(hidden[:, SEGMENT:] + attended))
    torch.testing.assert_close(found[:, SEGMENT:], expected, atol=1e-4, rtol=1e-4)


def test_the_store_is_bounded() -> None:
    decoder, ids = tiny_decoder(), random_ids(1, 5 * SEGMENT)
    reader = CachedReader(decoder, neighbours=Neighbours(1, 0.3, capacity=20))
    assert bool(torch.isfinite(read_all(reader, ids)).all())
    assert reader.num_floats == 2 * 20 * TINY.num_key_value_heads * TINY.head_dim
