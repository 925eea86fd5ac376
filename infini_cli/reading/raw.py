"""What a format's reader returns: text in order, before it becomes a `Book`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from infini_cli.reading.book import BlockKind, Removal
from infini_cli.reading.limits import DEFAULT_LIMITS, Limits


class PdfBackend(StrEnum):
    """What reads a PDF; `auto` is `pypdf`, and where that fails `pdfium`, if it is installed."""

    AUTO = "auto"
    PYPDF = "pypdf"
    PDFIUM = "pdfium"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user asks of reading.

    Attributes:
        password: of an encrypted file.
        encoding: of a text file; guessed if None.
        pdf_backend: what reads a PDF.
        limits: what the book may cost.
    """

    password: str | None = None
    encoding: str | None = None
    pdf_backend: PdfBackend = PdfBackend.AUTO
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A block without its place in a book; the fields are those of `Block`."""

    kind: BlockKind
    text: str
    level: int = 0
    page: str | None = None


@dataclass(frozen=True, slots=True)
class RawChapter:
    """A division as the file has it.

    Attributes:
        title: its name.
        title_source: `toc`, `heading`, `file` or `position`.
        blocks: its text.
        source: where it came from, for display.
        depth: nesting in the table of contents.
        roles: what the file says it is, `epub:type` words in lower case without prefix.
    """

    title: str
    title_source: str
    blocks: tuple[RawBlock, ...]
    source: str = ""
    depth: int = 0
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RawBook:
    """A file taken apart; the fields are those of `Book`."""

    title: str
    authors: tuple[str, ...]
    language: str | None
    format: str
    chapters: tuple[RawChapter, ...]
    removals: tuple[Removal, ...] = ()
    warnings: tuple[str, ...] = ()
    encoding: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
