"""Intervals: around the mean, the same for the same seed, narrower with more items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.evaluation.bootstrap import geometric_mean_figure, mean_figure

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=30)


@settings(max_examples=25, deadline=None)
@given(values=SHARES, seed=st.integers(0, 2**32))
def test_an_interval_lies_within_the_values(values: list[float], seed: int) -> None:
    found = mean_figure(values, seed=seed)
    assert found.low is not None
    assert found.high is not None
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found == mean_figure(values, seed=seed)


def test_one_item_has_no_interval() -> None:
    found = mean_figure([0.25], seed=0)
    assert (found.mean, found.low, found.high, found.num_items) == (0.25, None, None, 1)


def test_the_interval_is_that_of_the_mean() -> None:
    """Of normal values it is 1.96 standard errors to either side."""
    values = np.random.default_rng(1).normal(size=400)
    found = mean_figure(list(values), seed=2)
    assert found.low is not None
    assert found.high is not None
    error = float(values.std() / 20)
    assert found.high - found.mean == pytest.approx(1.96 * error, rel=0.15)
    assert found.mean - found.low == pytest.approx(1.96 * error, rel=0.15)
    assert mean_figure(list(values), seed=3) != found


def test_a_geometric_mean_is_that_of_the_means() -> None:
    """Not the mean of the items' geometric means, which one 0 would pull down."""
    columns = [[0.5, 0.3], [0.0, 0.2], [0.4, 0.4]]
    found = geometric_mean_figure(columns, seed=0)
    assert found.mean == pytest.approx((0.4 * 0.1 * 0.4) ** (1 / 3))
    assert (found.low, found.num_items) == (0.0, 2)
    assert found.high == pytest.approx((0.3 * 0.2 * 0.4) ** (1 / 3))
    # Items are drawn whole: equal columns are one column.
    same = geometric_mean_figure([columns[0]] * 3, seed=0)
    alone = mean_figure(columns[0], seed=0)
    assert (same.mean, same.low, same.high) == pytest.approx((alone.mean, alone.low, alone.high))
    assert geometric_mean_figure([[0.2], [0.0]], seed=0).low is None
