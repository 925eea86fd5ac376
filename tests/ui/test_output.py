from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from infini_cli.errors import InfiniError, UsageError
from infini_cli.ui.output import ClosedOutput, check_destination, write_result


@pytest.mark.parametrize("text", ["a\nb", "a\nb\n", "a\nb\n\n\n"])
def test_one_line_break_at_the_end(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_result(text)
    assert capsys.readouterr().out == "a\nb\n"


def test_pieces_keep_their_line_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    write_result(["a\n", "\n", "b", "c\n", "", "\n"])
    assert capsys.readouterr().out == "a\n\nbc\n"


def test_a_file_gets_the_bytes_as_they_are(tmp_path: Path) -> None:
    write_result("\x1b[31mé\ud800", tmp_path / "a" / "out.txt")
    assert (tmp_path / "a" / "out.txt").read_bytes() == b"\x1b[31m\xc3\xa9\\ud800\n"


def test_a_pipe_gets_control_characters_and_a_terminal_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    write_result("\x1b[31mred")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    write_result("\x1b[31mred")
    assert stream.getvalue() == "\x1b[31mred\nred\n"


def test_a_failed_result_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def pieces():
        yield "new"
        raise InfiniError("no more")

    with pytest.raises(InfiniError, match="no more"):
        write_result(pieces(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write") as caught:
        write_result("x", tmp_path)
    assert caught.value.hint


def test_the_input_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("a book")
    with pytest.raises(UsageError, match="the input itself"):
        check_destination(tmp_path / "." / "book.txt", [Path("-"), None, path])
    check_destination(tmp_path / "other.txt", [path])
    check_destination(None, [path])


def test_what_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("a file")
    for path in (tmp_path, file / "below.txt", tmp_path / ("x" * 300)):
        with pytest.raises(InfiniError, match="cannot write") as caught:
            check_destination(path, [])
        assert caught.value.hint
    check_destination(tmp_path / "new" / "folder" / "a.md", [])
    check_destination(Path("-"), [])
    check_destination(Path("/dev/null"), [])
    (tmp_path / "link").symlink_to(file / "below.txt")
    with pytest.raises(InfiniError, match="cannot write"):
        check_destination(tmp_path / "link", [])
    (tmp_path / "link").unlink()
    assert list(tmp_path.iterdir()) == [file]
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match="Permission denied"):
        check_destination(file, [])


class Broken(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def test_a_closed_pipe_is_told_from_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError()))
    with pytest.raises(ClosedOutput):
        write_result("x")
    monkeypatch.setattr(sys, "stdout", Broken(OSError(28, "No space left on device")))
    with pytest.raises(InfiniError, match="No space left"):
        write_result("x")
