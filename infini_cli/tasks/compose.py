"""From what was written to a summary's sentences, which the book bears: see `composing.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infini_cli.grounding.cited import SummarySentence
from infini_cli.grounding.grounder import Grounder
from infini_cli.grounding.passages import Span
from infini_cli.reading.book import Book
from infini_cli.tasks.choose import Choice
from infini_cli.tasks.composing import Composing
from infini_cli.tasks.explain import Step
from infini_cli.tasks.length import MAX_OVERSHOOT
from infini_cli.tasks.parts import Part

SENTENCES_PER_PARAGRAPH = 4


class Composer:
    """Makes the sentences of summaries of one book.

    Args:
        book: what they are of.
        strict: whether sentences that the book does not bear are left out.
    """

    def __init__(self, book: Book, *, strict: bool) -> None:
        self._grounder = Grounder(book)
        self._strict = strict

    def compose(
        self,
        parts: Sequence[Part],
        words: int,
        *,
        within: Sequence[Span] | None = None,
        in_paragraphs: bool = False,
        strict: bool | None = None,
        fill: bool = True,
        choice: Choice | None = None,
    ) -> tuple[list[SummarySentence], list[Step]]:
        """Make the sentences of one text.

        Args:
            parts: what was written, in order.
            words: how long the text is to be.
            within: the parts of the book it is about, where its notes do not say; None: all.
            in_paragraphs: whether it is cut into paragraphs; else it keeps those of the parts.
            strict: as for the composer, where this text is another case.
            fill: whether the parts' notes are added where it is too short.
            choice: what is added where it still is; None: nothing.

        Returns:
            The sentences, and what became of each: those of the text in order, then the others.
        """
        run = Composing(self._grounder, self._strict if strict is None else strict, within)
        run.take(parts)
        run.shorten(round(words * MAX_OVERSHOOT))
        if fill:
            run.fill(parts, words)
        if choice is not None:
            run.add(choice, words)
        sentences = [line.sentence for line in run.lines]
        if in_paragraphs:
            numbers = [index // SENTENCES_PER_PARAGRAPH for index in range(len(sentences))]
        else:
            order = sorted({sentence.paragraph for sentence in sentences})
            numbers = [order.index(sentence.paragraph) for sentence in sentences]
        numbered = [
            replace(sentence, paragraph=number)
            for sentence, number in zip(sentences, numbers, strict=True)
        ]
        return numbered, [line.step for line in run.lines] + run.left_out
