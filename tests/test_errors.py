"""Every kind of error says what to do about it."""

from __future__ import annotations

import pytest

from infini_cli import errors
from infini_cli.errors import BatchFailures, InfiniError, Interrupted

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, InfiniError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_has_a_hint_of_its_kind_unless_given_one(kind: type[InfiniError]) -> None:
    assert kind("it broke", hint="mend it").hint == "mend it"
    # The others are raised with a hint of their own, or say all there is.
    if kind not in (InfiniError, Interrupted, BatchFailures, errors.MemoryMismatch):
        assert kind("it broke").hint
