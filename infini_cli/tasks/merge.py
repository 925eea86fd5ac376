"""From notes to summaries: merging level by level, or updating one summary as notes come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from infini_cli.progress import Progress
from infini_cli.tasks import prompts
from infini_cli.tasks.instructions import USUAL, Instructions
from infini_cli.tasks.leaks import clean_text
from infini_cli.tasks.length import MAX_OVERSHOOT, trim_to_words
from infini_cli.tasks.model import Model
from infini_cli.tasks.parts import Part, join_parts
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


@dataclass(frozen=True, slots=True)
class Merger:
    """What merging needs besides the texts.

    Attributes:
        model: who writes.
        title: of the book.
        sampling: how words are chosen.
        progress: told of what is written.
        question: what the summary is to answer; None: a plain one.
        instructions: what the model is told.
    """

    model: Model
    title: str
    sampling: SamplingRequest
    progress: Progress
    question: str | None = None
    instructions: Instructions = USUAL

    def hierarchical(self, notes: Sequence[Part], words: int) -> list[Part]:
        """Give each part of the book its share of the summary.

        Asked for one long summary, or for a paragraph on several notes, small models retell
        the first of them and never reach the end. So the notes are cut into as many runs as
        the summary has room for sentences, and each run is shortened to one, all as a batch.
        Where a run would be longer than a small model can take in, notes are shortened in
        fours first, level by level.

        Args:
            notes: in reading order; at least one.
            words: length of the whole.

        Returns:
            What was written on each run, in order.
        """
        most = max(1, words // MIN_SHARE_WORDS)
        (parts,) = self._shorten_to([notes], most * MAX_NOTES_AT_ONCE)
        groups = self._groups(parts, min(most, len(parts)))
        share = words // len(groups)
        written = self._shorten_all(groups, share, "summary")
        return [_trimmed(part, round(share * MAX_OVERSHOOT)) for part in written]

    def _shorten_to(self, runs: Sequence[Sequence[Part]], most: int) -> list[list[Part]]:
        """Shorten notes in fours until no run has more than `most`; all runs as one batch."""
        done = [list(run) for run in runs]
        while too_long := [run for run in range(len(done)) if len(done[run]) > most]:
            groups = [self._groups(done[run], -(-len(done[run]) // 4)) for run in too_long]
            flat = [group for of_run in groups for group in of_run]
            written = iter(self._shorten_all(flat, INNER_WORDS, "summaries of parts"))
            for run, of_run in zip(too_long, groups, strict=True):
                done[run] = [next(written) for _ in of_run]
        return done

    def _shorten_all(self, groups: Sequence[Sequence[Part]], words: int, what: str) -> list[Part]:
        """Shorten each group to so many words; those that are short enough stay as they are."""
        introduction = prompts.SHORTEN_INTRODUCTION.format(title=self.title)
        ending = self._told(self.instructions.shorten, words)
        return self._rewrite_long(groups, [introduction] * len(groups), ending, words, what)

    def _rewrite_long(
        self,
        groups: Sequence[Sequence[Part]],
        introductions: Sequence[str],
        ending: str,
        words: int,
        what: str,
    ) -> list[Part]:
        """Write the groups that are too long again, as batches; the others are only joined."""
        long = [
            index
            for index, group in enumerate(groups)
            if join_parts(group).num_words > words * MAX_OVERSHOOT
        ]
        return self._rewrite(groups, long, introductions, ending, words, what)

    def _rewrite(
        self,
        groups: Sequence[Sequence[Part]],
        which: Sequence[int],
        introductions: Sequence[str],
        ending: str,
        words: int,
        what: str,
    ) -> list[Part]:
        """Write some groups again, as batches; the others are only joined."""
        parts = [join_parts(group) for group in groups]
        asked = [introductions[i] + _listed(groups[i]) + ending for i in which]
        for index, written in zip(which, self._write_all(asked, words, what), strict=True):
            text = keep_supported(self._clean(written), parts[index].text)[0]
            parts[index] = join_parts(groups[index], text or None)
        return parts

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

    def incremental(self, notes: Sequence[Part], words: int) -> Part:
        """Update one summary with each group of notes; later groups see what came before."""
        summary: Part | None = None
        for group in self._groups(notes, None):
            if summary is None:
                introduction = prompts.MERGE_INTRODUCTION.format(title=self.title)
                ending = self._told(self.instructions.merge, words)
                prompt = introduction + _listed(group) + ending
                made_of = group
            else:
                prompt = (
                    prompts.UPDATE_INTRODUCTION.format(title=self.title)
                    + summary.text
                    + prompts.UPDATE_MIDDLE
                    + _listed(group)
                    + self._told(self.instructions.update, words)
                )
                made_of = [summary, *group]
            (written,) = self._write_all([prompt], words, "summary so far")
            summary = join_parts(made_of, self._clean(written))
        assert summary is not None
        return summary

    def chapters(self, notes: Sequence[Part], words: int) -> list[Part]:
        """Give the summary of each chapter, in order; all are written as one batch.

        A chapter whose notes are no longer than its summary may be keeps them as they are.
        """
        members = [list(group) for _, group in groupby(notes, key=lambda part: _chapter(part)[0])]
        runs = self._shorten_to(members, MAX_CHAPTER_NOTES)
        introductions = [
            prompts.CHAPTER_INTRODUCTION.format(chapter=_chapter(group[0])[1]) for group in members
        ]
        ending = self._told(self.instructions.chapter, words)
        return self._rewrite_long(runs, introductions, ending, words, "chapters")

    def sections(
        self, notes: Sequence[Part], words: int, asked: Sequence[str]
    ) -> Iterator[list[Part]]:
        """Give what each section tells of each part of the book; every run of notes is written on.

        Args:
            notes: in reading order; at least one.
            words: length of a section.
            asked: what the model is told for each section.
        """
        most = max(1, words // MIN_SHARE_WORDS)
        (parts,) = self._shorten_to([notes], most * MAX_NOTES_AT_ONCE)
        groups = self._groups(parts, min(most, len(parts)))
        introductions = [prompts.SHORTEN_INTRODUCTION.format(title=self.title)] * len(groups)
        share = words // len(groups)
        every = range(len(groups))
        for instruction in asked:
            one = replace(self, instructions=replace(self.instructions, shorten=instruction))
            ending = one._told(instruction, share)
            yield one._rewrite(groups, every, introductions, ending, share, "sections")

    def _told(self, instruction: str, words: int) -> str:
        return prompts.with_focus(instruction.format(words=words), self.question)

    def _clean(self, written: str) -> str:
        return clean_text(written, self.instructions.besides)

    def _groups(self, parts: Sequence[Part], num_groups: int | None) -> list[list[Part]]:
        """Cut into runs of nearly equal size: so many, or so that each fits the bound.

        Without a number there are at most half as many runs as texts, so that merging ends.
        """
        sizes = [len(self.model.tokenizer.encode(part.text)) for part in parts]
        if num_groups is None:
            num_groups = max(1, -(-sum(sizes) // MAX_SOURCE_TOKENS))
            num_groups = min(num_groups, -(-len(parts) // 2))
        groups: list[list[Part]] = [[] for _ in range(num_groups)]
        total, before = sum(sizes), 0
        for part, size in zip(parts, sizes, strict=True):
            middle = before + size / 2
            groups[min(num_groups - 1, int(middle * num_groups / max(1, total)))].append(part)
            before += size
        return [group for group in groups if group]


def _listed(parts: Sequence[Part]) -> str:
    return "\n\n".join(part.text for part in parts)


def _chapter(part: Part) -> tuple[str, str]:
    """Give label and title of the chapter of a note."""
    (note,) = part.notes
    return note.chapter_label, note.chapter_title


def _trimmed(part: Part, most_words: int) -> Part:
    """Keep whole sentences while they fit."""
    return Part(trim_to_words(part.text, most_words), part.made_of, part.note)
