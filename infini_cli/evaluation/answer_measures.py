"""How good an answer is, and whether the search found what it should rest on.

Exact match and F1 of words are those of SQuAD (Rajpurkar et al. 2016): before comparing, texts
lose capitals, punctuation, articles and extra space. `accuracy` asks less of the wording: the
answer must hold an expected one, word for word, and may say more.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from infini_cli.grounding.passages import Passages, ScoredPassage
from infini_cli.reading.book import Book

NUM_PASSAGES = (1, 3, 6)
"""How many of the best passages are looked at for the evidence; `ask` shows the model six."""
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized_words(text: str) -> list[str]:
    """Give the words that SQuAD's measures compare."""
    return _ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def exact_match(given: str, expected: str) -> bool:
    """Tell whether two answers are the same words."""
    return normalized_words(given) == normalized_words(expected)


def token_f1(given: str, expected: str) -> float:
    """Give the harmonic mean of precision and recall of the words, 0 to 1."""
    ours, theirs = normalized_words(given), normalized_words(expected)
    if not ours or not theirs:
        return float(ours == theirs)
    num_same = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * num_same / (len(ours) + len(theirs))


def holds_answer(given: str, expected: str) -> bool:
    """Tell whether an answer holds another one as whole words."""
    wanted = _words(expected)
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(_words(given))} "


def measure_answer(given: str | None, answers: Sequence[str]) -> dict[str, float]:
    """Measure an answer.

    Args:
        given: what was answered; None: that the text does not say.
        answers: any of them is right; none where the text does not answer.

    Returns:
        `accuracy`, `exact_match`, `f1` (the largest over the answers) and `declined`, 0 to 1; for
        a question without answers only `declined_unanswerable`.
    """
    declined = float(given is None)
    if not answers:
        return {"declined_unanswerable": declined}
    text = given or ""
    return {
        "accuracy": float(any(holds_answer(text, answer) for answer in answers)),
        "exact_match": float(any(exact_match(text, answer) for answer in answers)),
        "f1": max(token_f1(text, answer) for answer in answers),
        "declined": declined,
    }


class EvidenceSearch:
    """Looks for the evidence of questions among the passages that a search finds.

    Args:
        book: what is searched.
    """

    def __init__(self, book: Book) -> None:
        self._text = book.text
        self._squeezed = _squeeze(self._text)
        self._passages = Passages(book)

    def recall(self, question: str, evidence: Sequence[str]) -> dict[str, float]:
        """Give the share of the evidence that stands in the best passages.

        A piece of evidence is found where a passage holds half of it or lies in it by half: a
        passage may be shorter than the piece.

        Args:
            question: what to search for.
            evidence: pieces of the text; those that do not stand in it, word for word, are left
                out.

        Returns:
            `evidence_1`, `evidence_3`, `evidence_6` by the number of passages; nothing where
            there is no evidence.
        """
        places = [place for piece in evidence if (place := self._places(piece))]
        if not places:
            return {}
        best = self._passages.search(question, max(NUM_PASSAGES))
        spans = [self._span(passage) for passage in best]
        return {
            f"evidence_{number}": sum(
                any(_overlaps(span, spot) for span in spans[:number] for spot in place)
                for place in places
            )
            / len(places)
            for number in NUM_PASSAGES
        }

    def _places(self, piece: str) -> list[tuple[int, int]]:
        """Give where a text stands, as offsets that do not count space."""
        wanted = _squeeze(piece)
        if not wanted:
            return []
        found = re.finditer(re.escape(wanted), self._squeezed)
        return [match.span() for match in found]

    def _span(self, passage: ScoredPassage) -> tuple[int, int]:
        start = len(_squeeze(self._text[: passage.start]))
        return start, start + len(_squeeze(passage.text))


def _overlaps(one: tuple[int, int], other: tuple[int, int]) -> bool:
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return 2 * shared >= min(one[1] - one[0], other[1] - other[0])


def _squeeze(text: str) -> str:
    return "".join(text.split())


def _words(text: str) -> list[str]:
    """Give words alone, lower case; `1,830` is one."""
    return re.findall(r"\w+", text.lower().replace(",", ""))
