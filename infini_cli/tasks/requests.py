"""What is asked of a task, as values: the seam between the command line and the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """Which book memory a task uses and keeps.

    Attributes:
        memory: a file written by `infini read`; None: the one kept for this book, if any.
        use_cache: whether a kept memory may be used and the new one is kept.
    """

    memory: Path | None = None
    use_cache: bool = True


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """How the model chooses its words; the defaults are greedy.

    Attributes:
        temperature: 0 takes the likeliest token.
        top_p: 1 keeps all tokens.
        top_k: 0 keeps all tokens.
        seed: of the random draws.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """A summary.

    Attributes:
        method: `notes`, `hierarchical`, `incremental`, `memory`, `lead` or `textrank`.
        length: `short`, `medium`, `long`, `10%` or `300w`.
        by_chapter: whether every chapter gets one of its own.
        strict: whether sentences that the book does not bear are left out.
        explain: whether the summary says which text became what.
        question: what the summary is to answer; None: a plain one. Extracts ignore it.
        sampling: how words are chosen.
        memory: which book memory is used.
    """

    method: str = "notes"
    length: str = "medium"
    by_chapter: bool = False
    strict: bool = False
    explain: bool = False
    question: str | None = None
    sampling: SamplingRequest = SamplingRequest()
    memory: MemoryRequest = MemoryRequest()


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """Answers to questions about one book.

    Attributes:
        questions: what is asked, in order.
        memory_only: whether the model sees no passages, only its memory.
        sampling: how words are chosen.
        memory: which book memory is used.
    """

    questions: tuple[str, ...]
    memory_only: bool = False
    sampling: SamplingRequest = SamplingRequest()
    memory: MemoryRequest = MemoryRequest()


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A book memory.

    Attributes:
        destination: file to write it to.
        use_cache: whether a kept memory may be used.
    """

    destination: Path
    use_cache: bool = True
