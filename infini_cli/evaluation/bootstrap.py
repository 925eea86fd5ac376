"""Means with confidence intervals, by the percentile bootstrap (Efron 1979).

Shapes: N items, K columns of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUM_RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over items.

    Attributes:
        mean: of the items; of several means, their geometric mean.
        low, high: bounds of the mean at 95 % confidence; None for a single item, which says
            nothing of others.
        num_items: items it is over.
    """

    mean: float
    low: float | None
    high: float | None
    num_items: int

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def mean_figure(values: Sequence[float], *, seed: int) -> Figure:
    """Give the mean of items and the interval that resampling them gives.

    Items count as independent, which questions on one text are not quite.

    Args:
        values: of the items, at least one.
        seed: of the resampling.
    """
    return geometric_mean_figure([values], seed=seed)


def geometric_mean_figure(columns: Sequence[Sequence[float]], *, seed: int) -> Figure:
    """Give the geometric mean of several means over the same items, as SCROLLS does for ROUGE.

    Args:
        columns: values of the items, none below 0 where there are several columns.
        seed: of the resampling.
    """
    items_NK = np.asarray(columns, dtype=np.float64).T
    num_items = len(items_NK)
    mean = _combined(items_NK.mean(axis=0))
    if num_items == 1:
        return Figure(mean, None, None, 1)
    draw = np.random.default_rng(seed)
    means = [
        _combined(items_NK[draw.integers(num_items, size=num_items)].mean(axis=0))
        for _ in range(NUM_RESAMPLES)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(bound) for bound in np.quantile(means, (tail, 1 - tail)))
    return Figure(mean, low, high, num_items)


def _combined(means_K: NDArray[np.float64]) -> float:
    return float(means_K[0] if len(means_K) == 1 else means_K.prod() ** (1 / len(means_K)))
