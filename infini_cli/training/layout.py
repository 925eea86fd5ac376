"""Rows whose segments begin where sentences do, all of one length.

Prompts that are measured are cut at the ends of sentences, each where its own are. The rows of a
batch must be cut at the same places; so the text is laid to the cuts: what a cut would divide ends
there, and the next segment goes on with the sentence after, or with the last tokens of the one
before it, as the windows of what is measured do (`infini_cli.evaluation.windows`). Facts are never
divided.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from infini_cli.evaluation.haystack import Haystack
from infini_cli.tokens.sentence_ends import SentenceEnds

BREAK_SHARE = 0.3
"""Of the facts: stand after a sentence that breaks off. Where what stands before them is always the
end of a sentence, it is taken for a part of what tells."""
MAX_BROKEN = 16
"""The most tokens that are left out before a fact: beyond what a key is made of."""


@dataclass(frozen=True, slots=True)
class SegmentLayout:
    """Lays texts and facts to segments of one length.

    Attributes:
        length: of the segments, in tokens.
        ends: where sentences end.
        num_repeated: tokens of the segment before that each begins with, where it has so many.
    """

    length: int
    ends: SentenceEnds
    num_repeated: int = 0

    def __call__(
        self,
        facts: Sequence[Sequence[int]],
        depths: Sequence[float],
        haystack: Haystack,
        num_tokens: int,
        draw: random.Random,
        before: int = 0,
    ) -> list[int]:
        """Lay facts between the pieces of a haystack, as `haystack.hide` does.

        Args:
            facts: ids of each; those at one place keep their order.
            depths: where each stands, 0 at the start to 1 at the end.
            haystack: what to hide them in.
            num_tokens: of the haystack, facts not counted.
            draw: the random numbers.
            before: tokens that stand in front of it all.
        """
        found: list[int] = []
        waiting = sorted((depth * num_tokens, index) for index, depth in enumerate(depths))
        laid = 0  # tokens of the facts that stand already
        loose = 0  # where what may be broken off begins
        # More than is needed: what the cuts leave out is less than half.
        for unit in haystack.units(2 * (num_tokens + sum(map(len, facts)) + self.length), draw):
            while waiting and waiting[0][0] < len(found) - laid + len(unit) / 2:
                fact = facts[waiting.pop(0)[1]]
                room = self._room(before + len(found))
                if room < len(fact) and len(found) + room <= num_tokens + laid:
                    found += (list(unit) * (room // len(unit) + 1))[:room]
                elif draw.random() < BREAK_SHARE:
                    self._break_off(found, before, loose, draw)
                self._begin(found, before, num_tokens + laid)
                found += fact
                laid += len(fact)
                loose = len(found)
            self._lay(unit, found, before, num_tokens + laid)
            if len(found) == num_tokens + laid and not waiting:
                break
        return found

    def _room(self, place: int) -> int:
        return self.length - place % self.length

    def _break_off(self, found: list[int], before: int, loose: int, draw: random.Random) -> None:
        """Leave out some of the last tokens, none of a fact or of another segment."""
        in_segment = (before + len(found)) % self.length - self.num_repeated
        most = min(MAX_BROKEN, len(found) - loose, in_segment)
        if most > 0:
            del found[-draw.randint(1, most) :]

    def _begin(self, found: list[int], before: int, most: int) -> None:
        """Repeat the last tokens, up to a length, where a segment begins."""
        num_repeated = min(self.num_repeated, len(found), most - len(found))
        if num_repeated > 0 and (before + len(found)) % self.length == 0:
            found += found[-num_repeated:]

    def _lay(self, unit: Sequence[int], found: list[int], before: int, most: int) -> None:
        """Add a piece, up to a length; at each cut it goes on with its next sentence."""
        place = 0
        while place < len(unit) and len(found) < most:
            self._begin(found, before, most)
            room = self._room(before + len(found))
            taken = unit[place : place + min(room, most - len(found))]
            found += taken
            place += len(taken)
            if len(taken) == room:
                place = self.ends.next_sentence(unit, place)
