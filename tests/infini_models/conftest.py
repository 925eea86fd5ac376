"""Every kind of memory branch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from infini_models.config import BranchConfig

from tests.infini_models.branched import CONFIG


@pytest.fixture(
    params=[
        {},
        {"num_taps": 4},
        {"num_rate_taps": 3},
        {"sharpness": 1.5},
        {"address_layer": 0},
        {"address_layer": 0, "num_taps": 3},
        {"read_within": True},
        {"read_within": True, "address_layer": 0, "num_taps": 3},
    ],
    ids=[
        "one-tap",
        "four-taps",
        "rate-taps",
        "sharp",
        "addressed",
        "addressed-taps",
        "within",
        "within-addressed-taps",
    ],
)
def config(request: pytest.FixtureRequest) -> BranchConfig:
    return replace(CONFIG, **request.param)
