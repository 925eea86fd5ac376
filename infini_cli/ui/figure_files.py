"""Figures: made empty, and written as a PNG, SVG or PDF file.

Drawn with matplotlib, which is an optional extra: it is imported here and nowhere else, and only
when a figure is asked for.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.errors import UsageError
from infini_cli.ui.output import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DOTS_PER_INCH = 150


def check_figure(path: Path) -> None:
    """Tell before anything is measured whether a figure can be drawn.

    Args:
        path: where it will be written.

    Raises:
        UsageError: the name does not end as figures do, or matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"`{path.name}` is no figure", hint=f"figures end in {', '.join(SUFFIXES)}"
        )
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "figures need matplotlib", hint="pip install 'infini-cli[plot]'"
        ) from error


def new_figure(path: Path) -> Figure:
    """Make an empty figure.

    Args:
        path: where it will be written.

    Raises:
        UsageError: as `check_figure`.
    """
    check_figure(path)
    from matplotlib.figure import Figure

    return Figure(layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all; the same figure gives the same bytes.

    Args:
        figure: what was drawn.
        path: ends in one of `SUFFIXES`.

    Raises:
        UsageError: it cannot be written there.
    """
    drawn = io.BytesIO()
    kind = path.suffix.lower().removeprefix(".")
    from matplotlib import rc_context

    # Without a date and random names the same figures are the same bytes.
    metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with rc_context({"svg.hashsalt": "infini"}):
        figure.savefig(drawn, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    write_file(drawn.getvalue(), path)
