"""From notes to summaries: merging level by level, or updating one summary as notes come."""

from __future__ import annotations

from collections.abc import Sequence
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
MAX_PROMPTS_AT_ONCE = 8
"""Each prompt's window is kept while its text is written."""
MAX_NOTES_AT_ONCE = 4
"""Of more notes than this a small model leaves the later ones out."""
TOKENS_PER_WORD = 1.8
INNER_WORDS = 160
"""Length of a summary that will itself be merged."""
MIN_SHARE_WORDS = 15
"""A sentence that says who does what takes about as many."""
SENTENCES_PER_PARAGRAPH = 5


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

    def hierarchical(self, texts: Sequence[str], words: int) -> str:
        """Give each part of the book its share of the summary.

        Asked for one long summary, or for a paragraph on several notes, small models retell
        the first of them and never reach the end. So notes are merged only until there are
        few enough for a sentence each; then each is shortened to its share, all as batches.

        Args:
            texts: notes in reading order.
            words: length of the whole.
        """
        most = max(1, words // MIN_SHARE_WORDS)
        while len(texts) > most:
            num_groups = max(most, -(-len(texts) // MAX_NOTES_AT_ONCE))
            groups = self._groups(texts, min(num_groups, -(-len(texts) // 2)))
            texts = self._write_all(
                [self._merge_prompt(group, INNER_WORDS) for group in groups],
                INNER_WORDS,
                "summaries of parts",
            )
        share = words // len(texts)
        introduction = prompts.SHORTEN_INTRODUCTION.format(title=self.title)
        ending = prompts.SHORTEN.format(words=share)
        sentences = self._write_all([introduction + t + ending for t in texts], share, "summary")
        trimmed = [trim_to_words(text, round(share * 1.3)) for text in sentences]
        return "\n\n".join(
            " ".join(trimmed[start : start + SENTENCES_PER_PARAGRAPH])
            for start in range(0, len(trimmed), SENTENCES_PER_PARAGRAPH)
        )

    def _write_all(self, asked: Sequence[str], words: int, what: str) -> list[str]:
        drafts: list[Draft] = []
        for start in range(0, len(asked), MAX_PROMPTS_AT_ONCE):
            drafts += self._write(asked[start : start + MAX_PROMPTS_AT_ONCE], words, what)
        return [draft.text for draft in drafts]

    def incremental(self, texts: Sequence[str], words: int) -> str:
        """Update one summary with each group of notes; later groups see what came before."""
        summary = ""
        for group in self._groups(texts, None):
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
            summary = self._write([prompt], words, "summary so far")[0].text
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
                text = self._write([prompt], words, "chapter summaries")[0].text
            sections.append((number, members[0].chapter_title, trim_to_words(text, words)))
        return sections

    def _merge_prompt(self, texts: Sequence[str], words: int) -> str:
        introduction = prompts.MERGE_INTRODUCTION.format(title=self.title)
        return introduction + "\n\n".join(texts) + prompts.MERGE.format(words=words)

    def _groups(self, texts: Sequence[str], num_groups: int | None) -> list[list[str]]:
        """Cut into runs of nearly equal size: so many, or so that each fits the bound.

        Without a number there are at most half as many runs as texts, so that merging ends.
        """
        sizes = [len(self.model.tokenizer.encode(text)) for text in texts]
        if num_groups is None:
            num_groups = max(1, -(-sum(sizes) // MAX_SOURCE_TOKENS))
            num_groups = min(num_groups, -(-len(texts) // 2))
        groups: list[list[str]] = [[] for _ in range(num_groups)]
        total, before = sum(sizes), 0
        for text, size in zip(texts, sizes, strict=True):
            middle = before + size / 2
            groups[min(num_groups - 1, int(middle * num_groups / max(1, total)))].append(text)
            before += size
        return [group for group in groups if group]

    def _write(
        self,
        batch: Sequence[str],
        words: int,
        what: str,
    ) -> list[Draft]:
        return write_prompts(
            self.model,
            batch,
            max_tokens=max(48, int(words * TOKENS_PER_WORD)),
            sampling=self.sampling,
            progress=self.progress,
            what=what,
        )
