"""Summarise a book, by any method; every summary says how much was read, and by what."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from infini_cli.errors import UsageError
from infini_cli.progress import Note as NoteEvent
from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, load_book_memory
from infini_cli.tasks import prompts
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.choose import chapter_of, choose
from infini_cli.tasks.compose import Composer
from infini_cli.tasks.explain import Explanation, Step
from infini_cli.tasks.extractive import METHODS as EXTRACTIVE_METHODS
from infini_cli.tasks.extractive import summarize_without_model
from infini_cli.tasks.grounding import chapter_spans
from infini_cli.tasks.length import Length, chapter_words, parse_length
from infini_cli.tasks.merge import TOKENS_PER_WORD, Merger
from infini_cli.tasks.model import Model
from infini_cli.tasks.parts import Part, note_parts
from infini_cli.tasks.passages import Span
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.tasks.support import reliable
from infini_cli.tasks.values import ModelInfo, SectionSummary, Summary, SummarySentence
from infini_cli.tasks.writer import write_prompts
from infini_cli.tokens.coverage import Coverage

CLOSED = (
    "this model's gates are closed: it was not trained to remember, so each part is read by "
    "itself and nothing comes out of the memory"
)

NOTHING_SUPPORTED = (
    "no sentence that was written is supported by the book, and `--strict` left all of them out"
)


def summarize(
    book: Book | None,
    request: SummaryRequest,
    model: Model | None,
    progress: Progress,
) -> Summary:
    """Summarise a book.

    Args:
        book: what was read; None takes the book inside `request.memory`.
        request: method, length and the rest.
        model: who reads and writes; None for the extractive methods.
        progress: told of every step.

    Raises:
        UsageError: the request does not fit the method.
        InputError, MemoryMismatch: the memory file cannot be used.
    """
    if request.method in EXTRACTIVE_METHODS:
        if book is None:
            raise UsageError(f"method `{request.method}` needs a book, not a memory")
        return summarize_without_model(book, request)
    assert model is not None
    return _summarize_with_model(book, request, model, progress)


def _summarize_with_model(
    book: Book | None, request: SummaryRequest, model: Model, progress: Progress
) -> Summary:
    started = time.monotonic()
    book_memory = _book_memory(book, request, model, progress)
    book = book_memory.book if book is None else book
    warnings = list(book.warnings)
    if not model.remembers and request.method == "memory":
        warnings.append(CLOSED)
        progress(NoteEvent(CLOSED, warning=True))
    length = parse_length(request.length, book.num_words)
    writing = _Writing(book, book_memory, request, length, model, progress)
    sentences, sections, steps = writing.write()
    warnings += strict_warnings(request, sentences, sections)
    return Summary(
        title=book.title,
        authors=book.authors,
        source_sha256=book.source_sha256,
        sentences=tuple(sentences),
        sections=tuple(sections),
        method=request.method,
        length=length.label,
        coverage=coverage_of(book_memory, book),
        model=model_info(model),
        seed=request.sampling.seed,
        seconds=round(time.monotonic() - started, 1),
        warnings=tuple(warnings),
        explanation=Explanation(tuple(steps), book_memory.notes) if request.explain else None,
    )


def strict_warnings(
    request: SummaryRequest,
    sentences: Sequence[SummarySentence],
    sections: Sequence[SectionSummary],
) -> list[str]:
    """Say where `--strict` left nothing: silence would look like a book without contents."""
    if not request.strict or sentences:
        return []
    empty = [section.chapter_label for section in sections if not section.sentences]
    if len(empty) == len(sections):
        return [NOTHING_SUPPORTED]
    which = f"chapter{'s' if len(empty) > 1 else ''} {', '.join(empty)}"
    return [f"of {which} no sentence is supported, and `--strict` left all out"] if empty else []


def coverage_of(book_memory: BookMemory, book: Book) -> Coverage:
    """State what was read of a book."""
    num_words = book.num_words
    share = book_memory.num_tokens_read / max(1, book_memory.num_tokens)
    return Coverage(
        tokens_read=book_memory.num_tokens_read,
        num_tokens=book_memory.num_tokens,
        num_segments=book_memory.num_segments,
        num_chapters=len(book.kept_chapters),
        words_read=num_words if book_memory.is_complete else int(num_words * share),
        num_words=num_words,
    )


def model_info(model: Model) -> ModelInfo:
    """Say which model it was."""
    return ModelInfo(model.name, model.checkpoint, model.form, model.segment_length)


def _book_memory(
    book: Book | None, request: SummaryRequest, model: Model, progress: Progress
) -> BookMemory:
    if request.memory.memory is not None:
        found = load_book_memory(request.memory.memory, model)
        if request.method != "memory" and not found.notes:
            raise UsageError(
                f"`{request.memory.memory.name}` holds no notes to summarise from",
                hint="read the book again with `infini read`, or use `--method memory`",
            )
        return found
    assert book is not None
    notes = request.method != "memory"
    use_cache = request.memory.use_cache
    return read_through(book, model, progress, notes=notes, use_cache=use_cache).book_memory


Written = tuple[list[SummarySentence], list[SectionSummary], list[Step]]


@dataclass(frozen=True, slots=True)
class _Writing:
    """What writing a summary needs."""

    book: Book
    book_memory: BookMemory
    request: SummaryRequest
    length: Length
    model: Model
    progress: Progress

    def write(self) -> Written:
        """Write, and tie what was written to the book."""
        words = self.length.target_words
        composer = Composer(self.book, strict=self.request.strict)
        if self.request.method == "memory":
            return _of_book(*composer.compose([self._from_memory(words)], words))
        request = self.request
        merger = Merger(
            self.model, self.book.title, request.sampling, self.progress, request.question
        )
        notes = note_parts(reliable(self.book_memory.notes))
        if not notes:
            return [], [], []
        if self.request.by_chapter:
            return self._chapters(composer, merger, notes)
        if self.request.method == "incremental":
            return _of_book(*composer.compose([merger.incremental(notes, words)], words))
        if self.request.method == "hierarchical":
            parts = merger.hierarchical(notes, words)
            return _of_book(*composer.compose(parts, words, in_paragraphs=True))
        return _of_book(*self._chosen(composer, notes, words))

    def _chosen(
        self,
        composer: Composer,
        notes: Sequence[Part],
        words: int,
        within: Sequence[Span] | None = None,
    ) -> tuple[list[SummarySentence], list[Step]]:
        """Choose from notes; of what the book does not bear others take the place."""
        question = self.request.question
        parts = choose(notes, words, question)
        # An answer is not filled with what does not answer.
        spare = notes if question is None else ()

        def compose(strict: bool) -> tuple[list[SummarySentence], list[Step]]:
            return composer.compose(
                parts, words, spare=spare, within=within, in_paragraphs=True, strict=strict
            )

        sentences, steps = compose(strict=True)
        return (sentences, steps) if sentences or self.request.strict else compose(strict=False)

    def _from_memory(self, words: int) -> Part:
        prompt = prompts.MEMORY.format(title=self.book.title, words=words)
        draft = write_prompts(
            self.model,
            [prompts.with_focus(prompt, self.request.question)],
            max_tokens=int(words * TOKENS_PER_WORD),
            sampling=self.request.sampling,
            progress=self.progress,
            what="summary",
            memory=self.book_memory.memory,
        )[0]
        return Part(draft.text)

    def _chapters(self, composer: Composer, merger: Merger, notes: Sequence[Part]) -> Written:
        words = chapter_words(self.length, len(self.book.kept_chapters))
        sections: list[SectionSummary] = []
        steps: list[Step] = []
        if self.request.method == "notes":
            chapters = [list(group) for _, group in groupby(notes, key=chapter_of)]
        else:
            chapters = [[part] for part in merger.chapters(notes, words)]
        for parts in chapters:
            note = parts[0].notes[0]
            spans = chapter_spans(
                c for c in self.book.kept_chapters if c.label == note.chapter_label
            )
            if self.request.method == "notes":
                sentences, told = self._chosen(composer, parts, words, spans)
            else:
                sentences, told = composer.compose(parts, words, within=spans)
            place = (note.chapter_label, note.chapter_title)
            sections.append(SectionSummary(*place, tuple(sentences)))
            steps += told
        return [], sections, steps


def _of_book(sentences: list[SummarySentence], steps: list[Step]) -> Written:
    return sentences, [], steps
