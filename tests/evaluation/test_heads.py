"""Heads that look at what they copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from infini_models import heads
from infini_models.decoder import Decoder
from infini_models.heads import attention_shares, value_outputs
from infini_models.rotary import rotary_tables

from infini_cli.commands.eval_heads import TELLING
from infini_cli.evaluation.haystack import Prompt
from infini_cli.evaluation.heads import copied, evaluate_heads
from infini_cli.tasks.model import Model
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import remembering as remembering


def test_shares_are_those_of_attention(remembering: Model) -> None:
    decoder = remembering.decoder
    ids = list(range(3, 43))
    all_seen = attention_shares(decoder, ids, {9: range(10), 30: range(31)})
    shape = (decoder.config.num_layers, decoder.config.num_heads)
    torch.testing.assert_close(all_seen, torch.ones(shape))
    # What comes later is not looked at, and the first token sees itself alone.
    assert float(attention_shares(decoder, ids, {9: range(10, 40)}).max()) == 0.0
    torch.testing.assert_close(attention_shares(decoder, ids, {0: [0]}), torch.ones(shape))
    parts = [attention_shares(decoder, ids, {30: [place]}) for place in range(31)]
    torch.testing.assert_close(torch.stack(parts).sum(0), torch.ones(shape))
    both = attention_shares(decoder, ids, {9: [4], 30: [4]})
    alone = [attention_shares(decoder, ids, {row: [4]}) for row in (9, 30)]
    torch.testing.assert_close(2 * both, alone[0] + alone[1])
    # The first layer, by hand: only there nothing came before.
    layer = decoder.layers[0]
    x = layer.attention_input(decoder.embed_tokens(torch.tensor([ids])).float())
    query, key, _ = layer.self_attn.project(x)
    positions = torch.arange(len(ids)).float()[:, None] * decoder.frequencies
    half = decoder.config.head_dim // 2

    def turned(y: torch.Tensor) -> torch.Tensor:
        one, two = y[..., :half], y[..., half:]
        cosine, sine = positions.cos(), positions.sin()
        return torch.cat((one * cosine - two * sine, two * cosine + one * sine), dim=-1)

    keys = turned(key)[0].repeat_interleave(decoder.config.num_groups, 0)
    scores = torch.einsum("hk,hsk->hs", turned(query)[0, :, 30], keys[:, :31])
    weights = (scores / decoder.config.head_dim**0.5).softmax(-1)
    torch.testing.assert_close(parts[7][0], weights[:, 7], atol=1e-5, rtol=1e-4)


def test_what_is_copied() -> None:
    prompt = Prompt((1, 7, 8, 2, 7, 8, 7), (3, 4), (7, 8))
    assert copied(prompt) == {8: [1, 4], 9: [2, 5]}


def test_what_a_value_says_is_what_attention_to_it_alone_adds(remembering: Model) -> None:
    """By the block itself: attention of a single token looks at that token alone."""
    decoder = remembering.decoder
    ids = [5, 9, 30, 7]
    found = value_outputs(decoder, ids, [2, 0])
    assert found.shape == (decoder.config.num_layers, 2, decoder.config.hidden_size)
    inputs = decoder.attention_inputs(torch.tensor([ids]), range(decoder.config.num_layers))
    tables = rotary_tables(decoder.frequencies, torch.arange(1))
    for index, layer in enumerate(decoder.layers):
        for row, place in enumerate((2, 0)):
            alone = layer.self_attn.read_segment(inputs[index][:, place : place + 1], tables, None)
            torch.testing.assert_close(found[index, row], alone.output_BSD[0, 0])


def test_a_layer_tells_digits_whose_values_are_their_words(
    remembering: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outputs(decoder: Decoder, ids: Sequence[int], places: Sequence[int]) -> torch.Tensor:
        words = decoder.lm_head.weight[[ids[place] for place in places]].float()
        said = torch.zeros(decoder.config.num_layers, *words.shape)
        said[0], said[1] = words, -words
        return said

    monkeypatch.setattr(heads, "value_outputs", outputs)
    tells = [layer.tells for layer in evaluate_heads(remembering, num_samples=2, seed=0)]
    assert tells[0] > 0.9
    assert tells[1] < 0.1
    assert all(share < 0.5 for share in tells[2:])


@pytest.mark.parametrize("least", ["0", "1"])
def test_the_command(least: str, infini: Infini, open_folder: Path) -> None:
    command = ("eval", "heads", "-m", open_folder, "--samples", 1)
    document = json.loads(infini(*command, "--json").out)
    assert document["test"] == "heads"
    shares = [layer["shares"] for layer in document["layers"]]
    assert all(0 <= share <= 1 for row in shares for share in row)
    assert all(0 <= layer["tells"] <= 1 for layer in document["layers"])
    shown = infini(*command, "--least", least).out.splitlines()
    telling = [layer["layer"] for layer in document["layers"] if layer["tells"] >= TELLING]
    expected = range(len(shares)) if least == "0" else telling
    assert [int(row.split()[0]) for row in shown[1:]] == list(expected)
