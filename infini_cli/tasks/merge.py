"""From notes to summaries: merging level by level, or updating one summary as notes come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from infini_cli.progress import Progress
from infini_cli.store.book_memory import Note
from infini_cli.tasks import prompts
from infini_cli.tasks.length import trim_to_words
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.writer import Draft, write_prompts

MAX_SOURCE_TOKENS = 2400
"""Notes merged at once: beyond this, small models forget the beginning of what they merge."""
MAX_PROMPTS_AT_ONCE = 4
"""Each prompt's window is kept while its text is written."""
TOKENS_PER_WORD = 1.8
INNER_WORDS = 160
"""Length of a summary that will itself be merged."""


@dataclass(frozen=True, slots=True)
class Merger:
    """What merging needs besides the texts.

    Attributes:
        model: who writes.
        title: of the book.
        sampling: how words are chosen.
        progress: told of what is written.
    """

    model: Model
    title: str
    sampling: SamplingRequest
    progress: Progress

    def hierarchical(
        self, texts: Sequence[str], words: int, write: Callable[[str], None] | None = None
    ) -> str:
        """Merge texts in groups that fit the model's attention, until one is left.

        Args:
            texts: notes in reading order.
            words: length of the last summary.
            write: takes the last summary as it is written.
        """
        while len(groups := self._groups(texts)) > 1:
            self_summaries = []
            for start in range(0, len(groups), MAX_PROMPTS_AT_ONCE):
                batch = [
                    self._merge_prompt(g, INNER_WORDS) for g in groups[start:][:MAX_PROMPTS_AT_ONCE]
                ]
                self_summaries += self._write(batch, INNER_WORDS, "summaries of parts", None)
            texts = [draft.text for draft in self_summaries]
        draft = self._write([self._merge_prompt(texts, words)], words, "summary", write)[0]
        return draft.text

    def incremental(self, texts: Sequence[str], words: int) -> str:
        """Update one summary with each group of notes; later groups see what came before."""
        summary = ""
        for group in self._groups(texts):
            if not summary:
                prompt = self._merge_prompt(group, words)
            else:
                prompt = (
                    prompts.UPDATE_INTRODUCTION.format(title=self.title)
                    + summary
                    + prompts.UPDATE_MIDDLE
                    + "\n\n".join(group)
                    + prompts.UPDATE.format(words=words)
                )
            summary = self._write([prompt], words, "summary so far", None)[0].text
        return summary

    def chapters(self, notes: Sequence[Note], words: int) -> list[tuple[int, str, str]]:
        """Give number, title and summary of each chapter; single notes stand as they are."""
        sections: list[tuple[int, str, str]] = []
        for number, group in groupby(notes, key=lambda note: note.chapter_number):
            members = list(group)
            text = members[0].text
            if len(members) > 1:
                joined = "\n\n".join(note.text for note in members)
                prompt = (
                    prompts.CHAPTER_INTRODUCTION.format(chapter=members[0].chapter_title)
                    + joined
                    + prompts.CHAPTER.format(words=words)
                )
                text = self._write([prompt], words, "chapter summaries", None)[0].text
            sections.append((number, members[0].chapter_title, trim_to_words(text, words)))
        return sections

    def _merge_prompt(self, texts: Sequence[str], words: int) -> str:
        introduction = prompts.MERGE_INTRODUCTION.format(title=self.title)
        return introduction + "\n\n".join(texts) + prompts.MERGE.format(words=words)

    def _groups(self, texts: Sequence[str]) -> list[list[str]]:
        """Cut into runs of nearly equal size, none above the bound."""
        sizes = [len(self.model.tokenizer.encode(text)) for text in texts]
        num_groups = max(1, -(-sum(sizes) // MAX_SOURCE_TOKENS))
        target = sum(sizes) / num_groups
        groups: list[list[str]] = [[]]
        filled = 0
        for text, size in zip(texts, sizes, strict=True):
            if groups[-1] and filled + size > target * 1.02:
                groups.append([])
                filled = 0
            groups[-1].append(text)
            filled += size
        # At least two texts a group, or merging would never end.
        if len(groups) > 1 and len(groups) >= len(texts):
            return [list(texts[i : i + 2]) for i in range(0, len(texts), 2)]
        return groups

    def _write(
        self,
        batch: Sequence[str],
        words: int,
        what: str,
        write: Callable[[str], None] | None,
    ) -> list[Draft]:
        return write_prompts(
            self.model,
            batch,
            max_tokens=max(64, int(words * TOKENS_PER_WORD)),
            sampling=self.sampling,
            progress=self.progress,
            what=what,
            write=write,
        )
