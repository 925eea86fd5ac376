"""What tasks yield: plain values with a documented JSON form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from infini_cli.tokens.coverage import Coverage

SCHEMA = "infini/1"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model it was.

    Attributes:
        name: as the user asked for it.
        checkpoint: fingerprint of configuration and weights, hexadecimal.
        form: form of its weights.
        segment_length: the most tokens of a segment.
    """

    name: str
    checkpoint: str
    form: str
    segment_length: int


@dataclass(frozen=True, slots=True)
class SectionSummary:
    """The summary of one chapter."""

    chapter_number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of a book.

    Attributes:
        title, authors, source_sha256: of the book.
        text: the summary; empty where there is one a chapter.
        sections: one a chapter, where that was asked.
        method: how it was made.
        length: what was asked.
        coverage: what was read.
        model: who wrote it; None for extracts.
        seed: of the random draws.
        seconds: wall time.
        warnings: what a reader should know, one line each.
    """

    title: str
    authors: tuple[str, ...]
    source_sha256: str
    text: str
    sections: tuple[SectionSummary, ...]
    method: str
    length: str
    coverage: Coverage
    model: ModelInfo | None
    seed: int
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def num_words(self) -> int:
        """Words written."""
        return sum(len(text.split()) for text in (self.text, *(s.text for s in self.sections)))

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {**_document("summary", self), "num_words": self.num_words}


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that an answer rests on.

    Attributes:
        number: 1-based, in the answer.
        chapter_number, chapter_title: where.
        block_id: the block that the quote begins in.
        page: its page, where the book has pages.
        quote: the book's own words.
        start, end: offsets of the quote in the book's text.
    """

    number: int
    chapter_number: int
    chapter_title: str
    block_id: str
    page: str | None
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question about a book.

    Attributes:
        question: as asked.
        answer: None where the book does not say.
        citations: what it rests on.
        title, source_sha256: of the book.
        coverage: what was read or searched.
        model: who answered.
        seed: of the random draws.
        seconds: wall time.
        memory: `read` where the model's memory of the book was used, else `off`.
        warnings: what a reader should know, one line each.
    """

    question: str
    answer: str | None
    citations: tuple[Citation, ...]
    title: str
    source_sha256: str
    coverage: Coverage
    model: ModelInfo | None
    seed: int
    seconds: float
    memory: Literal["read", "off"] = "off"
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return _document("answer", self)


@dataclass(frozen=True, slots=True)
class ReadResult:
    """A book that was read and whose memory was kept.

    Attributes:
        title: of the book.
        coverage: what was read.
        model: who read it.
        seconds: wall time.
        num_notes: notes written on the way.
    """

    title: str
    coverage: Coverage
    model: ModelInfo
    seconds: float
    num_notes: int

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return _document("memory", self)


def _document(kind: str, value: Any) -> dict[str, Any]:
    fields = {"schema": SCHEMA, "kind": kind, **asdict(value)}
    # What was not read is said, not left to be computed.
    return {**fields, "coverage": value.coverage.to_dict()}
