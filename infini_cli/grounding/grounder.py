"""Tie a sentence to the passages of the book that bear it: search, cover, quote.

BM25 finds candidates, `agreement.py` measures them. The passage that bears most is cited first,
then those that bear what is still missing. What is quoted of a passage is its own words, at offsets
that anybody can check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from infini_cli.grounding.agreement import Agreement, Claim, agree, read_claim, read_lexicon
from infini_cli.grounding.cited import SentenceCitation, SummarySentence
from infini_cli.grounding.passages import Passages, ScoredPassage, Span
from infini_cli.grounding.support import share
from infini_cli.language.sentences import split_sentences
from infini_cli.language.stems import stems
from infini_cli.reading.book import Block, Book, Chapter

NUM_CANDIDATES = 24
MAX_CITATIONS = 3
MIN_PART = 0.25
"""A passage that has less of a sentence's words has a name of it, and tells nothing of it."""
MAX_ANCHORS = 6
MAX_REACH = 1500
"""Characters between passages cited together, about 250 words: scenes farther apart bear nothing
together. See the log for what other distances give."""
ONE_PLACE = 8000
"""Characters: what is searched is as short as this where a sentence was made from a few segments
in a row, and then all of it is one place."""
MIN_GAIN = 0.05
"""Passages that add less are not cited: what they bear is borne already."""
MAX_QUOTE_SENTENCES = 3
ENOUGH_OF_QUOTE = 0.9
"""A shorter quote that has this share of what the longest has is easier to check."""
MAX_QUOTE_CHARACTERS = 600


class Grounder:
    """Finds what bears a sentence, in one book.

    Args:
        book: its kept chapters are searched.
    """

    def __init__(self, book: Book) -> None:
        self._passages = Passages(book)
        self._lexicon = read_lexicon(book, self._passages)

    def claim(self, sentence: str) -> Claim:
        """Tell what a sentence says, as far as it can be looked up."""
        return read_claim(sentence, self._lexicon)

    def ground(
        self,
        sentence: str,
        within: Sequence[Span] | None = None,
        claim: Claim | None = None,
    ) -> SummarySentence:
        """Cite what bears a sentence; where nothing does, the nearest passage.

        Args:
            sentence: of a summary.
            within: the parts of the book it was made from, as offsets in `Book.text`; None: all.
            claim: what it says, where that is known already.
        """
        claim = claim or self.claim(sentence)
        found = self._passages.search(sentence, NUM_CANDIDATES, within)
        known = [frozenset(stems(passage.text)) for passage in found]
        size = sum(end - start for start, end in within) if within is not None else ONE_PLACE + 1
        reach = MAX_REACH if size > ONE_PLACE else ONE_PLACE
        chosen, agreement = self._cover(claim, found, known, reach)
        citations = tuple(
            _cite(found[index], claim, share(claim.words, known[index]))
            for index in sorted(chosen, key=lambda index: found[index].start)
        )
        return SummarySentence(
            text=sentence,
            citations=citations,
            supported=bool(citations) and agreement.is_supported,
            score=round(agreement.score, 3) if citations else 0.0,
        )

    def _cover(
        self,
        claim: Claim,
        found: Sequence[ScoredPassage],
        known: Sequence[Set[str]],
        reach: int,
    ) -> tuple[list[int], Agreement]:
        """Choose the passages that bear the claim best together, all from one place."""
        parts = [share(claim.words, words) for words in known]
        usable = [index for index, part in enumerate(parts) if part >= MIN_PART]
        # Where none has as much, the nearest is still a place to look.
        usable = usable or list(range(len(known)))[:1]
        anchors = sorted(usable, key=lambda index: -parts[index])[:MAX_ANCHORS]
        best: tuple[list[int], Agreement] = ([], Agreement(0.0, 0.0, 0.0))
        for anchor in anchors:
            near = [i for i in usable if abs(found[i].start - found[anchor].start) <= reach]
            tried = self._add(claim, anchor, near, known)
            if tried[1].score > best[1].score:
                best = tried
            if best[1].score == 1.0:
                break
        return best

    def _add(
        self, claim: Claim, anchor: int, near: Sequence[int], known: Sequence[Set[str]]
    ) -> tuple[list[int], Agreement]:
        """Add to one passage those near it that bear what is missing."""
        chosen, together = [anchor], frozenset(known[anchor])
        agreement = agree(claim, together, self._lexicon)
        while len(chosen) < MAX_CITATIONS and agreement.score < 1.0:
            scored = [(agree(claim, together | known[i], self._lexicon), i) for i in near]
            added, index = max(scored, key=lambda pair: pair[0].score)
            if added.score < agreement.score + MIN_GAIN:
                break
            agreement, together = added, together | known[index]
            chosen.append(index)
        return chosen, agreement


def cite_exactly(
    text: str, chapter: Chapter, block: Block, start: int, end: int
) -> SummarySentence:
    """Cite the place that a sentence was taken from.

    Args:
        text: the sentence as the summary has it.
        chapter: where it stands.
        block: of that chapter.
        start: offset of its first character in the block.
        end: offset just past its last.
    """
    citation = SentenceCitation(
        chapter_label=chapter.label,
        chapter_title=chapter.title,
        block_id=block.id,
        page=block.page,
        quote=block.text[start:end],
        start=block.start + start,
        end=block.start + end,
        score=1.0,
    )
    return SummarySentence(text, (citation,), supported=True, score=1.0)


def chapter_spans(chapters: Iterable[Chapter]) -> list[Span]:
    """Give the parts of the book that chapters are."""
    return [(c.blocks[0].start, c.blocks[-1].end) for c in chapters if c.blocks]


def _cite(passage: ScoredPassage, claim: Claim, score: float) -> SentenceCitation:
    start, end = _quote(passage.text, frozenset(claim.words))
    return SentenceCitation(
        chapter_label=passage.chapter_label,
        chapter_title=passage.chapter_title,
        block_id=passage.block_id_at(start),
        page=passage.page,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
        score=round(score, 3),
    )


def _quote(text: str, words: Set[str]) -> Span:
    """Give the shortest run of sentences that has nearly all that the best one has."""
    spans = split_sentences(text)
    has = [words & frozenset(stems(text[start:end])) for start, end in spans]
    runs = [
        (size, first, len(frozenset().union(*has[first : first + size])))
        for size in range(1, MAX_QUOTE_SENTENCES + 1)
        for first in range(max(1, len(spans) - size + 1))
    ]
    most = max(count for _, _, count in runs)
    size, first, _ = next(
        run
        for run in sorted(runs, key=lambda run: (run[0], -run[2]))
        if run[2] >= ENOUGH_OF_QUOTE * most
    )
    start, end = spans[first][0], spans[min(first + size, len(spans)) - 1][1]
    if end - start > MAX_QUOTE_CHARACTERS:
        cut = text.rfind(" ", start, start + MAX_QUOTE_CHARACTERS)
        end = cut if cut > start else start + MAX_QUOTE_CHARACTERS
    return start, end
