"""A note on a segment: what the model wrote of it, as far as the segment bears it."""

from __future__ import annotations

from collections.abc import Sequence

from infini_cli.grounding.support import MIN_SUPPORT, NOTE_REACH, Source, least_support
from infini_cli.language.narration import (
    mentions_narrator,
    without_gender,
    without_narrator,
)
from infini_cli.language.same_claim import same_claim
from infini_cli.language.sentences import split_sentences
from infini_cli.language.speech import is_said_so, reports
from infini_cli.store.book_memory import Note
from infini_cli.tasks.leaks import clean_text
from infini_cli.tasks.writer import Draft
from infini_cli.tokens.segments import Segment

ENDS = (".", "!", "?", "\u2026", "\u201d", '"')


def make_note(segment: Segment, source: str, drafts: Sequence[Draft], *, told: str = "") -> Note:
    """Keep the sentences that the segment bears; the best one where it bears none.

    Args:
        segment: what the note is on.
        source: its text.
        drafts: what was written of it, each sentence kept once.
        told: what one of its people tells, with spaces in the place of all else; empty where none
            does. A narrator's gender is not known.
    """
    measure = Source(source, NOTE_REACH)
    found: dict[str, Draft] = {}
    for draft in drafts:
        for sentence in _sentences(draft):
            if told and mentions_narrator(sentence):
                _, (start, end) = measure.place(without_narrator(sentence))
                sentence = without_gender(sentence, source[start:end])
            found.setdefault(sentence, draft)
    supports = {one: measure.support(_compared(one, told)) for one in found}
    least = least_support([*supports.values()])
    kept = [one for one, support in supports.items() if support >= least]
    text = " ".join(kept)
    # Sentences put together may be told apart in other places: then no measure is of them.
    is_whole = len(split_sentences(text)) == len(kept)
    return Note(
        segment=segment.index,
        chapter_label=segment.chapter_label,
        chapter_title=segment.chapter_title,
        text=text,
        support=round(max(supports.values(), default=0.0), 3),
        start=segment.start,
        end=segment.end,
        orders=tuple(_order(one, supports[one], source, told, measure) for one in kept)
        if is_whole
        else (),
        confidences=tuple(round(found[one].confidence, 3) for one in kept) if is_whole else (),
    )


def _compared(sentence: str, told: str) -> str:
    """Give a sentence as it is compared with its source, where a narrator is "I"."""
    return without_narrator(sentence) if told else sentence


def _order(sentence: str, support: float, source: str, told: str, measure: Source) -> float:
    """Give the share of words that stand in one place in order, if the place may claim the same.

    It does not if it lacks the words or the names, if it claims something else, or, of a sentence
    that reports speech, if it has somebody else speak.
    """
    compared = _compared(sentence, told)
    share, (start, end) = measure.place(compared)
    is_borne = support >= MIN_SUPPORT and (
        is_said_so(sentence, source)
        if reports(compared)
        else same_claim(sentence, source[start:end], told[start:end])
    )
    return round(share, 3) if is_borne else 0.0


def _sentences(draft: Draft) -> list[str]:
    """Give its sentences; what the limit cut off goes, if there are others.

    A half sentence says something else, or nothing.
    """
    text = clean_text(draft.text)
    found = [text[start:end] for start, end in split_sentences(text)]
    return [one for one in found if not draft.cut or one.endswith(ENDS)] or found
