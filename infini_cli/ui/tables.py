"""Small tables: fitted to the width of a terminal, aligned plain text anywhere else."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from infini_cli.text_safety import clean_line
from infini_cli.ui.color import is_dumb, is_terminal

GAP = "  "


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column.

    Attributes:
        title: its heading.
        is_number: whether it is aligned to the right.
    """

    title: str
    is_number: bool = False


def render_table(
    columns: Sequence[TableColumn], rows: Sequence[Sequence[str]], *, color: bool = False
) -> str:
    """Lay a table out for standard output.

    Args:
        columns: what stands where.
        rows: cells; a cell is one line, whatever it holds.
        color: whether to colour on a terminal.
    """
    cells = [[_clean(cell) for cell in row] for row in rows]
    if is_terminal(sys.stdout) and not is_dumb():
        return _fitted(columns, cells, color=color)
    return _aligned(columns, cells)


def _aligned(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> str:
    """Pad columns; two blanks or more stand between them and nothing is cut."""
    lines = [[column.title for column in columns], *rows]
    widths = [max(_width(line[index]) for line in lines) for index in range(len(columns))]
    return "\n".join(
        GAP.join(
            _padded(cell, width, column.is_number)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in lines
    )


def _fitted(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]], *, color: bool) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(
        file=sys.stdout, force_terminal=True, no_color=not color, markup=False, highlight=False
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold" if color else "")
    for column in columns:
        table.add_column(
            Text(column.title), justify="right" if column.is_number else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _padded(cell: str, width: int, is_number: bool) -> str:
    blanks = " " * (width - _width(cell))
    return blanks + cell if is_number else cell + blanks


def _width(text: str) -> int:
    """Count terminal cells: wide letters take two, combining marks none."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def _clean(cell: str) -> str:
    """Make a cell one harmless line; blanks at its beginning are indentation and stay."""
    return " " * (len(cell) - len(cell.lstrip(" "))) + clean_line(cell)
