"""What is asked of a task, as values: the seam between the command line and the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infini_cli.tasks.instructions import USUAL, Instructions


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
class SectionStyle:
    """A section of a summary.

    Attributes:
        title: its heading.
        instruction: what is made of each run of notes; `{words}` is filled in.
    """

    title: str
    instruction: str


@dataclass(frozen=True, slots=True)
class Style:
    """How a summary is to be written, besides method, length and scope.

    Attributes:
        name: for display.
        instructions: what the model is told.
        sections: in place of one text, if any.
        one_paragraph: whether paragraphs are joined.
        segment_length: the most tokens that a note is written on; None: the model's own.
    """

    name: str
    instructions: Instructions = USUAL
    sections: tuple[SectionStyle, ...] = ()
    one_paragraph: bool = False
    segment_length: int | None = None


USUAL_STYLE = Style("")
"""That of a summary which asks for none."""


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
        style: how it is to be written; None: as ever.
    """

    method: str = "notes"
    length: str = "medium"
    by_chapter: bool = False
    strict: bool = False
    explain: bool = False
    question: str | None = None
    sampling: SamplingRequest = SamplingRequest()
    memory: MemoryRequest = MemoryRequest()
    style: Style | None = None


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
        append: a memory of the text before it grew; None: it is read whole.
    """

    destination: Path
    use_cache: bool = True
    append: Path | None = None
