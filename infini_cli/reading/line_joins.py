"""Join broken lines into running text, hyphens and dashes at their ends included.

A hyphen at the end of a line may belong to the word (`well-known`) or to the
line. It is dropped only if the book writes the word without it elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SOFT_HYPHEN = "\u00ad"
HYPHENS = ("-", "\u2010", SOFT_HYPHEN)
DASHES = ("\u2014", "\u2013", "--")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_LAST_WORD = re.compile(r"((?:\w+['\u2019-])*\w+)$")
_FIRST_WORD = re.compile(r"^\w+(?:['\u2019]\w+)*(?:-\w+)*")
_GLUED_DASH = re.compile(r"\w[\u201d\u2019\"!?.,]?(?:\u2014|--)[\u201c\u2018\"]?\w")
_SPACED_DASH = re.compile(r"\w[\u201d\u2019\"!?.,]?(?:\u2014|--) [\u201c\u2018\"]?\w")
# `pre- and post-war`: this hyphen stands for a word left out.
_SUSPENDING = {"and", "or", "und", "oder", "et", "ou", "y", "o", "to", "nor"}


@dataclass(slots=True)
class Joiner:
    """Joins lines in the way the rest of the book suggests.

    Attributes:
        words: how often each word stands within a line, in lower case.
        glues_dashes: whether a dash at a line's end is followed by no space.
        num_hyphens: hyphens dropped so far.
    """

    words: Counter[str] = field(default_factory=Counter)
    glues_dashes: bool = True
    num_hyphens: int = 0

    @classmethod
    def learn(cls, lines: Iterable[str]) -> Joiner:
        """Learn from all lines of a book."""
        joiner = cls()
        num_glued = num_spaced = num_at_end = num_lines = 0
        num_words = 0
        for line in lines:
            found = _WORD.findall(line.lower())
            # The last word may be half a word, unless something follows it.
            whole = found[:-1] if line.endswith(HYPHENS) else found
            joiner.words.update(whole)
            num_glued += len(_GLUED_DASH.findall(line))
            num_spaced += len(_SPACED_DASH.findall(line))
            num_at_end += line.endswith(DASHES)
            num_lines += 1
            num_words += len(found)
        # Were lines broken behind glued dashes, about one such dash a line's
        # worth of words would stand at an end; if hardly any does, those that do
        # had a space behind them.
        expected = num_glued * num_lines / max(1, num_words)
        joiner.glues_dashes = num_spaced == 0 or num_at_end > expected / 2
        if num_spaced > num_glued:
            joiner.glues_dashes = False
        return joiner

    def join(self, lines: Sequence[str]) -> str:
        """Return the lines as one line of running text."""
        if not lines:
            return ""
        text = lines[0]
        for line in lines[1:]:
            text = self._join(text, line)
        return text.replace(SOFT_HYPHEN, "")

    def _join(self, text: str, line: str) -> str:
        if text.endswith(HYPHENS) and not text.endswith("--"):
            return self._join_hyphen(text, line)
        if text.endswith(DASHES) and self.glues_dashes:
            word = text.rstrip("-\u2013\u2014")
            if word and not word[-1].isspace():
                return text + line
        return f"{text} {line}"

    def _join_hyphen(self, text: str, line: str) -> str:
        first_half, second_half = _LAST_WORD.search(text[:-1]), _FIRST_WORD.match(line)
        if first_half is None or second_half is None:
            return f"{text} {line}"
        before, after = first_half[0].lower(), second_half[0].lower()
        with_hyphen = self.words[f"{before}-{after}"]
        # `well-` + `known-to-all`, `half-for-` + `gotten`: only the parts at the seam matter.
        without = (
            self.words[before + after]
            or self.words[before.rpartition("-")[2] + after.partition("-")[0]]
        )
        if text.endswith(SOFT_HYPHEN) or without > with_hyphen:
            self.num_hyphens += 1
            return text[:-1] + line
        if after in _SUSPENDING and not with_hyphen:
            return f"{text} {line}"
        return text + line
