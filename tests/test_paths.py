from __future__ import annotations

from pathlib import Path

import pytest

from infini_cli import paths


def test_home_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFINI_HOME", str(tmp_path))
    folders = [
        paths.data_dir(),
        paths.cache_dir(),
        paths.state_dir(),
        paths.config_dir(),
        paths.models_dir(),
        paths.memories_dir(),
    ]
    assert all(folder.is_relative_to(tmp_path) for folder in folders)
    assert len(set(folders)) == len(folders)
    assert paths.models_dir() == tmp_path / "models"


@pytest.mark.parametrize("value", [None, ""])
def test_unset_or_empty_home_means_the_platform(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("INFINI_HOME")
    else:
        monkeypatch.setenv("INFINI_HOME", value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert paths.data_dir() == tmp_path / "infini"
    # An empty XDG variable is unset as well.
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert paths.cache_dir() == Path.home() / ".cache" / "infini"


def test_a_relative_home_does_not_depend_on_later_changes_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INFINI_HOME", "here")
    assert paths.data_dir() == tmp_path / "here"


def test_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFINI_HOME", "~/books")
    assert paths.data_dir() == Path.home() / "books"


def test_asking_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFINI_HOME", str(tmp_path / "home"))
    paths.models_dir()
    assert not (tmp_path / "home").exists()
