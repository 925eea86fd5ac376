"""Whole models from the Hugging Face hub: safetensors, configuration and tokenizer, no code.

They are kept in the hub library's own layout, under infini's data where `INFINI_HOME` is set,
else in the cache that other programs share.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from infini_cli import paths
from infini_cli.errors import ModelError, ModelNotFound
from infini_cli.progress import Note, Progress, silent

PATTERNS = ("*.safetensors", "*.json", "tokenizer*", "chat_template.jinja", "LICENSE*")
"""What is fetched. Pickled weights can run code and are left where they are."""
_NAME = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}(@[\w./-]{1,200})?")


def is_hub_name(name: str) -> bool:
    """Tell whether a text looks like `owner/name` or `owner/name@revision`."""
    return _NAME.fullmatch(name) is not None and ".." not in name and name[0] not in "./"


def find_snapshot(name: str) -> Path:
    """Give the folder of a model that has been pulled; no network.

    Raises:
        ModelNotFound: it is not here, with the command that fetches it.
    """
    for folder in (*_cache_folders(), None):
        try:
            return _snapshot(name, folder, local_files_only=True)
        except ModelError:
            continue
    raise ModelNotFound(
        f"the model `{name}` is not on this machine", hint=f"run `infini models pull {name}`"
    )


def pull_snapshot(name: str, *, offline: bool = False, progress: Progress = silent) -> Path:
    """Fetch a model from the hub; what is here already is not fetched again.

    Args:
        name: `owner/name` or `owner/name@revision`.
        offline: whether the network must not be touched.
        progress: told that it begins.

    Raises:
        ModelNotFound: the hub has no such model, or it is not here and `offline` is set.
        ModelError: the hub cannot be reached.
    """
    if offline:
        return find_snapshot(name)
    progress(Note(f"fetching {name} from the Hugging Face hub"))
    return _snapshot(name, next(iter(_cache_folders()), None), local_files_only=False)


def _cache_folders() -> tuple[Path, ...]:
    return (paths.data_dir() / "hub",) if paths.home() else ()


def _snapshot(name: str, folder: Path | None, *, local_files_only: bool) -> Path:
    # Imported here: it takes a while, and names of the catalog do without.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repository, _, revision = name.partition("@")
    options: dict[str, Any] = {"cache_dir": folder} if folder else {}
    try:
        found = snapshot_download(
            repository,
            revision=revision or None,
            allow_patterns=list(PATTERNS),
            local_files_only=local_files_only,
            etag_timeout=6,
            **options,
        )
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise ModelNotFound(
            f"the hub has no model `{name}` that can be read without a login",
            hint="check the spelling; for a gated model set HF_TOKEN",
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(
            f"the hub does not give `{name}`: no connection, or an error of the hub's",
            hint="check the network, or give a folder that holds the model",
        ) from error
    return Path(found)
