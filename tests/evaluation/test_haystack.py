"""Where ids stand among others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.evaluation.haystack import places_of

IDS = st.lists(st.integers(0, 3), max_size=30)


@given(IDS, IDS.filter(bool))
def test_places_are_all_there_are(whole: list[int], part: list[int]) -> None:
    size = len(part)
    expected = [n for n in range(len(whole)) if whole[n : n + size] == part]
    assert places_of(part, tuple(whole)) == expected


def test_nothing_stands_nowhere() -> None:
    with pytest.raises(ValueError, match="nothing"):
        places_of((), (1, 2))
