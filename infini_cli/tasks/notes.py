"""A note on a segment: what the model wrote of it, as far as the segment bears it."""

from __future__ import annotations

from collections.abc import Sequence

from infini_cli.store.book_memory import Note
from infini_cli.tasks.leaks import clean_text
from infini_cli.tasks.sentences import split_sentences
from infini_cli.tasks.support import NOTE_REACH, Source, least_support
from infini_cli.tasks.writer import Draft
from infini_cli.tokens.segments import Segment

ENDS = (".", "!", "?", "\u2026", "\u201d", '"')


def make_note(segment: Segment, source: str, drafts: Sequence[Draft]) -> Note:
    """Keep the sentences that the segment bears; the best one where it bears none.

    Args:
        segment: what the note is on.
        source: its text.
        drafts: what was written of it.
    """
    measure = Source(source, NOTE_REACH)
    found = [(sentence, draft) for draft in drafts for sentence in _sentences(draft)]
    # What the limit cut off in the middle of a sentence says something else, or nothing.
    found = [(one, draft) for one, draft in found if not draft.cut or one.endswith(ENDS)] or found
    said = [(one, measure.support(one), draft.confidence) for one, draft in found]
    supports = [support for _, support, _ in said]
    least = least_support(supports)
    kept = [item for item in said if item[1] >= least]
    text = " ".join(sentence for sentence, _, _ in kept)
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
        supports=tuple(round(support, 3) for _, support, _ in kept) if is_whole else (),
        confidences=tuple(round(sure, 3) for _, _, sure in kept) if is_whole else (),
    )


def _sentences(draft: Draft) -> list[str]:
    text = clean_text(draft.text)
    return [text[start:end] for start, end in split_sentences(text)]
