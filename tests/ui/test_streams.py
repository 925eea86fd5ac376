"""What goes to standard output is the same whether or not bars are drawn beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.terminals import Run, run_on_terminal

DRAW = str(Path(__file__).with_name("draw.py"))
RESULT = "straight to stdout\n[bold]the[/bold] result é 日本\n".encode()
MOVES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-ln-z]")
COLORS = re.compile(rb"\x1b\[[0-9;]*m")


def draw(what: str, folder: Path, *arguments: str, **options: object) -> Run:
    run = run_on_terminal([sys.executable, DRAW, what, *arguments], folder, **options)  # type: ignore[arg-type]
    assert run.code == 0, run.terminal.decode()
    return run


def test_bars_on_the_terminal_leave_a_redirected_result_alone(tmp_path: Path) -> None:
    run = draw("write", tmp_path)
    assert run.stdout == RESULT
    assert MOVES.search(run.terminal), "nothing was drawn: the test shows nothing"
    assert b"half of it" in run.terminal
    assert b"result" not in run.terminal


def test_without_a_terminal_the_same_bytes(tmp_path: Path) -> None:
    process = subprocess.run([sys.executable, DRAW, "write"], capture_output=True, check=True)
    assert process.stdout == RESULT
    assert b"\x1b" not in process.stderr
    assert b"reading War [/b] and [red]Peace: 50 %" in process.stderr


def test_titles_are_no_markup_and_move_nothing(tmp_path: Path) -> None:
    run = draw("write", tmp_path, columns=160)
    assert b"War [/b] and [red]Peace" in run.terminal
    assert b"Chapter [1]" in run.terminal
    assert b"owned" not in run.terminal


@pytest.mark.parametrize("columns", [20, 59, 60, 89, 90, 200])
def test_bars_fit_any_width(columns: int, tmp_path: Path) -> None:
    run = draw("write", tmp_path, columns=columns)
    for line in re.split(rb"[\r\n]+|\x1b\[[0-9]*[AK]", run.terminal):
        if b"%" in line:
            assert len(MOVES.sub(b"", COLORS.sub(b"", line)).decode()) <= columns
    assert (b"tokens/s" in run.terminal) is (columns >= 60)


def test_bars_are_gone_at_the_end_and_the_cursor_is_back(tmp_path: Path) -> None:
    run = draw("write", tmp_path)
    assert run.terminal.rfind(b"\x1b[?25h") > run.terminal.rfind(b"\x1b[?25l") > 0


def test_streamed_text_and_bars_do_not_mix(tmp_path: Path) -> None:
    run = draw("stream", tmp_path, on_terminal=("stdout", "stderr"))
    assert b"piece 0 piece 1 piece 2 piece 3 piece 4 \r\nstraight to stdout" in run.terminal


def test_text_is_not_streamed_into_a_file(tmp_path: Path) -> None:
    assert draw("stream", tmp_path).stdout == RESULT


@pytest.mark.parametrize(
    ("arguments", "variables", "is_colored"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("never",), {}, False),
        (("always",), {"NO_COLOR": "1"}, True),
        ((), {"TERM": "dumb"}, False),
    ],
)
def test_colors(
    arguments: tuple[str, ...], variables: dict[str, str], is_colored: bool, tmp_path: Path
) -> None:
    run = draw("write", tmp_path, *arguments, variables=variables)
    colors = [code for code in COLORS.findall(run.terminal) if re.search(rb"3[0-9]|38", code)]
    assert bool(colors) is is_colored


def test_a_dumb_terminal_gets_lines(tmp_path: Path) -> None:
    run = draw("write", tmp_path, variables={"TERM": "dumb"})
    assert b"\x1b" not in run.terminal
    assert b"reading War [/b] and [red]Peace: 50 %" in run.terminal


def test_forced_colors_force_no_bars_into_a_file() -> None:
    process = subprocess.run(
        [sys.executable, DRAW, "write"], capture_output=True, check=True, env={"FORCE_COLOR": "1"}
    )
    assert not MOVES.search(process.stderr)
    assert process.stdout == RESULT
