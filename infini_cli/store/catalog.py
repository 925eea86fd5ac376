"""The models that infini knows by name, each described by a `model.toml`.

An installed infini carries the folders as `infini_models/cards/NAME/`; a checkout has them
beside the package, as `models/NAME/`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from infini_cli.errors import ModelNotFound

DESCRIPTION = "model.toml"
ADAPTER = "adapter.safetensors"
WRITER = "writer.safetensors"
SALIENCE = "salience.safetensors"


@dataclass(frozen=True, slots=True)
class HubSource:
    """One file in a repository of the Hugging Face hub.

    Attributes:
        repository: `owner/name`.
        revision: commit, or a branch where none is known (the sha256 decides anyway).
        path: inside the repository.
    """

    repository: str
    revision: str
    path: str

    def __str__(self) -> str:
        return f"hub {self.repository}"


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """A file that lies in parts inside wheels of the Python package index.

    Attributes:
        package: name of the wheel of part `{n}`.
        version: of all of them.
        member: path of the part inside its wheel.
        num_parts: joined in order they are the file.
        part_bytes: size of each but the last, which may be shorter.
    """

    package: str
    version: str
    member: str
    num_parts: int
    part_bytes: int

    def __str__(self) -> str:
        return f"package index, {self.package.format(n=1)}"

    def requirement(self, part: int) -> str:
        """Name the wheel of a part (from 1), `name==version`."""
        return f"{self.package.format(n=part)}=={self.version}"

    def member_of(self, part: int) -> str:
        """Give the path of a part (from 1) inside its wheel."""
        return self.member.format(n=part)


Source = HubSource | RegistrySource


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """A model that can be pulled by name.

    Attributes:
        name: what the user types.
        base: the model on the hub that it is made of.
        licence: SPDX identifier of the weights.
        summary: a few words on what it is good for.
        num_parameters: of the base.
        segment_length: recommended tokens a segment.
        min_trust: of a sentence of its notes, see `infini_cli.grounding.trust`.
        is_default: whether it is used where none is named.
        file_name: what is fetched.
        num_bytes: its size.
        sha256: its hash, hexadecimal.
        sources: where it can be had, in the order to try.
        folder: holds the description and the card.
    """

    name: str
    base: str
    licence: str
    summary: str
    num_parameters: int
    segment_length: int
    min_trust: float
    is_default: bool
    file_name: str
    num_bytes: int
    sha256: str
    sources: tuple[Source, ...]
    folder: Path

    @property
    def card(self) -> str:
        """Read the model's card, Markdown."""
        return (self.folder / "card.md").read_text(encoding="utf-8")

    @property
    def adapter(self) -> Path | None:
        """The trained memory that infini ships for it, where there is one."""
        path = self.folder / ADAPTER
        return path if path.is_file() else None

    @property
    def adapters(self) -> dict[str, Path]:
        """Every trained memory that lies beside its card, by name: for one task, not for all."""
        found = sorted(self.folder.glob("*.safetensors"))
        return {path.stem: path for path in found if path.name not in (WRITER, SALIENCE)}

    @property
    def writer(self) -> Path | None:
        """What infini taught it to write notes with, where there is such."""
        path = self.folder / WRITER
        return path if path.is_file() else None

    @property
    def salience(self) -> Path | None:
        """What tells how much a sentence matters from its activations, where there is such."""
        path = self.folder / SALIENCE
        return path if path.is_file() else None


@cache
def catalog() -> tuple[CatalogModel, ...]:
    """Give every model known by name, the default first, then by size."""
    folders = (path.parent for path in _root().glob(f"*/{DESCRIPTION}"))
    models = [read_description(folder) for folder in folders]
    return tuple(sorted(models, key=lambda model: (not model.is_default, model.num_parameters)))


def find_model(name: str) -> CatalogModel:
    """Give the model of that name.

    Raises:
        ModelNotFound: there is none; the nearest names are suggested.
    """
    names = [model.name for model in catalog()]
    if name in names:
        return catalog()[names.index(name)]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean `{close[0]}`?" if close else "`infini models list` shows the names"
    raise ModelNotFound(f"there is no model `{name}`", hint=hint)


def default_model() -> CatalogModel:
    """Give the model that is used where none is named."""
    return catalog()[0]


def read_description(folder: Path) -> CatalogModel:
    """Read a `model.toml`, a file of this project's own.

    Raises:
        KeyError: an entry is missing.
    """
    value = tomllib.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return CatalogModel(
        name=value["name"],
        base=value["base"],
        licence=value["licence"],
        summary=value["summary"],
        num_parameters=value["num_parameters"],
        segment_length=value["segment_length"],
        min_trust=value["min_trust"],
        is_default=value["default"],
        file_name=value["file"]["name"],
        num_bytes=value["file"]["num_bytes"],
        sha256=value["file"]["sha256"],
        sources=tuple(_source(entry) for entry in value["sources"]),
        folder=folder,
    )


def _source(entry: Mapping[str, Any]) -> Source:
    values = {key: value for key, value in entry.items() if key != "kind"}
    return HubSource(**values) if entry["kind"] == "hub" else RegistrySource(**values)


def _root() -> Path:
    spec = find_spec("infini_models")
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFound("infini is installed without its models", hint="install it again")
    package = Path(spec.submodule_search_locations[0])
    installed = package / "cards"
    return installed if installed.is_dir() else package.parent
