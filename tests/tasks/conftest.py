"""Models for the tests of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from infini_cli.tasks.model import Model
from tests.tasks.tiny import build_model, open_tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model, its gates closed."""
    return build_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def open_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with open gates."""
    return build_model(tmp_path_factory.mktemp("open") / "model", gate=0.0)


@pytest.fixture
def tiny(tiny_folder: Path) -> Iterator[Model]:
    """The tiny model, loaded."""
    threads = torch.get_num_threads()
    yield open_tiny(tiny_folder)
    torch.set_num_threads(threads)


@pytest.fixture
def remembering(open_folder: Path) -> Iterator[Model]:
    """The one with open gates, loaded."""
    threads = torch.get_num_threads()
    yield open_tiny(open_folder)
    torch.set_num_threads(threads)
