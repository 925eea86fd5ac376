"""Fixtures for every test: an isolated home, and the corpora where they exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("infini", deadline=None)
settings.load_profile("infini")

CORPUS = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture(autouse=True)
def isolated_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Point every directory that infini may write to at a temporary one."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("INFINI_HOME", str(home / "infini"))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Give the folder of the corpora, or skip the test where it is absent."""
    if not CORPUS.is_dir():
        pytest.skip("the corpora are not beside the project (../shared/data)")
    return CORPUS.resolve()
