"""From notes to summaries: merging level by level, or updating one summary as notes come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from infini_cli.grounding.support import keep_supported
from infini_cli.tasks import prompts
from infini_cli.tasks.asking import Ask, Asking
from infini_cli.tasks.instructions import USUAL, Instructions
from infini_cli.tasks.leaks import clean_text
from infini_cli.tasks.length import MAX_OVERSHOOT, trim_to_words
from infini_cli.tasks.parts import Part, join_parts
from infini_cli.tokens.tokenizer import Tokenizer

MAX_SOURCE_TOKENS = 2400
"""Notes merged at once: beyond this, small models forget the beginning of what they merge."""
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
    """What merging needs besides the texts. Its methods ask for what is to be written.

    Attributes:
        tokenizer: of who writes.
        title: of the book.
        question: what the summary is to answer; None: a plain one.
        instructions: what the model is told.
    """

    tokenizer: Tokenizer
    title: str
    question: str | None = None
    instructions: Instructions = USUAL

    def hierarchical(self, notes: Sequence[Part], words: int) -> Asking[list[Part]]:
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
        (parts,) = yield from self._shorten_to([notes], most * MAX_NOTES_AT_ONCE)
        groups = self._groups(parts, min(most, len(parts)))
        share = words // len(groups)
        written = yield from self._shorten_all(groups, share, "summary")
        return [_trimmed(part, round(share * MAX_OVERSHOOT)) for part in written]

    def _shorten_to(self, runs: Sequence[Sequence[Part]], most: int) -> Asking[list[list[Part]]]:
        """Shorten notes in fours until no run has more than `most`; all runs as one batch."""
        done = [list(run) for run in runs]
        while too_long := [run for run in range(len(done)) if len(done[run]) > most]:
            groups = [self._groups(done[run], -(-len(done[run]) // 4)) for run in too_long]
            flat = [group for of_run in groups for group in of_run]
            written = yield from self._shorten_all(flat, INNER_WORDS, "summaries of parts")
            waiting = iter(written)
            for run, of_run in zip(too_long, groups, strict=True):
                done[run] = [next(waiting) for _ in of_run]
        return done

    def _shorten_all(
        self, groups: Sequence[Sequence[Part]], words: int, what: str
    ) -> Asking[list[Part]]:
        """Shorten each group to so many words; those that are short enough stay as they are."""
        introduction = prompts.SHORTEN_INTRODUCTION.format(title=self.title)
        ending = self._told(self.instructions.shorten, words)
        introductions = [introduction] * len(groups)
        return (yield from self._rewrite_long(groups, introductions, ending, words, what))

    def _rewrite_long(
        self,
        groups: Sequence[Sequence[Part]],
        introductions: Sequence[str],
        ending: str,
        words: int,
        what: str,
    ) -> Asking[list[Part]]:
        """Write the groups that are too long again, as batches; the others are only joined."""
        parts = [join_parts(group) for group in groups]
        long = [k for k, part in enumerate(parts) if part.num_words > words * MAX_OVERSHOOT]
        asked = [introductions[k] + _listed(groups[k]) + ending for k in long]
        texts = yield from _ask(asked, words, what)
        for k, written in zip(long, texts, strict=True):
            parts[k] = _rewritten(groups[k], self._clean(written))
        return parts

    def incremental(self, notes: Sequence[Part], words: int) -> Asking[Part]:
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
            (written,) = yield from _ask([prompt], words, "summary so far")
            summary = join_parts(made_of, self._clean(written))
        assert summary is not None
        return summary

    def chapters(self, notes: Sequence[Part], words: int) -> Asking[list[Part]]:
        """Give the summary of each chapter, in order; all are written as one batch.

        A chapter whose notes are no longer than its summary may be keeps them as they are.
        """
        members = [list(group) for _, group in groupby(notes, key=lambda part: _chapter(part)[0])]
        runs = yield from self._shorten_to(members, MAX_CHAPTER_NOTES)
        introductions = [
            prompts.CHAPTER_INTRODUCTION.format(chapter=_chapter(group[0])[1]) for group in members
        ]
        ending = self._told(self.instructions.chapter, words)
        return (yield from self._rewrite_long(runs, introductions, ending, words, "chapters"))

    def sections(
        self, notes: Sequence[Part], words: int, asked: Sequence[str]
    ) -> Asking[list[list[Part]]]:
        """Give what each section tells of each part of the book; every run of notes is written on.

        Args:
            notes: in reading order; at least one.
            words: length of a section.
            asked: what the model is told for each section.
        """
        most = max(1, words // MIN_SHARE_WORDS)
        (parts,) = yield from self._shorten_to([notes], most * MAX_NOTES_AT_ONCE)
        groups = self._groups(parts, min(most, len(parts)))
        introduction = prompts.SHORTEN_INTRODUCTION.format(title=self.title)
        share = words // len(groups)
        endings = [self._told(instruction, share) for instruction in asked]
        # Those on one run stand side by side: what they begin with is read once.
        wanted = [introduction + _listed(group) + ending for group in groups for ending in endings]
        texts = yield from _ask(wanted, share, "sections")
        return [self._section(groups, texts[k :: len(endings)]) for k in range(len(endings))]

    def _section(self, groups: Sequence[Sequence[Part]], texts: Sequence[str]) -> list[Part]:
        """Give what a section tells; of runs of which nothing was told, nothing, if of others was.

        Notes that stood in for it would be of anything but what the section is of.
        """
        pairs = list(zip(groups, map(self._clean, texts), strict=True))
        told = [(group, text) for group, text in pairs if text]
        return [_rewritten(group, text) for group, text in told or pairs]

    def _told(self, instruction: str, words: int) -> str:
        return prompts.with_focus(instruction.format(words=words), self.question)

    def _clean(self, written: str) -> str:
        return clean_text(written, self.instructions.besides)

    def _groups(self, parts: Sequence[Part], num_groups: int | None) -> list[list[Part]]:
        """Cut into runs of nearly equal size: so many, or so that each fits the bound.

        Without a number there are at most half as many runs as texts, so that merging ends.
        """
        sizes = [len(self.tokenizer.encode(part.text)) for part in parts]
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


def _ask(prompts: Sequence[str], words: int, what: str) -> Asking[list[str]]:
    """Ask for texts of so many words; for none, of nothing."""
    if not prompts:
        return []
    drafts = yield Ask(tuple(prompts), int(words * TOKENS_PER_WORD) + SPARE_TOKENS, what)
    return [draft.text for draft in drafts]


def _rewritten(group: Sequence[Part], written: str) -> Part:
    """Give what was written on a group, as far as the group bears it; else the group."""
    text = keep_supported(written, join_parts(group).text)[0]
    return join_parts(group, text or None)


def _listed(parts: Sequence[Part]) -> str:
    return "\n\n".join(part.text for part in parts)


def _chapter(part: Part) -> tuple[str, str]:
    """Give label and title of the chapter of a note."""
    (note,) = part.notes
    return note.chapter_label, note.chapter_title


def _trimmed(part: Part, most_words: int) -> Part:
    """Keep whole sentences while they fit."""
    return Part(trim_to_words(part.text, most_words), part.made_of, part.note)
