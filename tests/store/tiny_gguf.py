"""Tiny models as GGUF files, written as llama.cpp's converter writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf import GGUFWriter
from gguf.quants import quantize
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]

HIDDEN, HEADS, KV_HEADS, HEAD_DIM, INNER, LAYERS = 64, 4, 2, 16, 96, 2
BYTES = [*range(33, 127), *range(161, 173), *range(174, 256)]
MERGES = ["h e", "l l", "he ll", "hell o", "\u0120 w"]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"


def tokens() -> list[str]:
    visible = [chr(byte) for byte in BYTES]
    hidden = [chr(256 + n) for n in range(256 - len(BYTES))]
    return [*CONTROL, *visible, *hidden, *(merge.replace(" ", "") for merge in MERGES)]


def weights(*, bias: bool = False, tied: bool = True, seed: int = 0) -> Weights:
    """Random weights under Hugging Face's names."""
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> NDArray[np.float32]:
        return random.normal(0, 0.3, shape).astype(np.float32)

    vocabulary = len(tokens())
    result = {
        "model.embed_tokens.weight": draw(vocabulary, HIDDEN),
        "model.norm.weight": draw(HIDDEN),
    }
    if not tied:
        result["lm_head.weight"] = draw(vocabulary, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        shapes = {
            "self_attn.q_proj": (HEADS * HEAD_DIM, HIDDEN),
            "self_attn.k_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
            "self_attn.v_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
            "self_attn.o_proj": (HIDDEN, HEADS * HEAD_DIM),
            "mlp.gate_proj": (INNER, HIDDEN),
            "mlp.up_proj": (INNER, HIDDEN),
            "mlp.down_proj": (HIDDEN, INNER),
        }
        for name, shape in shapes.items():
            result[f"{prefix}{name}.weight"] = draw(*shape)
            if bias and name[:11] in ("self_attn.q", "self_attn.k", "self_attn.v"):
                result[f"{prefix}{name}.bias"] = draw(shape[0])
        result[f"{prefix}input_layernorm.weight"] = draw(HIDDEN)
        result[f"{prefix}post_attention_layernorm.weight"] = draw(HIDDEN)
    return result


NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def llama_cpp_name(name: str) -> str:
    name = name.replace("model.layers.", "blk.")
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name


def pairs_from_halves(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorder the rows of one projection, head by head, row by row: what is to be undone."""
    result = np.empty_like(rows)
    for head in range(0, len(rows), HEAD_DIM):
        for i in range(HEAD_DIM // 2):
            result[head + 2 * i] = rows[head + i]
            result[head + 2 * i + 1] = rows[head + HEAD_DIM // 2 + i]
    return result


def write_gguf(
    path: Path,
    values: Weights,
    *,
    architecture: str = "llama",
    kinds: dict[str, Kind] | None = None,
    split: str = "smollm",
    extra: dict[str, Any] | None = None,
) -> Path:
    """Write a model; `kinds` names tensors (by the end of their names) that are quantised."""
    writer = GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens())
    writer.add_token_types([3] * len(CONTROL) + [1] * (len(tokens()) - len(CONTROL)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    for key, value in (extra or {}).items():
        if isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_uint32(key, value)
    for name, value in values.items():
        stored = value
        if architecture == "llama" and ("q_proj" in name or "k_proj" in name):
            stored = pairs_from_halves(value)
        kind = next((k for end, k in (kinds or {}).items() if name.endswith(end)), None)
        if kind is None:
            writer.add_tensor(llama_cpp_name(name), stored)
        else:
            writer.add_tensor(llama_cpp_name(name), quantize(stored, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
