"""How good a summary is: overlap with reference summaries, and what it shows by itself.

ROUGE (Lin 2004) is computed by the `rouge-score` package, an optional extra that is imported here
and nowhere else. Its `rougeL` takes a summary as one sequence of words; the variant that splits it
into lines, `rougeLsum`, gives other numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infini_cli.errors import UsageError
from infini_cli.grounding.passages import Passages
from infini_cli.grounding.support import MIN_SUPPORT, support
from infini_cli.language.sentences import split_sentences
from infini_cli.language.stems import stems
from infini_cli.reading.book import Book

ROUGE_TYPES = ("rouge1", "rouge2", "rougeL")
COMBINED = {"rouge": ROUGE_TYPES}
"""Over all items: the geometric mean of the three means, which SCROLLS ranks by."""
NGRAM_SIZE = 3
NUM_PASSAGES = 6
"""Passages that a sentence may rest on; `ask` shows the model as many."""
_WORD = re.compile(r"\w+")

Ngram = tuple[str, ...]
Rouge = Callable[[str, Sequence[str]], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Source:
    """A text that summaries are compared with.

    Attributes:
        passages: of the text.
        ngrams: its runs of three words.
    """

    passages: Passages
    ngrams: frozenset[Ngram]


def open_source(book: Book) -> Source:
    """Prepare a book for comparisons."""
    text = "\n\n".join(chapter.text for chapter in book.kept_chapters)
    return Source(Passages(book), frozenset(_ngrams(text)))


def open_rouge() -> Rouge:
    """Give the function that compares a summary with its references.

    It gives the F-measure, 0 to 1, of each of `ROUGE_TYPES`, each the largest over the references.
    Words are stemmed (Porter).

    Raises:
        UsageError: the package is not installed.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise UsageError(
            "measuring summaries needs rouge-score", hint="pip install 'infini-cli[eval]'"
        ) from error
    scorer = RougeScorer(list(ROUGE_TYPES), use_stemmer=True)

    def rouge(text: str, references: Sequence[str]) -> dict[str, float]:
        found = scorer.score_multi(references, text)
        return {name: float(found[name].fmeasure) for name in ROUGE_TYPES}

    return rouge


def measure_summary(
    text: str, references: Sequence[str], source: Source, target_words: int, rouge: Rouge
) -> dict[str, float]:
    """Measure a summary.

    Args:
        text: the summary.
        references: what people wrote, at least one.
        source: what it is a summary of.
        target_words: the length that was asked for.
        rouge: what `open_rouge` gives.

    Returns:
        `rouge1`, `rouge2`, `rougeL`; `support`, `repetition`, `novelty`, `length_error`.
        Of an empty summary nothing can be said but ROUGE and the length.
    """
    length_error = abs(len(text.split()) - target_words) / target_words
    found = {**rouge(text, references), "length_error": length_error}
    sentences = [text[start:end] for start, end in split_sentences(text)]
    if sentences:
        found["support"] = support_rate(sentences, source.passages)
    # Within sentences: two that an extract puts side by side make nothing new between them.
    if ngrams := [ngram for sentence in sentences for ngram in _ngrams(sentence)]:
        found["repetition"] = 1 - len(set(ngrams)) / len(ngrams)
        found["novelty"] = sum(ngram not in source.ngrams for ngram in ngrams) / len(ngrams)
    return found


def support_rate(sentences: Sequence[str], passages: Passages) -> float:
    """Give the share of sentences whose words stand in the passages that fit them best.

    In a whole book nearly every word stands somewhere: only passages tell.

    Args:
        sentences: at least one.
        passages: of the text.
    """
    supported = 0
    for sentence in sentences:
        best = passages.search(sentence, NUM_PASSAGES)
        known = frozenset(word for passage in best for word in stems(passage.text))
        supported += support(sentence, known) >= MIN_SUPPORT
    return supported / len(sentences)


def _ngrams(text: str) -> list[Ngram]:
    words = _WORD.findall(text.lower())
    return [tuple(words[at : at + NGRAM_SIZE]) for at in range(len(words) - NGRAM_SIZE + 1)]
