from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from infini_cli.errors import InputNotFound, InputTooLarge, NoTextInput
from infini_cli.reading.source import read_bytes


def test_bytes_come_back_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").symlink_to("a")
    assert read_bytes(tmp_path / "b") == b"abc"


def test_missing_folder_dangling_link_and_nul(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    for path, what in (
        (tmp_path / "none", "no file"),
        (tmp_path / "dangling", "no file"),
        (tmp_path, "folder"),
        (tmp_path / "a\0b", "cannot be opened"),
    ):
        with pytest.raises(InputNotFound, match=what) as caught:
            read_bytes(path)
        assert caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_nobody_writes_to_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputNotFound, match="regular"):
        read_bytes(tmp_path / "pipe")


def test_empty_and_too_large(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(NoTextInput):
        read_bytes(tmp_path / "empty")
    (tmp_path / "large").write_bytes(b"12345")
    with pytest.raises(InputTooLarge, match="5 bytes"):
        read_bytes(tmp_path / "large", max_bytes=4)
