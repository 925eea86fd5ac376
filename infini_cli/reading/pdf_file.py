"""What the readers of PDF have in common: their interface, bounds, and how they fail.

This runs inside the extraction process (`pdf_worker`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

MAX_PAGES = 20_000
MAX_OUTLINE_ENTRIES = 5_000
MAX_OUTLINE_DEPTH = 20
MAX_LINES = 20_000
MAX_LABEL_CHARACTERS = 40
MAX_TITLE_CHARACTERS = 500


class FailureError(Exception):
    """The file cannot be read; `kind` says how the parent reports it."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class BoundError(Exception):
    """A page costs more than a page may; no other reader is asked."""


class PdfFile(Protocol):
    """A PDF that is open."""

    num_pages: int

    def describe(self) -> dict[str, Any]:
        """Return metadata, page labels and outline; what is broken is left out and named."""

    def read_page(self, index: int) -> dict[str, Any]:
        """Return a page's lines and whether it shows a picture.

        Raises:
            BoundError: it costs too much.
            Exception: whatever the library raises on a page that it cannot read.
        """


def describe_by(
    parts: Mapping[str, tuple[Callable[[], Any], Any]], num_pages: int
) -> dict[str, Any]:
    """Call what describes a file, each part alone: one may be broken without harm to the text.

    Args:
        parts: a function and what stands for its result where it fails, by name.
        num_pages: of the file; labels are numbers where there are not as many.
    """
    found: dict[str, Any] = {"warnings": []}
    for name, (function, default) in parts.items():
        try:
            found[name] = function()
        except MemoryError:
            raise
        # Each part may be damaged in any way.
        except Exception as error:
            found[name] = default
            found["warnings"].append(f"the PDF's {name} cannot be read: {one_line(error)}")
    if len(found["labels"]) != num_pages:
        found["labels"] = [str(index + 1) for index in range(num_pages)]
    return found


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, bounded, or its name if it has none."""
    return " ".join(str(error).split())[:200] or type(error).__name__
