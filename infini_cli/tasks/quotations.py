"""Sentences of the book itself that can stand in a summary, where notes do not fill it.

Notes that are to be trusted are few. What the book itself says is true, and the model that cannot
tell a page without mistakes can still copy the sentence of it that matters.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from infini_cli.reading.book import Book, Chapter
from infini_cli.store.book_memory import Note
from infini_cli.tasks.book_sentences import Sentence, sentences_of
from infini_cli.tasks.order import order
from infini_cli.tasks.passages import Span
from infini_cli.tasks.sentences import stands_alone
from infini_cli.tasks.stems import stems
from infini_cli.tasks.support import share
from infini_cli.tasks.textrank import rank_sentences

MIN_WORDS, MAX_WORDS = 8, 40
MIN_LIKENESS = 0.7
"""Between a sentence and what the model copied for it, each way."""
_SPEECH = frozenset('"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d')
"""What somebody says leans on who says it to whom."""
_BEGINS_SPEECH = ("'", "\u2018", "\u2013", "\u2014", "-")


class Quotations:
    """What may be quoted of a book.

    Args:
        book: whose kept chapters.
        within: the parts of it that the summary is about, as offsets in `Book.text`; None: all.
        question: what the summary answers; None: all of the book.
        notes: for which the model copied what matters most.

    Attributes:
        num_words: of the text that it is taken from.
        telling: what the model would quote, in reading order; with a question nothing.
        sentences: the most central first (TextRank); with a question only those that share a word
            with it, those that share most first.
    """

    def __init__(
        self,
        book: Book,
        within: Sequence[Span] | None,
        question: str | None,
        notes: Sequence[Note] = (),
    ) -> None:
        chapters = [one for one in book.kept_chapters if _is_touched(one, within)]
        found = [one for one in sentences_of(chapters) if _is_inside(one, within)]
        self.num_words = sum(sentence.num_words for sentence in found)
        order = rank_sentences([one.text for one in found], [one.chapter.label for one in found])
        self.sentences = [found[index] for index in order if _can_be_quoted(found[index].text)]
        self.telling: list[Sentence] = []
        if question is not None:
            self.sentences = _about(self.sentences, stems(question))
        else:
            self.telling = _copied(notes, [one for one in found if _can_be_quoted(one.text)])


def quote(sentence: Sentence) -> str:
    """Write a sentence as a quotation."""
    return f"\u201c{sentence.text}\u201d"


def _copied(notes: Sequence[Note], sentences: Sequence[Sentence]) -> list[Sentence]:
    """Find what the model copied: hardly ever word for word, and sometimes not from the page."""
    starts = [one.place[0] for one in sentences]
    found = []
    for note in notes:
        near = sentences[bisect_left(starts, note.start) : bisect_left(starts, note.end)]
        if not near or not note.telling:
            continue
        words = stems(note.telling)
        likeness, best = max(
            ((_likeness(words, stems(one.text)), one) for one in near), key=lambda pair: pair[0]
        )
        if likeness >= MIN_LIKENESS:
            found.append(best)
    return found


def _likeness(first: Sequence[str], second: Sequence[str]) -> float:
    return min(order(first, second), order(second, first))


def _about(sentences: Sequence[Sentence], asked: Sequence[str]) -> list[Sentence]:
    shared = [(share(asked, frozenset(stems(one.text))), one) for one in sentences]
    shared = [pair for pair in shared if pair[0] > 0]
    return [one for _, one in sorted(shared, key=lambda pair: -pair[0])]


def _can_be_quoted(text: str) -> bool:
    return (
        MIN_WORDS <= len(text.split()) <= MAX_WORDS
        and stands_alone(text)
        and not text.startswith(_BEGINS_SPEECH)
        and not _SPEECH & set(text)
    )


def _is_touched(chapter: Chapter, within: Sequence[Span] | None) -> bool:
    """Tell whether any of a chapter may be inside: the others need not be cut into sentences."""
    if within is None or not chapter.blocks:
        return within is None
    first, last = chapter.blocks[0].start, chapter.blocks[-1].end
    return any(start < last and first < end for start, end in within)


def _is_inside(sentence: Sentence, within: Sequence[Span] | None) -> bool:
    place, _ = sentence.place
    return within is None or any(start <= place < end for start, end in within)
