"""What looks like a fact and is none that is asked for, strewn over plain text.

A memory that has not seen it takes it for what it knows: a date for a pass key, where some
stranger went for where somebody is. Books have little of either, so they get more.

Shape suffixes: S tokens.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from infini_cli.evaluation.babilong import WORD
from infini_cli.evaluation.haystack import Mark, encode_question, mark_parts, places_of
from infini_cli.evaluation.passkey import KeySplit, draw_keys
from infini_cli.training.prompts import Sources

if TYPE_CHECKING:
    from torch import Tensor

TOKENS_PER_DECOY = 50
STRANGERS = (
    *("He", "She", "I", "They", "We", "You", "It", "Somebody", "Nobody", "Each of them"),
    *("The old man", "The girl", "Her brother", "His mother", "My uncle", "The captain"),
    *("The others", "A servant", "The doctor", "The boys", "The dog", "Mr. Wilson", "Mrs. Dean"),
    *("Lady Anne", "Miss Grey", "Uncle Ned", "Thomas", "Catherine", "Arthur", "Edward", "Emma"),
    *("George", "Helen", "Henry", "James", "Jane", "Kate", "Lucy", "Margaret", "Martha", "Oliver"),
    *("Peter", "Philip", "Rachel", "Robert", "Ruth", "Sarah", "Sophia", "William", "Hugh", "Alice"),
)
MOVES = (
    *("went to", "came to", "ran to", "walked to", "moved to", "returned to", "hurried to"),
    *("went into", "came into", "ran into", "walked into", "went back to", "had gone to"),
    *("travelled to", "journeyed to", "was at", "strode to", "crossed to", "sent word to"),
)
PLACES = (
    *("garden", "library", "parlour", "door", "window", "street", "church", "stable", "table"),
    *("village", "harbour", "yard", "road", "cabin", "house", "school", "forest", "bank", "park"),
)

_Made = tuple[list[int], tuple[int, ...], str]
"""Ids, those at their end or before its full stop that seem to tell, and what kind it is."""


class Decoys:
    """Makes them of the tasks that are learnt.

    Args:
        tasks: fields of `TasksRecipe`.
        sources: what samples are made of.
    """

    def __init__(self, tasks: Collection[str], sources: Sources) -> None:
        self._tokenizer = sources.tokenizer
        self._makers: list[Callable[[random.Random], _Made]] = []
        if "passkey" in tasks:
            self._makers.append(self._number)
        stories = [story for story in sources.stories if story.subject_of and story.facts]
        known = {story.subject_of(story.facts[0]) for story in stories if story.subject_of}
        self._strangers = [name for name in STRANGERS if name not in known]
        told = (words[-1] for story in stories if (words := WORD.findall(story.facts[0])))
        self._places = [*PLACES, *sorted(set(told))]
        if "babilong" in tasks and stories:
            self._makers.append(self._errand)

    def strew(self, row_S: Tensor, draw: random.Random) -> tuple[Mark, ...]:
        """Put them in the place of words, in place.

        Args:
            row_S: ids of plain text.
            draw: the random numbers.

        Returns:
            Their tokens that seem to tell, the kind as the subject.
        """
        import torch

        marks: list[Mark] = []
        if not self._makers:
            return ()
        for start in range(0, len(row_S) - TOKENS_PER_DECOY + 1, TOKENS_PER_DECOY):
            ids, telling, kind = draw.choice(self._makers)(draw)
            room = TOKENS_PER_DECOY - len(ids)
            if room < 0:  # words of a poor vocabulary
                continue
            place = start + draw.randint(0, room)
            row_S[place : place + len(ids)] = torch.tensor(ids)
            for at in places_of(telling, ids)[-1:]:
                marks += mark_parts(telling, place + at, kind)
        return tuple(marks)

    def _number(self, draw: random.Random) -> _Made:
        (key,) = draw_keys(KeySplit.TRAINING, 1, draw)
        _, telling = encode_question(self._tokenizer, "", key)
        return self._tokenizer.encode(f" {key}"), telling, "a number"

    def _errand(self, draw: random.Random) -> _Made:
        who, goes, place = map(draw.choice, (self._strangers, MOVES, self._places))
        before = draw.choice((" ", "\n\n"))
        _, telling = encode_question(self._tokenizer, "", place)
        text = f"{before}{who} {goes} the {place}."
        return self._tokenizer.encode(text), telling, "an errand"
