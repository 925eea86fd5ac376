"""A GGUF file once converted: a folder that loads by mapping files.

The folder holds `config.json`, `tokenizer.json`, `tokenizer_config.json`,
`chat_template.jinja` and one `model-FORM.safetensors` a form of weights:

    float32     everything float32
    bfloat16    matrices and biases bfloat16, norms float32
    int8        projections and the output head as signed bytes, one float32 scale a row
                beside each (`X.weight_scale`); embedding bfloat16; norms and biases float32

Bytes are rounded from the file's own values, not from bfloat16. A tied embedding is stored
once, except that the int8 form has its own `lm_head.weight` in bytes. numpy suffices: no torch.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from infini_models.errors import CheckpointError
from infini_models.gguf import GgufFile, read_gguf
from infini_models.gguf_weights import EMBEDDING, HEAD, GgufModel, NamedTensor, model_from_gguf

from infini_cli.atomic import write_atomically
from infini_cli.errors import ModelError, ModelIncompatible
from infini_cli.progress import Progress, Write, silent
from infini_cli.store.gguf_tokenizer import read_vocabulary
from infini_cli.store.weights_file import (
    TensorSpec,
    WeightsWriter,
    to_bfloat16,
    to_int8,
    weights_file,
    weights_size,
)

Form = Literal["bfloat16", "int8", "float32"]
CONVERSION = 1
"""Raised when a conversion gives other files than before; part of the folder's name."""


def converted_folder(parent: Path) -> Path:
    """Give the folder that conversions of this version go to."""
    return parent / f"converted-{CONVERSION}"


def weights_path(folder: Path, form: Form) -> Path:
    """Give the place of a form of the weights in a converted folder."""
    return folder / f"model-{form}.safetensors"


def convert(gguf_path: Path, folder: Path, form: Form, progress: Progress = silent) -> Path:
    """Make sure that a folder holds a GGUF model in one form.

    What is already there is kept. Every file appears whole or not at all, `config.json` last.

    Args:
        gguf_path: the source.
        folder: where the files go; created where it is missing.
        form: which weights.
        progress: told of the tensors that are converted.

    Returns:
        the weights file.

    Raises:
        ModelIncompatible: an architecture or a tokenizer that is not implemented.
        ModelError: the file is damaged, or the disk is full.
    """
    weights = weights_path(folder, form)
    if (folder / "config.json").is_file() and weights.is_file():
        return weights
    try:
        file = read_gguf(gguf_path)
        model = model_from_gguf(file)
        described = _descriptions(file, model)
    except CheckpointError as error:
        raise ModelIncompatible(
            f"`{gguf_path.name}` cannot be converted: {error}",
            hint="infini reads GGUF files of the Llama, Mistral, Qwen2 and Qwen3 families",
        ) from error
    except OSError as error:
        raise ModelError(f"`{gguf_path}` cannot be read: {error.strerror}") from error
    try:
        if not weights.is_file():
            _write_weights(weights, gguf_path, model, form, progress)
        for name, content in described.items():
            write_atomically(folder / name, content)
    except CheckpointError as error:
        raise ModelError(
            f"`{gguf_path.name}` cannot be converted: {error}", hint="fetch the file again"
        ) from error
    except OSError as error:
        raise ModelError(f"`{folder}` cannot be written: {error.strerror}") from error
    return weights


def _descriptions(file: GgufFile, model: GgufModel) -> dict[str, bytes]:
    """Make every file but the weights; `config.json` comes last, as the mark of a whole folder."""
    vocabulary = read_vocabulary(file.metadata)
    if len(vocabulary.tokens) > model.config["vocab_size"]:
        raise CheckpointError("the vocabulary has more tokens than the embedding has rows")
    files = {"tokenizer.json": vocabulary.tokenizer().to_str(pretty=False).encode()}
    files["tokenizer_config.json"] = _json(vocabulary.tokenizer_config())
    if vocabulary.chat_template is not None:
        files["chat_template.jinja"] = vocabulary.chat_template.encode()
    files["config.json"] = _json({**model.config, **vocabulary.ids()})
    return files


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


@dataclass(frozen=True, slots=True)
class _Job:
    """One tensor of the new file: its source and how its numbers are written."""

    tensor: NamedTensor
    dtype: str

    @property
    def specs(self) -> Iterator[TensorSpec]:
        yield TensorSpec(self.tensor.name, self.dtype, self.tensor.shape)
        if self.dtype == "I8":
            yield TensorSpec(self.tensor.name + "_scale", "F32", self.tensor.shape[:1])

    def write(self, writer: WeightsWriter) -> None:
        name = self.tensor.name
        for rows in self.tensor.rows():
            if self.dtype == "I8":
                values, scales = to_int8(rows)
                writer.append(name, values)
                writer.append(name + "_scale", scales)
            elif self.dtype == "BF16":
                writer.append(name, to_bfloat16(rows))
            else:
                writer.append(name, rows)


def _write_weights(
    path: Path, source: Path, model: GgufModel, form: Form, progress: Progress
) -> None:
    jobs = [_Job(tensor, _dtype(tensor, form)) for tensor in model.tensors]
    if form == "int8" and model.config["tie_word_embeddings"]:
        embedding = next(tensor for tensor in model.tensors if tensor.name == EMBEDDING)
        jobs.append(_Job(replace(embedding, name=HEAD), "I8"))
    specs = [spec for job in jobs for spec in job.specs]
    path.parent.mkdir(parents=True, exist_ok=True)
    require_space(path.parent, weights_size(specs))
    what = f"{source.name} as {form}"
    with weights_file(path, specs, {"form": form, "conversion": str(CONVERSION)}) as writer:
        for done, job in enumerate(jobs, start=1):
            job.write(writer)
            progress(Write(what, done, len(jobs), tokens=0, tokens_per_second=0.0))


def _dtype(tensor: NamedTensor, form: Form) -> str:
    is_norm = tensor.name.endswith("norm.weight")
    is_bias = tensor.name.endswith(".bias")
    if form == "float32" or is_norm or (is_bias and form == "int8"):
        return "F32"
    is_projection = tensor.name.endswith("_proj.weight") or tensor.name == HEAD
    return "I8" if form == "int8" and is_projection else "BF16"


def require_space(folder: Path, num_bytes: int) -> None:
    """Refuse to start what the disk cannot hold.

    Raises:
        ModelError: less room than asked for.
    """
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise ModelError(
            f"`{folder}` has {free / 1e9:.1f} GB free, and {num_bytes / 1e9:.1f} GB are needed",
            hint="make room, or set INFINI_HOME to a folder on a larger disk",
        )
