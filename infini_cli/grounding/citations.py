"""The passages that an answer rests on, each by a sentence of the book's own words."""

from __future__ import annotations

from collections.abc import Sequence

from infini_cli.grounding.cited import Citation
from infini_cli.grounding.passages import ScoredPassage, best_quote

MAX_CITATIONS = 3


def cite(question: str, answer: str, found: Sequence[ScoredPassage]) -> tuple[Citation, ...]:
    """Cite the passages that share most with the answer, each by a sentence of its own words."""
    citations: list[Citation] = []
    for passage in found:
        quote = best_quote(passage.text, answer, question)
        offset = passage.text.find(quote)
        if not quote or offset < 0 or len(citations) == MAX_CITATIONS:
            continue
        start = passage.start + offset
        citations.append(
            Citation(
                number=len(citations) + 1,
                chapter_label=passage.chapter_label,
                chapter_title=passage.chapter_title,
                block_id=passage.block_id_at(offset),
                page=passage.page,
                quote=quote,
                start=start,
                end=start + len(quote),
            )
        )
    return tuple(citations)
