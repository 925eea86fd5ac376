"""Corrections of low rank: on while writing, off while reading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from infini_models.branch_cache import BranchCache
from infini_models.decoder import Decoder
from infini_models.errors import WeightsError
from infini_models.generate import Branch, write_branches
from infini_models.low_rank import (
    corrected,
    corrections_of,
    grow_corrections,
    restore_corrections,
    serialize_corrections,
)
from infini_models.sampling import Sampling

from tests.infini_models.build import TINY, tiny_decoder

IDS = torch.arange(3, 15)[None]


def grown(scale: float = 1.0) -> Decoder:
    decoder = tiny_decoder()
    grow_corrections(decoder, 2, seed=4)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for one in corrections_of(decoder).values():
            one.up_OR.normal_(0.0, scale, generator=generator)
    return decoder


def last(decoder: Decoder) -> torch.Tensor:
    with torch.inference_mode():
        segment = decoder.read_segment(IDS[:, :6], None, keep_cache=True).cache
        config = decoder.config
        shape = (config.num_layers, config.num_key_value_heads, config.head_dim)
        cache = BranchCache([segment], [None], 6, shape, decoder.dtype)
        return decoder.extend(IDS[:, 6:], torch.tensor([6]), cache)


def test_a_page_is_read_by_the_base_and_written_on_by_the_corrected() -> None:
    plain, decoder = tiny_decoder(), grown()
    assert len(corrections_of(decoder)) == 7 * decoder.config.num_layers
    read = plain.read_segment(IDS, None).hidden_BSD
    torch.testing.assert_close(decoder.read_segment(IDS, None).hidden_BSD, read, rtol=0, atol=0)
    torch.testing.assert_close(last(decoder), last(plain), rtol=0, atol=0)
    with corrected(decoder):
        assert (last(decoder) - last(plain)).abs().max() > 1e-3
    torch.testing.assert_close(last(decoder), last(plain), rtol=0, atol=0)


def test_corrections_go_off_when_writing_fails() -> None:
    decoder = grown()
    with pytest.raises(RuntimeError), corrected(decoder):
        raise RuntimeError
    assert not any(one.is_on for one in corrections_of(decoder).values())


def test_new_corrections_add_nothing() -> None:
    decoder = tiny_decoder()
    grow_corrections(decoder, 3)
    with corrected(decoder):
        torch.testing.assert_close(last(decoder), last(tiny_decoder()), rtol=0, atol=0)


def test_an_equation_of_one_projection() -> None:
    decoder = grown()
    one = corrections_of(decoder)["layers.0.mlp.up_proj"]
    x = torch.randn(5, one.down_RI.shape[1])
    with corrected(decoder):
        expected = one.base(x) + 2.0 * (x @ one.down_RI.T) @ one.up_OR.T
        torch.testing.assert_close(one(x), expected)


def test_gradients_reach_every_correction_through_what_is_written() -> None:
    decoder = grown().requires_grad_(False)
    for one in corrections_of(decoder).values():
        one.requires_grad_(True)
        one.base.requires_grad_(False)
    with torch.no_grad():
        segment = decoder.read_segment(IDS[:, :6], None, keep_cache=True).cache
    config = decoder.config
    shape = (config.num_layers, config.num_key_value_heads, config.head_dim)
    cache = BranchCache([segment], [None], 6, shape, decoder.dtype)
    with corrected(decoder):
        hidden_BSD = decoder.extend_all(IDS[:, 6:], torch.tensor([6]), cache)
    hidden_BSD.square().sum().backward()
    for name, one in corrections_of(decoder).items():
        for parameter in (one.down_RI, one.up_OR):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_a_file_gives_every_tensor_back(tmp_path: Path) -> None:
    decoder, other = grown(), tiny_decoder()
    path = tmp_path / "writer.safetensors"
    path.write_bytes(serialize_corrections(decoder, torch.float32))
    restore_corrections(other, path)
    with corrected(decoder), corrected(other):
        torch.testing.assert_close(last(other), last(decoder), rtol=0, atol=0)
    assert serialize_corrections(other, torch.float32) == path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"{}", b"\x02\0\0\0\0\0\0\0{}"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "writer.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError):
        restore_corrections(tiny_decoder(), path)


def test_corrections_of_another_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "writer.safetensors"
    path.write_bytes(serialize_corrections(grown()))
    narrower = Decoder(replace(TINY, intermediate_size=48))
    with pytest.raises(WeightsError, match="does not fit"):
        restore_corrections(narrower, path)


def test_texts_are_the_same_alone_and_beside_others() -> None:
    decoder = grown(0.3)
    sampling = Sampling()
    branches = [Branch([3 + n, 4, 5], 8) for n in range(5)]
    with corrected(decoder):
        together = write_branches(decoder, branches, sampling, (), independent=True)
        alone = [write_branches(decoder, [b], sampling, (), independent=True)[0] for b in branches]
    assert together == alone
