"""The wheel holds the two packages and the model cards, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

from tests.project.imports import ROOT, modules

MODELS = sorted(path.parent.name for path in (ROOT / "models").glob("*/card.md"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel with what is installed here, no network and no isolation."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_top_level_names(wheel: zipfile.ZipFile) -> None:
    """No `models`, no `tests`: such names would overwrite those of other people's wheels."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "infini_cli",
        "infini_models",
    }


def test_every_module_is_inside(wheel: zipfile.ZipFile) -> None:
    expected = {
        str(module.path.relative_to(ROOT)).removeprefix("models/") for module in modules().values()
    }
    assert {name for name in wheel.namelist() if name.endswith(".py")} == expected


def test_both_packages_are_typed(wheel: zipfile.ZipFile) -> None:
    assert {"infini_cli/py.typed", "infini_models/py.typed"} <= set(wheel.namelist())


@pytest.mark.parametrize("model", MODELS)
def test_model_folders_are_inside(wheel: zipfile.ZipFile, model: str) -> None:
    """Everything that a model's folder holds travels, unchanged; recipes are data, not code."""
    folder = ROOT / "models" / model
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            name = f"infini_models/cards/{model}/{path.relative_to(folder).as_posix()}"
            assert wheel.read(name) == path.read_bytes()


def test_recipes_of_summaries_are_inside(wheel: zipfile.ZipFile) -> None:
    found = sorted((ROOT / "infini_cli" / "recipes").glob("*.toml"))
    assert len(found) == 5
    for path in found:
        assert wheel.read(f"infini_cli/recipes/{path.name}") == path.read_bytes()


def test_three_models_are_described() -> None:
    assert MODELS == [
        "qwen2.5-coder-0.5b-infini",
        "qwen2.5-coder-1.5b-infini",
        "smollm2-135m-infini",
    ]


def test_no_leftovers(wheel: zipfile.ZipFile) -> None:
    endings = (".pyc", ".infmem", ".gguf", ".ipynb")
    assert not [name for name in wheel.namelist() if name.endswith(endings)]
    assert sum(item.file_size for item in wheel.infolist()) < 50 * 1024 * 1024


def test_metadata(wheel: zipfile.ZipFile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = BytesParser().parsebytes(wheel.read(name))
    assert metadata["Name"] == project["name"]
    assert metadata["Version"] == project["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    licence = Path(name).parent / "licenses" / "LICENSE"
    assert wheel.read(licence.as_posix()) == (ROOT / "LICENSE").read_bytes()


def test_the_command_is_declared(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert b"infini = infini_cli.__main__:main" in wheel.read(name)


def test_an_editable_install_copies_no_package(tmp_path: Path) -> None:
    """A stray `infini_models` in site-packages would stand before the working tree."""
    script = "import sys, hatchling.build as backend;print(backend.build_editable(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (path,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(path).namelist()
    assert not [name for name in names if name.startswith("infini_") and ".dist-info/" not in name]
