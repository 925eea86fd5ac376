from __future__ import annotations

import math

import pytest

from infini_cli.ui import phrases


@pytest.mark.parametrize(
    ("num_bytes", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (98_362_432, "98.4 MB"),
        (1_117_320_768, "1.12 GB"),
    ],
)
def test_size(num_bytes: int, expected: str) -> None:
    assert phrases.size(num_bytes) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0:00"),
        (7.4, "0:07"),
        (59.6, "1:00"),
        (760, "12:40"),
        (3729, "1:02:09"),
        (math.inf, "?"),
        (-1, "?"),
        (math.nan, "?"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert phrases.duration(seconds) == expected


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(1830.4, "1,830 tokens/s"), (4.61, "4.6 tokens/s"), (0, ""), (math.nan, "")],
)
def test_rate(rate: float, expected: str) -> None:
    assert phrases.rate(rate) == expected


def test_percent_is_100_only_at_the_end() -> None:
    assert phrases.percent(9_999, 10_000) == 99
    assert phrases.percent(10_000, 10_000) == 100
    assert phrases.percent(3, 0) == 0


def test_count() -> None:
    assert phrases.count(1, "book") == "1 book"
    assert phrases.count(2_000, "memory", "memories") == "2,000 memories"
