"""Safetensors to a decoder: every tensor in its place, or an error that names those that are not.

Names are Hugging Face's (`model.layers.0.self_attn.q_proj.weight`). Files may hold float32,
float16 or bfloat16 weights, or bytes with `weight_scale` beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from infini_models.adapter import read_memory_config
from infini_models.config import BranchConfig, DecoderConfig, MemoryConfig
from infini_models.decoder import Decoder
from infini_models.errors import WeightsError
from infini_models.linear import Int8Linear, quantize_rows
from infini_models.machine import Form, keep_few_kernels
from infini_models.rotary import rotary_frequencies
from infini_models.tensor_file import unreadable

MAX_NAMED = 8
"""Tensors named in an error; more are counted."""


def load_decoder(
    config: Mapping[str, Any],
    weights: Sequence[Path],
    form: Form,
    memory_config: MemoryConfig | BranchConfig | None = None,
) -> Decoder:
    """Build a decoder and give it the weights of safetensors files.

    Tensors already in the asked form are used as they lie in the file, mapped and not copied.

    Args:
        config: contents of `config.json`.
        weights: the files; later ones (adapters) may replace tensors of earlier ones.
        form: what the decoder computes with; others are converted as they are loaded.
        memory_config: the memory, and the gates of a checkpoint that has none; None: what an
            adapter among the weights says, else the paper's with closed gates.

    Raises:
        ConfigError: the architecture is not implemented.
        WeightsError: a file is damaged, or a tensor missing, unexpected or misshapen.
    """
    keep_few_kernels()
    decoder_config = DecoderConfig.from_hugging_face(config)
    if memory_config is None:
        memory_config = read_memory_config(weights)
    with torch.device("meta"):
        decoder = Decoder(decoder_config, memory_config, form)
    decoder.frequencies = rotary_frequencies(decoder_config)
    tensors: dict[str, Tensor] = {}
    for path in weights:
        for name, tensor in _open(path).items():
            tensors[name.removeprefix("model.")] = tensor
    wanted = {**dict(decoder.named_parameters(remove_duplicate=False)), **_buffers(decoder)}
    state = _convert(tensors, wanted, decoder_config, form)
    if isinstance(memory_config, MemoryConfig):
        for name, parameter in wanted.items():
            if name.endswith("memory_gate") and name not in state:
                state[name] = torch.full(parameter.shape, memory_config.gate_init)
    _check(state, wanted)
    decoder.load_state_dict(state, assign=True)
    state.clear()
    for module in decoder.modules():
        if isinstance(module, Int8Linear):
            module.pack()
    if decoder_config.tie_word_embeddings and form != "int8":
        decoder.lm_head.weight = decoder.embed_tokens.weight
    return decoder.eval().requires_grad_(False)


def _open(path: Path) -> dict[str, Tensor]:
    """Map every tensor by itself, so that each one's pages are let go of with it."""
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
        return {name: _map(path, name) for name in names}
    except (SafetensorError, OSError) as error:
        raise unreadable(path, error) from error


def _map(path: Path, name: str) -> Tensor:
    with safe_open(path, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
    return tensor


def _buffers(decoder: Decoder) -> dict[str, Tensor]:
    return {name: b for name, b in decoder.named_buffers() if name != "frequencies"}


def _convert(
    tensors: dict[str, Tensor], wanted: Mapping[str, Tensor], config: DecoderConfig, form: Form
) -> dict[str, Tensor]:
    tensors.pop("lm_head.weight" if config.tie_word_embeddings and form != "int8" else "", None)
    tensors.pop("lm_head.weight_scale" if form != "int8" else "", None)
    if config.tie_word_embeddings and "embed_tokens.weight" in tensors:
        tensors.setdefault("lm_head.weight", tensors["embed_tokens.weight"])
    state: dict[str, Tensor] = {}
    for name in list(tensors):
        # Popped so that a converted tensor's source is freed before the next is made.
        tensor = tensors.pop(name)
        scale_name = name + "_scale"
        if tensor.dtype == torch.int8 and form != "int8":
            raise WeightsError(f"`{name}` holds bytes, which cannot serve as {form}")
        if scale_name in wanted and tensor.dtype != torch.int8:
            state[name], state[scale_name] = quantize_rows(tensor)
            continue
        if name.endswith("memory_gate") and name in wanted:
            tensor = tensor.view(wanted[name].shape)
        target = wanted[name].dtype if name in wanted else tensor.dtype
        # Bytes are packed and then let go of, and with them the mapped file, unless another
        # tensor still lies in it.
        must_copy = form == "int8" and tensor.dtype != torch.int8
        state[name] = tensor.to(target, copy=must_copy)
    return state


def _check(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    problems = [f"missing: `{name}`" for name in sorted(wanted.keys() - state.keys())]
    problems += [f"unexpected: `{name}`" for name in sorted(state.keys() - wanted.keys())]
    for name in sorted(state.keys() & wanted.keys()):
        found, expected = tuple(state[name].shape), tuple(wanted[name].shape)
        if found != expected:
            problems.append(f"`{name}` has shape {list(found)}, not {list(expected)}")
    if problems:
        more = len(problems) - MAX_NAMED
        listed = "; ".join(problems[:MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")
        raise WeightsError(f"the weights do not fit the architecture: {listed}")
