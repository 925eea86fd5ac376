"""A text on the way from notes to a summary, which knows what it was made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from infini_cli.store.book_memory import Note
from infini_cli.tasks.leaks import clean_text


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A text and where it comes from.

    Attributes:
        text: what was written, or several texts joined.
        made_of: the parts it was made of, in order; none of a note.
        note: the note that it is; None of what was made of others.
    """

    text: str
    made_of: tuple[Part, ...] = ()
    note: Note | None = None

    @property
    def num_words(self) -> int:
        """Whitespace-separated words."""
        return len(self.text.split())

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes at the bottom of it, in reading order."""
        found = {id(part): part.note for part in self._leaves() if part.note is not None}
        return tuple(sorted(found.values(), key=lambda note: note.segment))

    def _leaves(self) -> Iterator[Part]:
        waiting = [self]
        while waiting:  # a summary that is carried along is made of itself, hundreds deep
            part = waiting.pop()
            if part.made_of:
                waiting.extend(part.made_of)
            else:
                yield part


def chapter_of(note: Part) -> str:
    """Give the label of a note's chapter."""
    (found,) = note.notes
    return found.chapter_label


def note_parts(notes: Iterable[Note], told: tuple[str, ...] = ()) -> list[Part]:
    """Make parts of notes, cleaned of what is no note; those of which nothing is left go.

    Args:
        notes: in reading order.
        told: what the model was told besides the usual instructions.
    """
    cleaned = ((note, clean_text(note.text, told)) for note in notes)
    return [Part(text, note=note) for note, text in cleaned if text]


def join_parts(parts: Sequence[Part], text: str | None = None) -> Part:
    """Make one part of several.

    Args:
        parts: in order.
        text: what was written from them; None only joins them.
    """
    joined = " ".join(part.text for part in parts) if text is None else text
    return Part(joined, tuple(parts))
