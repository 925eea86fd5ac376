"""Safetensors files: their tensors, what stands beside these, and the one error for both."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from infini_models.errors import WeightsError


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a file.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise unreadable(path, error) from error


def read_metadata(path: Path, key: str) -> str | None:
    """Read an entry of a file's metadata; None where there is none.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(key)
    except (SafetensorError, OSError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> WeightsError:
    """Make the error that says that a file is none of these, or damaged."""
    return WeightsError(f"`{path.name}` is not a readable safetensors file: {error}")
