"""A tiny random model in a folder, as users' own models lie there: it reads and writes nonsense.

Run as a program it reads a book, slowly enough to be killed: `tiny.py MODEL_FOLDER NUM_CHAPTERS`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import torch
from infini_models.config import DecoderConfig, MemoryConfig
from infini_models.decoder import Decoder
from safetensors.torch import save_file

from infini_cli.progress import Event, Read
from infini_cli.reading.book import Book
from infini_cli.store.resolve import resolve
from infini_cli.tasks import book_reader, note_questions, reading_run
from infini_cli.tasks.model import Model, load_model
from tests.tokens.build import build_book, build_tokenizer

SEGMENT_LENGTH = 48
VOCABULARY = 400


def build_model(folder: Path, gate: float = -math.inf) -> Path:
    """Write configuration, tokenizer and random weights."""
    build_tokenizer(folder, vocabulary=VOCABULARY)
    config = {
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "intermediate_size": 64,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.manual_seed(0)
    decoder = Decoder(DecoderConfig.from_hugging_face(config), MemoryConfig(gate_init=gate))
    tensors = {}
    for name, tensor in decoder.state_dict().items():
        if name == "lm_head.weight" or (name.endswith("memory_gate") and gate == -math.inf):
            continue
        if tensor.dim() == 2 and "gate" not in name.split(".")[-1]:
            tensor = torch.randn_like(tensor) * 0.3
        tensors[f"model.{name}"] = tensor.contiguous()
    save_file(tensors, folder / "model.safetensors")
    return folder


def open_tiny(folder: Path) -> Model:
    """Load it, with segments short enough that a small book has many."""
    torch.set_num_threads(1)
    loaded = load_model(resolve(str(folder), form="float32"), "float32", lambda event: None)
    return Model(
        loaded.name,
        loaded.checkpoint,
        loaded.form,
        loaded.decoder,
        loaded.tokenizer,
        loaded.chat,
        SEGMENT_LENGTH,
    )


def tiny_book(num_chapters: int = 6) -> Book:
    """Make a book of short chapters, each two segments or so."""
    chapters = [
        [f"# Part {n}", f"The keeper of island {n} wrote the name Orla{n} in the book. " * 4]
        for n in range(1, num_chapters + 1)
    ]
    return build_book(chapters)


def main() -> None:
    """Read a book and keep its memory."""
    folder, num_chapters = Path(sys.argv[1]), int(sys.argv[2])
    reading_run.MAX_GROUP_SEGMENTS = 3
    note_questions.NOTE_TOKENS = 4
    model = open_tiny(folder)

    def slowly(event: Event) -> None:
        if isinstance(event, Read):
            print(event.segment, flush=True)
            time.sleep(0.05)

    book_reader.read_through(tiny_book(num_chapters), model, slowly, notes=True, use_cache=True)


if __name__ == "__main__":
    main()
