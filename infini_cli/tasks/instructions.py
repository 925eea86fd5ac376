"""What a model is told to do, as a value: the usual instructions, or those of a style."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from infini_cli.tasks import prompts


@dataclass(frozen=True, slots=True)
class Instructions:
    """What a model is told to make of a text; a style may tell it something else.

    All but `memory` stand after the text. `{words}` and, in `memory`, `{title}` are filled in.
    """

    note: str = prompts.NOTE
    shorten: str = prompts.SHORTEN
    chapter: str = prompts.CHAPTER
    merge: str = prompts.MERGE
    update: str = prompts.UPDATE
    memory: str = prompts.MEMORY

    def question(self, *, is_taught: bool = False) -> str:
        """Give what is asked of every segment.

        Args:
            is_taught: whether the model was taught to write the usual notes.
        """
        is_usual = self.note == prompts.NOTE
        return prompts.TAUGHT_NOTE if is_taught and is_usual else self.note

    @property
    def besides(self) -> tuple[str, ...]:
        """Those that are not the usual ones."""
        return tuple(text for text in astuple(self) if text not in astuple(USUAL))


USUAL = Instructions()


def ending(instruction: str) -> str:
    """Set an instruction off from the text that it follows."""
    return "\n\n---\n" + instruction.strip()
