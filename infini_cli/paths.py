"""Where infini keeps its files.

`INFINI_HOME` moves everything into one folder. Without it each kind of file goes where the
platform wants it (on Linux the XDG base directories). An empty variable counts as unset.
Nothing is created here: whoever writes a file creates its folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from infini_cli.errors import UsageError

APPLICATION = "infini"
HOME_VARIABLE = "INFINI_HOME"


def home() -> Path | None:
    """Give the folder that `INFINI_HOME` names, None where it is unset or empty.

    Raises:
        UsageError: the variable starts with `~` and the home directory is unknown.
    """
    value = os.environ.get(HOME_VARIABLE, "")
    if not value:
        return None
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(
            f"{HOME_VARIABLE}=`{value}` names no folder", hint="give an absolute path"
        ) from error


def data_dir() -> Path:
    """Give the folder of models and book memories."""
    return home() or platformdirs.user_data_path(APPLICATION, appauthor=False)


def cache_dir() -> Path:
    """Give the folder of what can be computed again."""
    moved = home()
    return moved / "cache" if moved else platformdirs.user_cache_path(APPLICATION, appauthor=False)


def state_dir() -> Path:
    """Give the folder of logs and of the points from which stopped runs go on."""
    moved = home()
    return moved / "state" if moved else platformdirs.user_state_path(APPLICATION, appauthor=False)


def config_dir() -> Path:
    """Give the folder of the user's settings."""
    moved = home()
    if moved:
        return moved / "config"
    return platformdirs.user_config_path(APPLICATION, appauthor=False)


def models_dir() -> Path:
    """Give the folder that holds one folder a pulled model."""
    return data_dir() / "models"


def memories_dir() -> Path:
    """Give the folder of the book memories that infini keeps by itself."""
    return data_dir() / "memories"
