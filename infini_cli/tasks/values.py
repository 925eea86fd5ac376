"""What tasks yield: plain values with a documented JSON form."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from infini_cli.grounding.cited import Citation, SummarySentence, join_sentences
from infini_cli.schema import SCHEMA
from infini_cli.tasks.explain import Explanation
from infini_cli.tokens.coverage import Coverage


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
    """The summary of one chapter, or what a style has in place of one.

    Attributes:
        chapter_label: None where it is of no chapter.
        title: of the chapter, or the heading that the style names.
        sentences: what is written.
    """

    chapter_label: str | None
    title: str
    sentences: tuple[SummarySentence, ...]

    @property
    def text(self) -> str:
        """The sentences alone."""
        return join_sentences(self.sentences)


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of a book.

    Attributes:
        title, authors, source_sha256: of the book.
        sentences: the summary; none where there is one a chapter.
        sections: one a chapter, where that was asked.
        method: how it was made.
        length: what was asked.
        coverage: what was read.
        model: who wrote it; None for extracts.
        seed: of the random draws.
        seconds: wall time.
        warnings: what a reader should know, one line each.
        explanation: which text became what; None unless asked for.
        style: name of the recipe; None where it was written as ever.
    """

    title: str
    authors: tuple[str, ...]
    source_sha256: str
    sentences: tuple[SummarySentence, ...]
    sections: tuple[SectionSummary, ...]
    method: str
    length: str
    coverage: Coverage
    model: ModelInfo | None
    seed: int
    seconds: float
    warnings: tuple[str, ...] = ()
    explanation: Explanation | None = None
    style: str | None = None

    @property
    def text(self) -> str:
        """The sentences alone."""
        return join_sentences(self.sentences)

    @property
    def all_sentences(self) -> tuple[SummarySentence, ...]:
        """Those of the sections too."""
        return self.sentences + tuple(s for section in self.sections for s in section.sentences)

    @property
    def num_supported(self) -> int:
        """Sentences that their citations bear."""
        return sum(sentence.supported for sentence in self.all_sentences)

    @property
    def num_words(self) -> int:
        """Words written."""
        return sum(len(sentence.text.split()) for sentence in self.all_sentences)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        fields = _document("summary", replace(self, explanation=None))
        del fields["explanation"]
        if self.style is None:
            del fields["style"]
        if self.explanation is not None:
            fields["explanation"] = self.explanation.to_dict()
        sections = [
            {**section, "text": value.text}
            for section, value in zip(fields["sections"], self.sections, strict=True)
        ]
        return {
            **fields,
            "text": self.text,
            "sections": sections,
            "num_words": self.num_words,
            "num_sentences": len(self.all_sentences),
            "num_supported": self.num_supported,
        }


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
        num_segments_kept: segments that were read before, by another run or of a shorter text.
    """

    title: str
    coverage: Coverage
    model: ModelInfo
    seconds: float
    num_notes: int
    num_segments_kept: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return _document("memory", self)


def _document(kind: str, value: Any) -> dict[str, Any]:
    fields = {"schema": SCHEMA, "kind": kind, **asdict(value)}
    # What was not read is said, not left to be computed.
    return {**fields, "coverage": value.coverage.to_dict()}
