"""Which text became what: from segments over notes and groups to the sentences of a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infini_cli.store.book_memory import Note
from infini_cli.tasks.parts import Part

WRITTEN = "written by the model"
EXTRACTED = "taken from the book"
REPLACED = "a note in place of a sentence that is not supported"
ADDED = "a note added, since there was room"
QUOTED = "quoted from the book"
ECHOES = "left out: it is not about the book"
REPEATS = "left out: it says again what an earlier sentence says"
UNSUPPORTED = "left out: it is not supported"
TOO_LONG = "left out: the summary would be too long"
KEPT = (WRITTEN, EXTRACTED, REPLACED, ADDED, QUOTED)


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a sentence.

    Attributes:
        text: the sentence, as it stands in the summary or as it was before it was left out.
        outcome: one of the constants of this module.
        part: what it is of; None where nothing was written.
        instead_of: the sentence that it replaces, if it does.
    """

    text: str
    outcome: str
    part: Part | None = None
    instead_of: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether it is in the summary."""
        return self.outcome in KEPT

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "text": self.text,
            "outcome": self.outcome,
            "instead_of": self.instead_of,
            "made_of": [_tree(part) for part in sources(self.part)],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a summary came about.

    Attributes:
        steps: the sentences of the summary, in its order, then those that were left out.
        notes: all notes of the book, in reading order, used or not.
    """

    steps: tuple[Step, ...]
    notes: tuple[Note, ...] = ()

    @property
    def used(self) -> frozenset[int]:
        """The segments whose notes went into some sentence of the summary."""
        kept = [step.part for step in self.steps if step.is_kept and step.part is not None]
        return frozenset(note.segment for part in kept for note in part.notes)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form; a tree's leaves name segments."""
        used = self.used
        return {
            "segments": [
                {
                    "segment": note.segment,
                    "chapter_label": note.chapter_label,
                    "start": note.start,
                    "end": note.end,
                    "note": note.text,
                    "support": note.support,
                    "used": note.segment in used,
                }
                for note in self.notes
            ],
            "sentences": [step.to_dict() for step in self.steps if step.is_kept],
            "left_out": [step.to_dict() for step in self.steps if not step.is_kept],
        }


def sources(part: Part | None) -> Sequence[Part]:
    """Give what to show below a sentence: the note that it is of, or what its text was made of."""
    if part is None:
        return ()
    return (part,) if part.note is not None else part.made_of


def _tree(part: Part) -> dict[str, Any]:
    if part.note is not None:
        return {"segment": part.note.segment}
    return {"text": part.text, "made_of": [_tree(source) for source in part.made_of]}
