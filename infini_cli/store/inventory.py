"""What is on this machine of the models: their folders, files and forms.

A pulled model is a folder of its name: the file as it was fetched, and what it was converted
into (see `convert`). The file appears under its name once its sha256 has been checked, so a
file that is there is whole.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infini_cli import paths
from infini_cli.errors import ModelNotFound
from infini_cli.store.catalog import CatalogModel, catalog, find_model
from infini_cli.store.convert import Form, converted_folder, weights_path

FORMS: tuple[Form, ...] = ("bfloat16", "int8", "float32")


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model of the catalog and what of it is on this machine.

    Attributes:
        model: its description.
        folder: where it is kept, whether or not it is there.
        is_installed: whether its file is there, whole and verified when it was fetched.
        forms: forms of the weights that are there already.
        disk_bytes: what the folder takes.
        partial_bytes: what an unfinished pull has left.
    """

    model: CatalogModel
    folder: Path
    is_installed: bool
    forms: tuple[Form, ...]
    disk_bytes: int
    partial_bytes: int

    @property
    def file(self) -> Path:
        """The file as it was fetched."""
        return self.folder / self.model.file_name

    @property
    def converted(self) -> Path:
        """The folder that loads."""
        return converted_folder(self.folder)


def status(name: str) -> ModelStatus:
    """Say what of a model is on this machine; `.model.card` has its card.

    Raises:
        ModelNotFound: the catalog has no such model.
    """
    return status_of(find_model(name))


def list_models() -> tuple[ModelStatus, ...]:
    """Say of every model of the catalog what is on this machine, the default first."""
    return tuple(status_of(model) for model in catalog())


def status_of(model: CatalogModel) -> ModelStatus:
    """Say what of a model of the catalog is on this machine."""
    folder = paths.models_dir() / model.name
    converted = converted_folder(folder)
    has_config = (converted / "config.json").is_file()
    partial = folder / f"{model.file_name}.part"
    return ModelStatus(
        model=model,
        folder=folder,
        is_installed=(folder / model.file_name).is_file(),
        forms=tuple(f for f in FORMS if has_config and weights_path(converted, f).is_file()),
        disk_bytes=sum(
            _size(Path(parent, name)) for parent, _, names in os.walk(folder) for name in names
        ),
        partial_bytes=_size(partial),
    )


def path(name: str | None = None) -> Path:
    """Give the folder of a model on this machine, or of all of them.

    Raises:
        ModelNotFound: it is not here, with the command that fetches it.
    """
    return paths.models_dir() if name is None else installed(name).folder


def installed(name: str) -> ModelStatus:
    """Give a model that must be here.

    Raises:
        ModelNotFound: it is not, with the command that fetches it.
    """
    found = status(name)
    if not found.is_installed:
        raise not_here(name)
    return found


def not_here(name: str) -> ModelNotFound:
    """Word the error for a model that has not been pulled."""
    return ModelNotFound(
        f"the model `{name}` is not on this machine", hint=f"run `infini models pull {name}`"
    )


def _size(path: Path) -> int:
    """Give a file's bytes, none where it is not there: another pull may just have renamed it."""
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0
