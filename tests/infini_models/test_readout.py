"""Numbers read off activations: layer, round trip, what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from infini_models.errors import WeightsError
from infini_models.readout import METADATA_KEY, Readout, load_readout, serialize_readout
from safetensors.torch import save

from tests.infini_models.build import random_ids, tiny_decoder


def test_a_tap_gives_what_the_layers_above_get() -> None:
    decoder = tiny_decoder()
    ids = random_ids(1, 9)
    memory = decoder.empty_memory()
    with torch.inference_mode():
        whole = decoder.read_segment(ids, memory, tap=decoder.config.num_layers)
        assert whole.tapped_BSD is not None
        torch.testing.assert_close(decoder.norm(whole.tapped_BSD), whole.hidden_BSD)
        first = decoder.read_segment(ids, memory, tap=1)
        cut = decoder.read_segment(ids, None, tap=1, memory_only=True)
        assert first.tapped_BSD is not None
        assert cut.tapped_BSD is not None
        # The first segment's memory is empty: without one the layer gives the same.
        torch.testing.assert_close(cut.tapped_BSD, first.tapped_BSD)
        assert not torch.equal(first.tapped_BSD, whole.tapped_BSD)
        assert torch.equal(first.hidden_BSD, whole.hidden_BSD)
        assert decoder.read_segment(ids, memory).tapped_BSD is None


def test_the_length_of_activations_does_not_count() -> None:
    readout = Readout(1, torch.tensor([3.0, 0.0, 4.0]))
    activations_BSD = torch.tensor([[[1.0, 0.0, 0.0], [50.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])
    assert readout(activations_BSD).tolist() == [[3.0, 3.0, 0.0]]


def test_a_file_gives_it_back(tmp_path: Path) -> None:
    config = tiny_decoder().config
    readout = Readout(2, torch.randn(config.hidden_size))
    path = tmp_path / "readout.safetensors"
    path.write_bytes(serialize_readout(readout))
    found = load_readout(path, config)
    assert found.layer == 2
    assert torch.equal(found.weight_D, readout.weight_D)


@pytest.mark.parametrize(
    ("width", "facts", "value"),
    [
        (-1, {"layer": 1}, 0.5),
        (0, {"layer": 0}, 0.5),
        (0, {"layer": 99}, 0.5),
        (0, {}, 0.5),
        (0, [], 0.5),
        (0, {"layer": 1}, float("nan")),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, width: int, facts: object, value: float
) -> None:
    config = tiny_decoder().config
    weight_D = torch.full((config.hidden_size + width,), value)
    path = tmp_path / "readout.safetensors"
    path.write_bytes(save({"weight_D": weight_D}, {METADATA_KEY: json.dumps(facts)}))
    with pytest.raises(WeightsError, match=r"readout\.safetensors"):
        load_readout(path, config)
