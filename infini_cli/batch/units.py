"""Which books of a batch are worked on as one unit: small ones that follow each other.

Units follow from the list of books and the number of workers alone, never from what an earlier
run has done: a run that goes on after another makes up the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from infini_cli.batch.work import Unit

MAX_BYTES = 64 * 1024
"""Of a file that may hold a short text; what is inside decides later."""


def divide(books: Sequence[Path], max_books: int, num_workers: int) -> Iterator[Unit]:
    """Divide a list of books into units.

    Args:
        books: in order.
        max_books: of a unit.
        num_workers: among whom the small books are shared out, so that none waits for another.
    """
    small = {path for path in books if _is_small(path)}
    size = max(1, min(max_books, -(-len(small) // num_workers)))
    unit: list[Path] = []
    for path in books:
        if path in small:
            unit.append(path)
            if len(unit) < size:
                continue
        if unit:
            yield tuple(unit)
            unit = []
        if path not in small:
            yield (path,)
    if unit:
        yield tuple(unit)


def _is_small(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MAX_BYTES
    except OSError:
        return False
