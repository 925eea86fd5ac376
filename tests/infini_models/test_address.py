"""A memory that is addressed by what a lower layer sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from infini_models.attention import NUM_SINKS
from infini_models.delta import delta_write
from infini_models.errors import ConfigError
from infini_models.gates import floored_sigmoid
from infini_models.memory import LayerMemory
from infini_models.rotary import rotary_tables

from tests.infini_models.branched import CONFIG, SEGMENT, branched, stream
from tests.infini_models.build import random_ids


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
