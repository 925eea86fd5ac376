"""Adapters: the memory branches of a decoder as a file of their own, a few MB beside its base.

An adapter is a safetensors file. Its tensors are named as in the decoder
(`model.layers.8.self_attn.memory_branch.query.down_RI`), its metadata entry `memory` holds the
`BranchConfig` as JSON. It is loaded after the base's files, see `load_decoder`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from infini_models.attention import InfiniAttention
from infini_models.branch import MemoryBranch
from infini_models.config import PAPER, BranchConfig, MemoryConfig
from infini_models.decoder import Decoder
from infini_models.errors import ConfigError, WeightsError
from infini_models.layer import Layer
from infini_models.tensor_file import load_tensors, read_metadata

METADATA_KEY = "memory"
PART = ".memory_branch."
TAPS = (".query_taps.taps_HTK", ".key_taps.taps_HTK")
FACTORS = (".down_RI", ".up_OR")
"""Most of the numbers, and the least of the care."""


def grow_branches(decoder: Decoder, config: BranchConfig, seed: int = 0) -> None:
    """Give a decoder memory branches that start as its layers' own projections.

    The paper's gates go; branches are trainable whatever the base computes in.

    Args:
        decoder: changed in place.
        config: which layers, how many features, what rank.
        seed: of the corrections' inner halves.

    Raises:
        ConfigError: a layer is not there.
    """
    if max(config.layers) >= decoder.config.num_layers:
        raise ConfigError(f"there is no layer {max(config.layers)}")
    generator = torch.Generator().manual_seed(seed)
    decoder.memory_config = config
    for index, layer in enumerate(decoder.layers):
        attention = layer.self_attn
        assert isinstance(attention, InfiniAttention)
        attention.memory_config = config
        if hasattr(attention, "memory_gate"):
            del attention.memory_gate
        attention.memory_branch = None
        if index in config.layers:
            attention.memory_branch = MemoryBranch(decoder.config, config)
            attention.memory_branch.reset(generator)


@torch.no_grad()
def center_branches(decoder: Decoder, ids_BS: Tensor) -> None:
    """Start each branch from what the base's queries and keys of a text are: `MemoryBranch.center`.

    Args:
        decoder: with branches, changed in place.
        ids_BS: token ids of the text, which is seen as one segment.
    """
    assert isinstance(decoder.memory_config, BranchConfig)
    config = decoder.memory_config
    sources = {config.address_of(layer) for layer in config.layers}
    seen = decoder.attention_inputs(ids_BS, sources)
    for layer in config.layers:
        branch = attention_of(decoder, layer).memory_branch
        assert branch is not None
        source = config.address_of(layer)
        branch.center(attention_of(decoder, source).address(seen[source]))


def attention_of(decoder: Decoder, layer: int) -> InfiniAttention:
    """Give a layer's attention."""
    attention = decoder.layers[layer].self_attn
    assert isinstance(attention, InfiniAttention)
    return attention


def reopen_branches(decoder: Decoder) -> None:
    """Let every branch write at the rate of a new one again; see `MemoryBranch.reopen`.

    Args:
        decoder: with branches, changed in place.
    """
    for layer in decoder.layers:
        assert isinstance(layer, Layer)
        if layer.self_attn.memory_branch is not None:
            layer.self_attn.memory_branch.reopen()


@torch.no_grad()
def restore_branches(decoder: Decoder, path: Path, num_taps: int | None = None) -> None:
    """Give a decoder the branches of an adapter, float32 and trainable.

    Args:
        decoder: as for `grow_branches`.
        path: what `serialize_adapter` gave.
        num_taps: tokens that keys and queries are to be made of, where the adapter's are made of
            one; the new ones count nothing until they are trained. None: as many as it has.

    Raises:
        WeightsError: the file is damaged, or is no adapter for this decoder.
        ConfigError: its memory does not fit.
    """
    config = read_memory_config([path])
    if not isinstance(config, BranchConfig):
        raise WeightsError(f"`{path.name}` is no adapter")
    is_widened = num_taps is not None and config.num_taps == 1
    if num_taps is not None and is_widened:
        config = replace(config, num_taps=num_taps)
    grow_branches(decoder, config)
    tensors = load_tensors(path)
    wanted = {
        f"model.{name}": parameter
        for name, parameter in decoder.named_parameters()
        if PART in name and not (is_widened and name.endswith(TAPS))
    }
    if tensors.keys() != wanted.keys():
        odd = sorted(tensors.keys() ^ wanted.keys())[0]
        raise WeightsError(f"`{path.name}` does not fit: `{odd}`")
    for name, parameter in wanted.items():
        if tensors[name].shape != parameter.shape:
            raise WeightsError(f"`{path.name}` does not fit: `{name}` has another shape")
        parameter.copy_(tensors[name])


def serialize_adapter(
    decoder: Decoder,
    dtype: torch.dtype = torch.bfloat16,
    gather: Callable[[Tensor], Tensor] = lambda tensor: tensor,
) -> bytes:
    """Give a decoder's branches as the bytes of an adapter.

    Args:
        decoder: with branches.
        dtype: of the corrections; the rest is float32.
        gather: puts a tensor together, where several processes have parts of it.

    Raises:
        ConfigError: it has no branches.
    """
    if not isinstance(decoder.memory_config, BranchConfig):
        raise ConfigError("the decoder has no memory branches")
    tensors = {
        f"model.{name}": gather(tensor)
        .to(dtype if name.endswith(FACTORS) else torch.float32)
        .contiguous()
        for name, tensor in decoder.state_dict().items()
        if PART in name
    }
    metadata = {METADATA_KEY: json.dumps(asdict(decoder.memory_config), sort_keys=True)}
    return save(tensors, metadata)


def merge_adapter(weights: Sequence[Path], adapter: Path, path: Path) -> None:
    """Write a base and an adapter as one safetensors file; all is there twice for a while.

    Args:
        weights: files of the base.
        adapter: what `serialize_adapter` gave.
        path: of the new file.

    Raises:
        WeightsError: a file is damaged, or the adapter is none.
    """
    tensors: dict[str, Tensor] = {}
    for file in (*weights, adapter):
        tensors |= load_tensors(file)
    path.write_bytes(save(tensors, {METADATA_KEY: _memory_of(adapter)}))


def split_adapter(weights: Sequence[Path], path: Path) -> None:
    """Write the adapter that was merged into a checkpoint as a file of its own again.

    Args:
        weights: files of the checkpoint.
        path: of the adapter.

    Raises:
        WeightsError: a file is damaged, or holds no adapter.
    """
    holder = next((file for file in weights if read_metadata(file, METADATA_KEY) is not None), None)
    if holder is None:
        raise WeightsError("the checkpoint holds no adapter")
    tensors = {
        name: t for file in weights for name, t in load_tensors(file).items() if PART in name
    }
    path.write_bytes(save(tensors, {METADATA_KEY: _memory_of(holder)}))


def read_memory_config(weights: Sequence[Path]) -> MemoryConfig | BranchConfig:
    """Give the memory that the last adapter among weight files has; the paper's without one.

    Raises:
        WeightsError: a file is damaged.
        ConfigError: its configuration cannot be used.
    """
    found: MemoryConfig | BranchConfig = PAPER
    for path in weights:
        text = read_metadata(path, METADATA_KEY)
        if text is not None:
            found = _config_from(text, path)
    return found


def _memory_of(path: Path) -> str:
    text = read_metadata(path, METADATA_KEY)
    if text is None:
        raise WeightsError(f"`{path.name}` is no adapter")
    return text


def _whole_or_none(value: object) -> int | None:
    if value is None or type(value) is int:
        return value
    raise TypeError(f"{value!r} is no whole number")


def _true_or_false(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError(f"{value!r} is neither true nor false")


def _config_from(text: str, path: Path) -> BranchConfig:
    try:
        values = json.loads(text)
        return BranchConfig(
            layers=tuple(int(layer) for layer in values["layers"]),
            num_features=int(values["num_features"]),
            rank=int(values["rank"]),
            gain_init=float(values["gain_init"]),
            rate_init=float(values["rate_init"]),
            num_taps=int(values.get("num_taps", 1)),
            num_rate_taps=int(values.get("num_rate_taps", 1)),
            sharpness=float(values.get("sharpness", 0.0)),
            address_layer=_whole_or_none(values.get("address_layer")),
            read_within=_true_or_false(values.get("read_within", False)),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"`{path.name}` has no usable memory configuration") from error
