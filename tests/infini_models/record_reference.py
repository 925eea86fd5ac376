"""Record what transformers says on a GGUF file's weights: python record_reference.py GGUF NAME.

The weights are dequantised to float32 by the `gguf` package and given to transformers, with
nothing of this project in between. `data/NAME.json` then holds a few token ids and the logits
of a few vocabulary entries, for `test_recorded_reference.py`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

DATA = Path(__file__).parent / "data"
NUM_IDS, NUM_POSITIONS, NUM_ENTRIES = 40, 4, 64
INNER = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_norm": "input_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "ffn_norm": "post_attention_layernorm",
}


def load(path: Path) -> Any:
    """Build transformers' model; a tied embedding stored twice is read from its finer copy."""
    reader = gguf.GGUFReader(path)
    architecture = bytes(reader.fields["general.architecture"].parts[-1]).decode()

    def value(key: str) -> Any:
        return reader.fields[f"{architecture}.{key}"].parts[-1][0].item()

    sources = {tensor.name: tensor for tensor in reader.tensors}
    heads, kv_heads = value("attention.head_count"), value("attention.head_count_kv")
    config = AutoConfig.for_model(
        architecture,
        vocab_size=int(sources["token_embd.weight"].shape[1]),
        hidden_size=value("embedding_length"),
        num_hidden_layers=value("block_count"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=value("feed_forward_length"),
        rms_norm_eps=value("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": value("rope.freq_base")},
        max_position_embeddings=value("context_length"),
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    model.to_empty(device="cpu")
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    model.tie_weights()
    parameters = dict(model.named_parameters())
    finer = "output.weight" if "output.weight" in sources else "token_embd.weight"
    filled = set()
    for name, source in sources.items():
        if name in ("token_embd.weight", "output.weight") and name != finer:
            continue
        array = gguf.quants.dequantize(source.data, source.tensor_type)
        array = array.astype(np.float32).reshape([int(n) for n in reversed(source.shape)])
        target = {finer: "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
        if name in target:
            place = target[name]
        else:
            _, index, kind, suffix = name.split(".")
            place = f"model.layers.{index}.{INNER[kind]}.{suffix}"
            if architecture == "llama" and kind in ("attn_q", "attn_k"):
                count = heads if kind == "attn_q" else kv_heads
                pairs = array.reshape(count, array.shape[0] // count // 2, 2, -1)
                array = pairs.swapaxes(1, 2).reshape(array.shape)
        with torch.no_grad():
            parameters[place].copy_(torch.from_numpy(np.ascontiguousarray(array)))
        filled.add(place)
    assert filled == parameters.keys(), parameters.keys() ^ filled
    return model.eval()


def main() -> None:
    path, name = Path(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(1)
    model = load(path)
    size = model.config.vocab_size
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(0, min(size, 40_000), (1, NUM_IDS), generator=draw)
    entries = torch.randint(0, size, (NUM_ENTRIES,), generator=draw).unique()
    with torch.inference_mode():
        logits = model(ids).logits[0, -NUM_POSITIONS:]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    recorded = {
        "sha256": digest.hexdigest(),
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "ids": ids[0].tolist(),
        "entries": entries.tolist(),
        "likeliest": logits.argmax(-1).tolist(),
        "logits": [[round(x, 6) for x in row] for row in logits[:, entries].tolist()],
    }
    DATA.mkdir(exist_ok=True)
    (DATA / f"{name}.json").write_text(json.dumps(recorded) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
