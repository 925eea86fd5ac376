"""A file or standard input becomes a Book. No torch."""

from __future__ import annotations

from infini_cli.reading.book import Book
from infini_cli.reading.raw import ReadOptions
from infini_cli.reading.reader import read_book

__all__ = ["Book", "ReadOptions", "read_book"]
