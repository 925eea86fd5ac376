"""Which sentences of the notes are likely to be true.

Two things tell: how much of a sentence stands in one place of its segment in the same order, and
how sure the model was of what it wrote. Trust is their product. Neither asking the model of each
sentence whether it is true adds to that, nor do its activations; see the log.

Of 88 sentences of notes in summaries of SQuALITY's dev stories, a trust of 0.75 and more, 80 are
true, judged by reading; from 0.85 of 47 44. Where a sentence claims something else than its place
its order is nothing (`notes.py`). What is not trusted gives way to the book's own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infini_cli.language.sentences import split_sentences
from infini_cli.store.book_memory import Note

STRICTER = 0.1
"""What `--strict` asks for besides."""

Place = tuple[int, str]
"""A segment and a sentence on it."""


def trust(notes: Sequence[Note]) -> dict[Place, float]:
    """Tell how far each sentence is to be trusted, 0 to 1; of some notes no measures were kept."""
    return {
        (note.segment, text): note.orders[k] * note.confidences[k]
        for note in notes
        for k, text in enumerate(_sentences(note))
    }


def keep_trusted(notes: Sequence[Note], least: float) -> list[Note]:
    """Leave out the sentences that are not to be trusted, and notes of which none is left.

    Notes of which no measures were kept stay as they are.

    Args:
        notes: in reading order.
        least: trust that a sentence must have.
    """
    kept = {place for place, value in trust(notes).items() if value >= least}
    pruned = (_prune(note, kept) for note in notes)
    return [note for note in pruned if note is not None]


def _sentences(note: Note) -> list[str]:
    """Give the sentences of a note that has their measures; none of another."""
    found = [note.text[start:end] for start, end in split_sentences(note.text)]
    has_measures = len(found) == len(note.orders) == len(note.confidences)
    return found if has_measures else []


def _prune(note: Note, kept: set[Place]) -> Note | None:
    """Give a note with those of its sentences that are kept; None where none is."""
    sentences = _sentences(note)
    if not sentences:
        return note
    chosen = [k for k, text in enumerate(sentences) if (note.segment, text) in kept]
    if not chosen:
        return None
    return replace(
        note,
        text=" ".join(sentences[k] for k in chosen),
        orders=tuple(note.orders[k] for k in chosen),
        confidences=tuple(note.confidences[k] for k in chosen),
    )
