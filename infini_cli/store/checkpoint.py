"""Adapters and whole checkpoints: a model with its trained memory as one folder, and back."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from infini_cli.atomic import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from infini_cli.errors import InfiniError, ModelIncompatible, ModelNotFound, UsageError
from infini_cli.progress import Progress
from infini_cli.store.convert import Form
from infini_cli.store.resolve import ResolvedModel

WEIGHTS = "model.safetensors"
OTHERS = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def merge(
    resolved: ResolvedModel, adapter: Path, folder: Path, form: Form, progress: Progress
) -> None:
    """Write a model and a trained memory as a folder that `--model` takes.

    Args:
        resolved: the base.
        adapter: the memory.
        folder: to make; it appears whole.
        form: of the base's weights, `bfloat16` or `float32`.
        progress: told of a conversion.

    Raises:
        ModelNotFound: there is no such adapter.
        ModelIncompatible: base or adapter cannot be used.
        UsageError: the folder is there already, or cannot be made.
        InfiniError: the disk is full, or the like.
    """
    from infini_models.adapter import merge_adapter
    from infini_models.errors import CheckpointError
    from infini_models.load import load_decoder

    if not adapter.is_file():
        raise ModelNotFound(f"there is no adapter `{adapter}`", hint="check the path")
    if folder.exists():
        raise UsageError(f"`{folder}` is there already", hint="name a new folder with `-o`")
    weights = resolved.weights(form, progress)
    temporary = folder.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    try:
        # An adapter that does not fit is found out before anything is written.
        load_decoder(resolved.config, [*weights, adapter], form)
        temporary.mkdir(parents=True)
        for name in OTHERS:
            if (resolved.folder / name).is_file():
                shutil.copyfile(resolved.folder / name, temporary / name)
        merge_adapter(weights, adapter, temporary / WEIGHTS)
        temporary.replace(folder)
    except CheckpointError as error:
        raise ModelIncompatible(f"cannot merge `{adapter.name}`: {error}") from error
    except OSError as error:
        raise InfiniError(f"cannot write `{folder}`: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def split(resolved: ResolvedModel, path: Path, form: Form, progress: Progress) -> None:
    """Write the trained memory inside a merged model as a file of its own.

    Args:
        resolved: the merged model.
        path: of the adapter; it appears whole.
        form: of the weights that are looked into.
        progress: told of a conversion.

    Raises:
        ModelIncompatible: the model holds no trained memory.
        UsageError: the file is one of the model's own.
        InfiniError: the file cannot be written.
    """
    from infini_models.adapter import split_adapter
    from infini_models.errors import CheckpointError

    temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    try:
        weights = resolved.weights(form, progress)
        if path.exists() and any(path.samefile(file) for file in weights):
            raise UsageError(
                f"`{path}` holds the model's weights", hint="name another file with `-o`"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        split_adapter(weights, temporary)
        temporary.replace(path)
    except CheckpointError as error:
        raise ModelIncompatible(f"cannot split `{resolved.name}`: {error}") from error
    except OSError as error:
        raise InfiniError(f"cannot write `{path}`: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
