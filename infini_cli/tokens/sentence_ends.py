"""Where sentences end in token ids, for texts that are there as ids alone.

Books are cut by their text (`infini_cli.tokens.cuts`). Prompts that measure and train a memory are
made of ids; they are cut by the same rule, so that a window begins as it does in a book: with a
sentence. What the first tokens of one that begins in the middle mean, no model can know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from infini_cli.tokens.tokenizer import Tokenizer

REACH = 4
"""A cut at a sentence's end is taken within the last part's length over this."""
_END = re.compile(r"[.!?…。！？][\"'’”)\]」』]*\s*$|\n\s*$")


class SentenceEnds:
    """Which tokens end a sentence, and which may begin the next.

    Args:
        tokenizer: whose vocabulary is looked through.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        texts = [tokenizer.decode([id]) for id in range(tokenizer.num_tokens)]
        self._ends = frozenset(id for id, text in enumerate(texts) if _END.search(text))
        self._begins = frozenset(id for id, text in enumerate(texts) if text[:1].isspace())

    def is_end(self, ids: Sequence[int], place: int) -> bool:
        """Tell whether a sentence ends before a place, 1 to the number of ids."""
        if ids[place - 1] not in self._ends:
            return False
        return place == len(ids) or ids[place] in self._begins

    def cut(self, ids: Sequence[int], max_tokens: int) -> list[int]:
        """Cut ids into parts of at most so many, at sentences' ends where there are any near.

        Returns:
            Where the parts begin, the first one (0) left out.
        """
        cuts: list[int] = []
        start = 0
        while len(ids) - start > max_tokens:
            most = start + max_tokens
            least = most - max_tokens // REACH
            start = next((at for at in range(most, least, -1) if self.is_end(ids, at)), most)
            cuts.append(start)
        return cuts

    def next_sentence(self, ids: Sequence[int], start: int) -> int:
        """Give where the first sentence begins that begins at a place or after it."""
        places = range(max(1, start), len(ids) + 1)
        return next((at for at in places if self.is_end(ids, at)), len(ids)) if start else 0
