from __future__ import annotations

import io
import sys

import pytest

from infini_cli.ui.tables import TableColumn, render_table

COLUMNS = (TableColumn("n", is_number=True), TableColumn("title"), TableColumn("words"))


def test_plain_text_is_aligned_and_never_cut() -> None:
    rows = [("1", "A\tlong\ntitle " + "x" * 200, "5"), ("12", "日本", "7")]
    lines = render_table(COLUMNS, rows).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(" n  title ")
    assert lines[1].startswith(" 1  A long title xxx")
    assert lines[1].endswith("x  5")
    assert lines[2].startswith("12  日本  ")
    # Wide letters take two cells each.
    assert len(lines[2]) + 2 == len(lines[1])


def test_indented_cells_stay_indented() -> None:
    assert "   deep" in render_table(COLUMNS, [("1", "  deep", "5")])


def test_a_terminal_gets_a_table_of_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    table = render_table(COLUMNS, [("1", "[bold]word[/b] " * 20 + "\x1b[31m", "5")])
    assert max(len(line) for line in table.splitlines()) <= 40
    assert "[bold]" in table
    assert "\x1b" not in table
