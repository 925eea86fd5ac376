"""Sentences of the book itself that can stand in a summary, where notes do not fill it.

Notes that are to be trusted give about four words in a hundred of a text. Where a longer summary is
asked for, the book's own sentences are at least true.
"""

from __future__ import annotations

from collections.abc import Sequence

from infini_cli.reading.book import Book, Chapter
from infini_cli.tasks.book_sentences import Sentence, sentences_of
from infini_cli.tasks.passages import Span
from infini_cli.tasks.sentences import stands_alone
from infini_cli.tasks.stems import stems
from infini_cli.tasks.support import share
from infini_cli.tasks.textrank import rank_sentences

MIN_WORDS, MAX_WORDS = 8, 40
_SPEECH = frozenset('"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d')
"""What somebody says leans on who says it to whom."""
_BEGINS_SPEECH = ("'", "\u2018", "\u2013", "\u2014", "-")


class Quotations:
    """What may be quoted of a book.

    Args:
        book: whose kept chapters.
        within: the parts of it that the summary is about, as offsets in `Book.text`; None: all.
        question: what the summary answers; None: all of the book.

    Attributes:
        num_words: of the text that it is taken from.
        sentences: the most central first (TextRank); with a question only those that share a word
            with it, those that share most first.
    """

    def __init__(self, book: Book, within: Sequence[Span] | None, question: str | None) -> None:
        chapters = [one for one in book.kept_chapters if _is_touched(one, within)]
        found = [one for one in sentences_of(chapters) if _is_inside(one, within)]
        self.num_words = sum(sentence.num_words for sentence in found)
        order = rank_sentences([one.text for one in found], [one.chapter.label for one in found])
        self.sentences = [found[index] for index in order if _can_be_quoted(found[index].text)]
        if question is not None:
            self.sentences = _about(self.sentences, stems(question))


def quote(sentence: Sentence) -> str:
    """Write a sentence as a quotation."""
    return f"\u201c{sentence.text}\u201d"


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
