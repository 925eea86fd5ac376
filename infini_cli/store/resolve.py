"""What `--model` means: a catalog name, a name on the hub, a folder or a GGUF file.

Resolving touches no network. What is not here is an error with the command that fetches it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infini_cli import paths
from infini_cli.errors import ModelIncompatible, ModelNotFound
from infini_cli.progress import Progress, silent
from infini_cli.store import hub, inventory, models
from infini_cli.store.catalog import CatalogModel, catalog, default_model, find_model
from infini_cli.store.convert import Form, convert, converted_folder
from infini_cli.store.fingerprint import fingerprint

MAX_JSON_BYTES = 1 << 24
MAX_SHOWN = 80
"""Characters of a name in an error."""
INDEX = "model.safetensors.index.json"
NO_ADAPTER = Path("none")
"""In the place of an adapter, a writer or a readout: the base as it is."""
SEGMENT_LENGTH = 1024
"""A note says one thing on each segment: on longer ones it would leave most of them out."""

UNKNOWN_TRUST = 0.3
"""Of a model whose notes were never judged: a better one tells the truth in words of its own."""

Weights = Callable[[Form, Progress], tuple[Path, ...]]


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that is on this machine.

    Attributes:
        name: for display and for book memories.
        folder: holds `config.json` and `tokenizer.json`.
        checkpoint: hash of the configuration and the weights' source, hexadecimal.
        segment_length: recommended tokens a segment.
        min_trust: of a sentence of its notes, see `infini_cli.grounding.trust`.
        weights: gives the safetensors files for a form, converting a GGUF file where that
            form has not been made yet.
    """

    name: str
    folder: Path
    checkpoint: str
    segment_length: int
    weights: Weights
    min_trust: float = UNKNOWN_TRUST

    @property
    def config(self) -> dict[str, Any]:
        """Read `config.json`.

        Raises:
            ModelIncompatible: it is no JSON object.
        """
        return read_json(self.folder / "config.json")

    @property
    def tokenizer(self) -> Path:
        """The file `tokenizer.json`."""
        return self.folder / "tokenizer.json"


def resolve(argument: str | None, *, form: Form, progress: Progress = silent) -> ResolvedModel:
    """Find what the user named, on this machine.

    Args:
        argument: catalog name, `owner/name[@revision]`, folder or `.gguf` file; None: the
            default.
        form: of the weights that will be wanted; a GGUF file is converted to it now if it
            has never been converted.
        progress: told of a conversion.

    Raises:
        ModelNotFound: it is not here, with the command that fetches it.
        ModelError: it is here and cannot be used.
    """
    name = argument or default_model().name
    if name in {model.name for model in catalog()}:
        return _from_catalog(name, form, progress)
    local = _local(name)
    if local.is_dir():
        return _from_folder(local.absolute(), local.name or name)
    if local.is_file():
        return _from_file(local.absolute(), form, progress)
    if hub.is_hub_name(name):
        return _from_folder(hub.find_snapshot(name), name)
    if local.suffix == ".gguf" or name.startswith((".", "/", "~")):
        raise ModelNotFound(f"there is no file or folder `{name}`")
    find_model(name)
    raise inventory.not_here(name)


def ensure(
    argument: str | None, *, form: Form, offline: bool = False, progress: Progress = silent
) -> ResolvedModel:
    """Find a model, pulling it first where it is one of the catalog and not here.

    Raises:
        ModelNotFound: it is not here and may not or cannot be fetched by itself.
        ModelError: it cannot be fetched or used.
    """
    name = argument or default_model().name
    if name in {model.name for model in catalog()}:
        models.pull(name, form=form, offline=offline, progress=progress)
    return resolve(name, form=form, progress=progress)


def find_adapter(argument: str | None, adapter: Path | None) -> Path | None:
    """Find a trained memory, whether or not the model is here.

    Args:
        argument: the model, as for `resolve`.
        adapter: a file, or the name of a memory beside the model's card; None: the one that
            comes with the model for every use; `NO_ADAPTER`: none.
    """
    model = _of_catalog(argument)
    if adapter is None:
        return model.adapter if model is not None else None
    if adapter == NO_ADAPTER:
        return None
    named = model.adapters if model is not None else {}
    return adapter if adapter.is_file() else named.get(str(adapter), adapter)


def find_writer(argument: str | None, writer: Path | None) -> Path | None:
    """Find what a model writes notes with, whether or not the model is here.

    Args:
        argument: the model, as for `resolve`.
        writer: a file; None: the one that comes with the model; `NO_ADAPTER`: none.
    """
    model = _of_catalog(argument)
    return _given_or_shipped(writer, model.writer if model is not None else None)


def find_salience(argument: str | None, salience: Path | None) -> Path | None:
    """Find what tells how much a sentence matters, whether or not the model is here.

    Args:
        argument: the model, as for `resolve`.
        salience: a file; None: the one that comes with the model; `NO_ADAPTER`: none.
    """
    model = _of_catalog(argument)
    return _given_or_shipped(salience, model.salience if model is not None else None)


def _given_or_shipped(given: Path | None, shipped: Path | None) -> Path | None:
    if given is None:
        return shipped
    return None if given == NO_ADAPTER else given


def _of_catalog(argument: str | None) -> CatalogModel | None:
    """Give the model of the catalog that is meant, if it is one of these."""
    name = argument or default_model().name
    return next((model for model in catalog() if model.name == name), None)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of bounded size.

    Raises:
        ModelIncompatible: it is larger, or no JSON object.
        ModelNotFound: the file is not there.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelIncompatible(f"`{path}` is too large to be a configuration")
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelNotFound(f"`{path}` is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelIncompatible(f"`{path}` is not readable JSON") from error
    if not isinstance(value, dict):
        raise ModelIncompatible(f"`{path}` is not a JSON object")
    return value


def _from_catalog(name: str, form: Form, progress: Progress) -> ResolvedModel:
    found = inventory.installed(name)
    models.convert_installed(name, form, progress)

    def weights(form: Form, progress: Progress) -> tuple[Path, ...]:
        return (models.convert_installed(name, form, progress),)

    return ResolvedModel(
        name,
        found.converted,
        found.model.sha256,
        found.model.segment_length,
        weights,
        found.model.min_trust,
    )


def _from_file(path: Path, form: Form, progress: Progress) -> ResolvedModel:
    if path.suffix != ".gguf":
        raise ModelIncompatible(
            f"`{path}` is no GGUF file",
            hint="give a folder with config.json, tokenizer.json and safetensors files",
        )
    checkpoint = fingerprint((path,))
    folder = converted_folder(paths.cache_dir() / "converted" / checkpoint[:32])

    def weights(form: Form, progress: Progress) -> tuple[Path, ...]:
        return (convert(path, folder, form, progress),)

    weights(form, progress)
    length = _segment_length(read_json(folder / "config.json"))
    return ResolvedModel(path.stem, folder, checkpoint, length, weights)


def _from_folder(folder: Path, name: str) -> ResolvedModel:
    config = read_json(folder / "config.json")
    if not (folder / "tokenizer.json").is_file():
        raise ModelIncompatible(
            f"`{folder}` has no tokenizer.json",
            hint="transformers writes it: AutoTokenizer.from_pretrained(...).save_pretrained(...)",
        )
    files = _safetensors(folder)
    checkpoint = fingerprint((folder / "config.json", *files))
    return ResolvedModel(
        name, folder, checkpoint, _segment_length(config), lambda form, progress: files
    )


def _safetensors(folder: Path) -> tuple[Path, ...]:
    if (folder / INDEX).is_file():
        listed = read_json(folder / INDEX).get("weight_map")
        if not isinstance(listed, dict):
            raise ModelIncompatible(f"`{folder / INDEX}` has no weight_map")
        files = tuple(folder / _plain(name) for name in sorted(set(map(str, listed.values()))))
    else:
        files = tuple(sorted(folder.glob("*.safetensors")))
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise ModelIncompatible(f"`{folder}` lacks {', '.join(missing)}")
    if not files:
        pickled = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
        raise ModelIncompatible(
            f"`{folder}` has no safetensors file",
            hint="pickled weights can run code and are never loaded; convert them to safetensors"
            if pickled
            else None,
        )
    return files


def _plain(name: str) -> str:
    if Path(name).name != name:
        raise ModelIncompatible(f"the index names `{name}`, outside its folder")
    return name


def _local(name: str) -> Path:
    """Take a name for a path; one that can be none names nothing on this machine."""
    try:
        path = Path(name).expanduser()
        path.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelNotFound(
            f"there is no model `{name[:MAX_SHOWN]}`",
            hint="`infini models list` shows those there are",
        ) from error
    return path


def _segment_length(config: Mapping[str, Any]) -> int:
    """Give the recommended length, never more than the base attends to at once."""
    if not isinstance(config.get("hidden_size"), int):
        raise ModelIncompatible("config.json has no whole number `hidden_size`")
    bounds = [SEGMENT_LENGTH]
    keys = ["max_position_embeddings"]
    if config.get("use_sliding_window") is not False:
        keys.append("sliding_window")
    for key in keys:
        value = config.get(key)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ModelIncompatible(f"`{key}` in config.json is no positive whole number")
        bounds.append(value)
    return min(bounds)
