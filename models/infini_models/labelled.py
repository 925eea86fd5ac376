"""Tokens of which it is known what they tell, or ask for.

Shape suffixes: T tokens, D model width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NOTHING, DECOY = -1, -2
"""Numbers in the place of a subject's. From `DECOY` downwards: tells nothing either, but looks as
if it did; keys are to tell each kind of it from all subjects."""
HELD_OUT = 0.1
"""Of the labelled tokens: what is measured at the end."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Tokens as layers see them.

    Attributes:
        x_TD: what the attention of the layer with the memory sees; where a gate sees the mean of
            several tokens too, that beside it.
        address_TD: what that of the layer sees whose view queries and keys are made of; where they
            are made of several tokens, the mean of these.
        subject_T: the number of what each tells, or asks for, `NOTHING`, or that of a decoy.
    """

    x_TD: Tensor
    address_TD: Tensor
    subject_T: Tensor

    @property
    def num_tokens(self) -> int:
        """T."""
        return len(self.subject_T)

    def at(self, chosen: Tensor | slice) -> Labelled:
        """Give some of the tokens."""
        return Labelled(self.x_TD[chosen], self.address_TD[chosen], self.subject_T[chosen])

    def labelled(self) -> Labelled:
        """Leave out what has no subject."""
        return self.at(self.subject_T >= 0)

    def with_decoys(self, num_subjects: int) -> Labelled:
        """Leave out what tells nothing and looks it; decoys are numbered after the subjects."""
        kept = self.at(self.subject_T != NOTHING)
        after_T = num_subjects + DECOY - kept.subject_T
        subject_T = kept.subject_T.where(kept.subject_T >= 0, after_T)
        return Labelled(kept.x_TD, kept.address_TD, subject_T)

    def split(self) -> tuple[Labelled, Labelled]:
        """Give what is learnt from, and the last tokens, which are not."""
        kept = self.num_tokens - max(1, round(HELD_OUT * self.num_tokens))
        return self.at(slice(kept)), self.at(slice(kept, None))

    def draw(self, number: int, generator: torch.Generator) -> Labelled:
        """Give so many tokens drawn at random, some perhaps more than once."""
        return self.at(torch.randint(self.num_tokens, (number,), generator=generator))


def same(first_T: Tensor, second_T: Tensor) -> Tensor:
    """Tell of all pairs whether their numbers are the same."""
    return first_T[:, None] == second_T


def mean(values: Tensor) -> Tensor:
    """Give the mean; of nothing zero."""
    return values.sum() / max(1, values.numel())
