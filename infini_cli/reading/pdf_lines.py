"""Lines of a PDF page: their text, where they stand, how large they are set.

This runs inside the extraction process (`pdf_worker`). Positions are in points,
turned so that `x` grows along the line and `y` grows upwards across lines,
whichever way the text runs on the page.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

# Presentation ligatures only. NFKC would also turn one half into three
# characters and a superscript two into a plain digit, which changes the book.
LIGATURES = str.maketrans(
    {
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
        "\ufb06": "st",
    }
)
CONTROLS = {
    code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, 0x0D)
}
SOFT_HYPHEN = "\u00ad"
MAX_UNREADABLE_SHARE = 0.3
"""Of characters that nobody can tell; with more, a text is none."""

Matrix = Sequence[float]


class PageText(Protocol):
    """What is needed of a `pypdf` page."""

    def extract_text(self, *, visitor_text: Callable[[Any, Any, Any, Any, Any], None]) -> str:
        """Call `visitor_text` with each piece of text and its matrices."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text.

    Attributes:
        text: what it says, spaces collapsed, ligatures spelled out.
        page: index of its page, from 0.
        x: where it begins, in points.
        y: height of its baseline, in points, growing upwards.
        size: font size in points, scaling included.
    """

    text: str
    page: int
    x: float
    y: float
    size: float


@dataclass(slots=True)
class _Collector:
    """Collects the pieces `pypdf` reports and cuts them at line ends."""

    page: int
    lines: list[Line] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _place: tuple[float, float, float] | None = None

    def piece(self, text: Any, user: Any, matrix: Any, _font: Any, size: Any) -> None:
        """Take one piece: `user` and `matrix` are the transformations in force."""
        for index, part in enumerate(str(text).split("\n")):
            if index:
                self.finish_line()
            if part.strip() and self._place is None:
                self._place = place(matrix, user, size)
            self._pieces.append(part)

    def finish_line(self) -> None:
        """Close the line collected so far, if it says anything."""
        text = clean("".join(self._pieces))
        if text and self._place is not None:
            x, y, size = self._place
            self.lines.append(Line(text, self.page, x, y, size))
        self._pieces.clear()
        self._place = None


def page_lines(page: PageText, number: int) -> list[Line]:
    """Return the lines of a page in the order of the file.

    Args:
        page: a `pypdf` page.
        number: its index, from 0.

    Raises:
        Exception: whatever `pypdf` raises on a page that it cannot read.
    """
    collector = _Collector(number)
    page.extract_text(visitor_text=collector.piece)
    collector.finish_line()
    return collector.lines


def num_unreadable(text: str) -> int:
    """Count the characters that stand for none: replaced, private or not assigned."""
    return sum(
        unicodedata.category(character) in {"Co", "Cn", "Cs"} or character == "\ufffd"
        for character in text
    )


def clean(text: str) -> str:
    """Spell out ligatures, drop controls, collapse spaces; keep a soft hyphen at the end."""
    text = " ".join(text.translate(CONTROLS).translate(LIGATURES).split())
    if SOFT_HYPHEN in text:
        text = text[:-1].replace(SOFT_HYPHEN, "") + text[-1]
    return text.encode("utf-8", "replace").decode("utf-8")


def place(matrix: Any, user: Any, size: Any) -> tuple[float, float, float]:
    """Return along, across and the effective size of text set with these matrices."""
    try:
        a, b, c, d, e, f = _multiply([float(v) for v in matrix], [float(v) for v in user])
        height = float(size) * math.hypot(c, d)
    except (TypeError, ValueError, OverflowError):
        return 0.0, 0.0, 0.0
    if not all(map(math.isfinite, (a, b, c, d, e, f, height))):
        return 0.0, 0.0, 0.0
    if abs(b) > abs(a):  # the line runs up or down the page
        return (f, -e, height) if b > 0 else (-f, e, height)
    return (e, f, height) if a >= 0 else (-e, -f, height)


def _multiply(m: Matrix, n: Matrix) -> tuple[float, float, float, float, float, float]:
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    )
