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
from infini_cli.tasks.support import keep_supported
from infini_cli.tasks.writer import Draft, write_prompts

MAX_SOURCE_TOKENS = 2400
"""Notes merged at once: beyond this, small models forget the beginning of what they merge."""
MAX_PROMPTS_AT_ONCE = 16
"""Each prompt's window is kept while its text is written."""
MAX_NOTES_AT_ONCE = 4
"""Of more notes than this a small model leaves the later ones out."""
MAX_CHAPTER_NOTES = 8
TOKENS_PER_WORD = 1.8
SPARE_TOKENS = 32
"""Small models write more than they are asked for; a sentence should come to its end."""
INNER_WORDS = 45
"""Length of a text that will itself be shortened: less than the notes it is made of."""
MIN_SHARE_WORDS = 18
"""A sentence that says who does what takes about as many."""
MAX_OVERSHOOT = 1.15
SENTENCES_PER_PARAGRAPH = 4


@dataclass(frozen=True, slots=True)
class Merger:
    """What merging needs besides the texts.

    Attributes:
        model: who writes.
        title: of the book.
        sampling: how words are chosen.
        progress: told of what is written.
        question: what the summary is to answer; None: a plain one.
    """

    model: Model
    title: str
    sampling: SamplingRequest
    progress: Progress
    question: str | None = None

    def hierarchical(self, texts: Sequence[str], words: int) -> str:
        """Give each part of the book its share of the summary.

        Asked for one long summary, or for a paragraph on several notes, small models retell
        the first of them and never reach the end. So the notes are cut into as many runs as
        the summary has room for sentences, and each run is shortened to one, all as a batch.
        Where a run would be longer than a small model can take in, notes are shortened in
        fours first, level by level.

        Args:
            texts: notes in reading order.
            words: length of the whole.
        """
        most = max(1, words // MIN_SHARE_WORDS)
        (texts,) = self._shorten_to([texts], most * MAX_NOTES_AT_ONCE)
        groups = self._groups(texts, min(most, len(texts)))
        share = words // len(groups)
        parts = self._shorten_all(groups, share, "summary")
        parts = [trim_to_words(part, round(share * MAX_OVERSHOOT)) for part in parts]
        parts = _within(parts, round(words * MAX_OVERSHOOT))
        return "\n\n".join(
            " ".join(parts[start : start + SENTENCES_PER_PARAGRAPH])
            for start in range(0, len(parts), SENTENCES_PER_PARAGRAPH)
        )

    def _shorten_to(self, runs: Sequence[Sequence[str]], most: int) -> list[list[str]]:
        """Shorten notes in fours until no run has more than `most`; all runs as one batch."""
        done = [list(run) for run in runs]
        while too_long := [run for run in range(len(done)) if len(done[run]) > most]:
            groups = [self._groups(done[run], -(-len(done[run]) // 4)) for run in too_long]
            flat = [group for of_run in groups for group in of_run]
            written = iter(self._shorten_all(flat, INNER_WORDS, "summaries of parts"))
            for run, of_run in zip(too_long, groups, strict=True):
                done[run] = [next(written) for _ in of_run]
        return done

    def _shorten_all(self, groups: Sequence[Sequence[str]], words: int, what: str) -> list[str]:
        """Shorten each group to so many words; those that are short enough stay as they are."""
        introduction = prompts.SHORTEN_INTRODUCTION.format(title=self.title)
        ending = prompts.with_focus(prompts.SHORTEN.format(words=words), self.question)
        return self._rewrite_long(groups, [introduction] * len(groups), ending, words, what)

    def _rewrite_long(
        self,
        groups: Sequence[Sequence[str]],
        introductions: Sequence[str],
        ending: str,
        words: int,
        what: str,
    ) -> list[str]:
        """Write the groups that are too long again, as batches; the others are only joined."""
        texts = [" ".join(group) for group in groups]
        long = [i for i, text in enumerate(texts) if len(text.split()) > words * MAX_OVERSHOOT]
        asked = [introductions[i] + "\n\n".join(groups[i]) + ending for i in long]
        for index, written in zip(long, self._write_all(asked, words, what), strict=True):
            texts[index] = keep_supported(written, texts[index])[0] or texts[index]
        return texts

    def _write_all(self, asked: Sequence[str], words: int, what: str) -> list[str]:
        drafts: list[Draft] = []
        for start in range(0, len(asked), MAX_PROMPTS_AT_ONCE):
            batch = asked[start : start + MAX_PROMPTS_AT_ONCE]
            drafts += write_prompts(
                self.model,
                batch,
                max_tokens=int(words * TOKENS_PER_WORD) + SPARE_TOKENS,
                sampling=self.sampling,
                progress=self.progress,
                what=what,
                done=start,
                total=len(asked),
            )
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
                    + prompts.with_focus(prompts.UPDATE.format(words=words), self.question)
                )
            summary = self._write_all([prompt], words, "summary so far")[0]
        return summary

    def chapters(self, notes: Sequence[Note], words: int) -> list[tuple[int, str, str]]:
        """Give number, title and summary of each chapter; all are written as one batch.

        A chapter whose notes are no longer than its summary may be keeps them as they are.
        """
        members = [list(group) for _, group in groupby(notes, key=lambda note: note.chapter_number)]
        runs = self._shorten_to([[note.text for note in m] for m in members], MAX_CHAPTER_NOTES)
        introductions = [
            prompts.CHAPTER_INTRODUCTION.format(chapter=group[0].chapter_title) for group in members
        ]
        ending = prompts.with_focus(prompts.CHAPTER.format(words=words), self.question)
        texts = self._rewrite_long(runs, introductions, ending, words, "chapters")
        return [
            (group[0].chapter_number, group[0].chapter_title, trim_to_words(text, words))
            for group, text in zip(members, texts, strict=True)
        ]

    def _merge_prompt(self, texts: Sequence[str], words: int) -> str:
        introduction = prompts.MERGE_INTRODUCTION.format(title=self.title)
        ending = prompts.with_focus(prompts.MERGE.format(words=words), self.question)
        return introduction + "\n\n".join(texts) + ending

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


def _within(parts: Sequence[str], most_words: int) -> list[str]:
    """Leave out the longest parts, never the first or the last, until the rest is short enough.

    Cutting at the end instead would cost the end of the book.
    """
    kept = list(parts)
    while len(kept) > 2 and sum(len(part.split()) for part in kept) > most_words:
        longest = max(range(1, len(kept) - 1), key=lambda index: len(kept[index].split()))
        del kept[longest]
    return kept
