"""What depends on the machine: compiled kernels do not pile up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from infini_models.machine import best_form

READ = """
import torch
from infini_models.machine import keep_few_kernels
from tests.infini_models.build import random_ids, tiny_decoder

def held():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

keep_few_kernels()
torch.set_num_threads(1)
decoder = tiny_decoder(form="bfloat16")
with torch.inference_mode():
    for length in range(100, 260):
        decoder.read_segment(random_ids(1, length), decoder.empty_memory())
        if length == 120:
            before = held()
print(held() - before)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or best_form() != "bfloat16", reason="oneDNN compiles no kernels here"
)
def test_segments_of_many_lengths_do_not_fill_the_memory() -> None:
    grown = {}
    for limit in ({}, {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1024", "LRU_CACHE_CAPACITY": "1024"}):
        done = subprocess.run(
            [sys.executable, "-c", READ],
            env={**os.environ, **limit},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        grown[len(limit)] = int(done.stdout)
    # What the user has set is left as it is.
    assert grown[2] > 40_000
    assert grown[0] < grown[2] / 2
