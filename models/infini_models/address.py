"""What a memory's queries and keys are made of, as addresses of the values that it holds.

In the paper both are the layer's own. Where values tell most is not where names are known best: a
layer near the output has made room for what comes next, one near the input still knows whose
sentence it is in. So queries and keys may be made of what another, lower layer sees (its
`address_layer`); values and what is read stay where they are.

Shape suffixes: B batch rows, S tokens, D model width, H query heads, N KV heads, K head width.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Address:
    """What a layer gives for the queries and keys of a memory, its own or that of one above it.

    Attributes:
        x_BSD: what its attention sees.
        query_BHSK: its own queries, without position.
        key_BNSK: its own keys, likewise.
    """

    x_BSD: Tensor
    query_BHSK: Tensor
    key_BNSK: Tensor

    def at(self, tokens: slice) -> Address:
        """Give that of some of the tokens."""
        return Address(
            self.x_BSD[:, tokens], self.query_BHSK[:, :, tokens], self.key_BNSK[:, :, tokens]
        )
