"""Write a summary of a book that was read, by the methods that have a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from infini_cli.grounding.cited import SummarySentence
from infini_cli.grounding.grounder import chapter_spans
from infini_cli.grounding.passages import Span
from infini_cli.grounding.support import reliable
from infini_cli.grounding.trust import STRICTER, keep_trusted
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory
from infini_cli.tasks.answerable import is_of_the_whole
from infini_cli.tasks.asking import Ask, Asking
from infini_cli.tasks.choose import choose, choose_notes
from infini_cli.tasks.compose import Composer
from infini_cli.tasks.explain import Step
from infini_cli.tasks.leaks import clean_text
from infini_cli.tasks.length import MIN_WORDS, Length, chapter_words
from infini_cli.tasks.merge import TOKENS_PER_WORD, Merger
from infini_cli.tasks.model import Model
from infini_cli.tasks.parts import Part, chapter_of, note_parts
from infini_cli.tasks.prompts import with_focus
from infini_cli.tasks.requests import USUAL_STYLE, Style, SummaryRequest
from infini_cli.tasks.salience import Salience
from infini_cli.tasks.values import SectionSummary

Written = tuple[list[SummarySentence], list[SectionSummary], list[Step]]


@dataclass(frozen=True, slots=True)
class SummaryWriter:
    """Writes one summary; what the model is to write for it, its methods ask for.

    Attributes:
        book: what it is of.
        book_memory: what was kept of reading it.
        request: method and the rest.
        length: how long it is to be.
        model: who writes.
    """

    book: Book
    book_memory: BookMemory
    request: SummaryRequest
    length: Length
    model: Model

    @property
    def style(self) -> Style:
        """How it is to be written."""
        return self.request.style or USUAL_STYLE

    @property
    def _wanted(self) -> str | None:
        """What notes are chosen for: a question about the whole ("the plot") chooses none."""
        question = self.request.question
        return None if question is None or is_of_the_whole(question) else question

    def write(self) -> Asking[Written]:
        """Write, and tie what was written to the book."""
        sentences, sections, steps = yield from self._write()
        if self.style.one_paragraph:
            sentences = [replace(sentence, paragraph=0) for sentence in sentences]
        return sentences, sections, steps

    def _write(self) -> Asking[Written]:
        words = self.length.target_words
        composer = Composer(self.book, strict=self.request.strict)
        if self.request.method == "memory":
            told = yield from self._from_memory(words)
            return _of_book(*composer.compose([told], words))
        instructions = self.style.instructions
        merger = Merger(self.model.tokenizer, self.book.title, self.request.question, instructions)
        notes = note_parts(reliable(self.book_memory.notes), instructions.besides)
        if not notes:
            return [], [], []
        salience = Salience(self.book, self.book_memory.notes)
        if self.request.by_chapter:
            return (yield from self._chapters(composer, merger, notes, salience))
        if self.style.sections:
            return (yield from self._sections(composer, merger, notes))
        if self.request.method == "notes":
            return _of_book(*self._chosen(composer, notes, words, salience))
        is_merged = self.request.method == "hierarchical"
        if is_merged:
            parts = yield from merger.hierarchical(notes, words)
        else:
            parts = [(yield from merger.incremental(notes, words))]
        quotations = choose([], salience, words, question=self._wanted)
        written = composer.compose(parts, words, in_paragraphs=is_merged, choice=quotations)
        return _of_book(*written)

    def _chosen(
        self,
        composer: Composer,
        notes: Sequence[Part],
        words: int,
        salience: Salience,
        within: Sequence[Span] | None = None,
    ) -> tuple[list[SummarySentence], list[Step]]:
        """Choose from the notes that are to be trusted and from the book's own sentences.

        Where that gives nothing, as where no note can be trusted of a book without sentences, some
        of what the notes say is given all the same, marked.
        """
        strict = self.request.strict
        least = self.model.min_trust + (STRICTER if strict else 0.0)
        trusted = keep_trusted([note for part in notes for note in part.notes], least)
        usable = note_parts(trusted, self.style.instructions.besides)
        choice = choose(usable, salience, words, question=self._wanted, within=within)
        sentences, steps = composer.compose(
            [], words, within=within, in_paragraphs=True, strict=True, choice=choice
        )
        if sentences or strict:
            return sentences, steps
        some = choose_notes(notes, salience, words)
        return composer.compose(some, words, within=within, in_paragraphs=True, strict=False)

    def _from_memory(self, words: int) -> Asking[Part]:
        prompt = self.style.instructions.memory.format(title=self.book.title, words=words)
        (draft,) = yield Ask(
            (with_focus(prompt, self.request.question),),
            int(words * TOKENS_PER_WORD),
            "summary",
            self.book_memory.memory,
        )
        told = self.style.instructions.besides
        return Part(clean_text(draft.text, told) if told else draft.text)

    def _sections(
        self, composer: Composer, merger: Merger, notes: Sequence[Part]
    ) -> Asking[Written]:
        asked = self.style.sections
        words = max(MIN_WORDS, self.length.target_words // len(asked))
        sections: list[SectionSummary] = []
        steps: list[Step] = []
        texts = yield from merger.sections(notes, words, [section.instruction for section in asked])
        for section, parts in zip(asked, texts, strict=True):
            sentences, told = composer.compose(parts, words, fill=False)
            sections.append(SectionSummary(None, section.title, tuple(sentences)))
            steps += told
        return [], sections, steps

    def _chapters(
        self, composer: Composer, merger: Merger, notes: Sequence[Part], salience: Salience
    ) -> Asking[Written]:
        words = chapter_words(self.length, len(self.book.kept_chapters))
        sections: list[SectionSummary] = []
        steps: list[Step] = []
        if self.request.method == "notes":
            chapters = [list(group) for _, group in groupby(notes, key=chapter_of)]
        else:
            merged = yield from merger.chapters(notes, words)
            chapters = [[part] for part in merged]
        for parts in chapters:
            note = parts[0].notes[0]
            spans = chapter_spans(
                c for c in self.book.kept_chapters if c.label == note.chapter_label
            )
            if self.request.method == "notes":
                sentences, told = self._chosen(composer, parts, words, salience, spans)
            else:
                sentences, told = composer.compose(parts, words, within=spans)
            place = (note.chapter_label, note.chapter_title)
            sections.append(SectionSummary(*place, tuple(sentences)))
            steps += told
        return [], sections, steps


def _of_book(sentences: list[SummarySentence], steps: list[Step]) -> Written:
    return sentences, [], steps
