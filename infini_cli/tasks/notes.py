"""A note on a segment: what the model wrote of it, as far as the segment bears it."""

from __future__ import annotations

from infini_cli.store.book_memory import Note
from infini_cli.tasks.leaks import clean_text
from infini_cli.tasks.sentences import split_sentences
from infini_cli.tasks.speech import is_said_so, reports
from infini_cli.tasks.support import NOTE_REACH, Source, least_support
from infini_cli.tasks.writer import Draft
from infini_cli.tokens.segments import Segment

ENDS = (".", "!", "?", "\u2026", "\u201d", '"')


def make_note(segment: Segment, source: str, draft: Draft) -> Note:
    """Keep the sentences that the segment bears; the best one where it bears none.

    Args:
        segment: what the note is on.
        source: its text.
        draft: what was written of it.
    """
    measure = Source(source, NOTE_REACH)
    found = _sentences(draft)
    supports = [measure.support(sentence) for sentence in found]
    least = least_support(supports)
    kept = [one for one, support in zip(found, supports, strict=True) if support >= least]
    text = " ".join(kept)
    # Sentences put together may be told apart in other places: then no measure is of them.
    is_whole = len(split_sentences(text)) == len(kept)
    return Note(
        segment=segment.index,
        chapter_label=segment.chapter_label,
        chapter_title=segment.chapter_title,
        text=text,
        support=round(max(supports, default=0.0), 3),
        start=segment.start,
        end=segment.end,
        orders=tuple(_order(one, source, measure) for one in kept) if is_whole else (),
        confidences=(round(draft.confidence, 3),) * len(kept) if is_whole else (),
    )


def _order(sentence: str, source: str, measure: Source) -> float:
    """Give the share of words that stand in order; none of a report with another speaker."""
    if reports(sentence) and not is_said_so(sentence, source):
        return 0.0
    return round(measure.order(sentence), 3)


def _sentences(draft: Draft) -> list[str]:
    """Give its sentences; what the limit cut off goes, if there are others.

    A half sentence says something else, or nothing.
    """
    text = clean_text(draft.text)
    found = [text[start:end] for start, end in split_sentences(text)]
    return [one for one in found if not draft.cut or one.endswith(ENDS)] or found
