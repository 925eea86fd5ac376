"""Training on two processes is training on one, with half the rows and half the tensors each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from infini_cli.errors import UsageError
from infini_cli.training.log import LOG
from infini_cli.training.samples import Batch
from infini_cli.training.state import STATE
from infini_cli.training.team import Team
from infini_cli.training.trainer import ADAPTER
from tests.tasks.conftest import tiny_folder as tiny_folder
from tests.training.train_tiny import TEXT

Start = Callable[..., None]
RECIPE = """
base = "{base}"
num_steps = 6

[memory]
layers = [0, 1]
num_features = 4
rate_init = -1.8

[tasks]
passkey = 1
next_token = 1
distillation = 1

[samples]
num_segments = [5, 7]
segment_length = 160
text_share = 0.5
texts = "texts"
carry_share = 0.5

[optimizer]
batch_size = 2
num_warmup_steps = 1
write_penalty = 0.1
recompute = {recompute}
"""


@pytest.fixture
def start(tiny_folder: Path, tmp_path: Path) -> Start:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text(TEXT)

    def start(num_processes: int, *arguments: str | Path) -> None:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
        launch = [*launcher, str(num_processes)] if num_processes > 1 else []
        done = subprocess.run(
            [sys.executable, *launch, "-m", *map(str, arguments)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return start


def log(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / LOG).read_text().splitlines()]


def alike(step: dict[str, Any], other: dict[str, Any]) -> bool:
    words = ("task", "seconds")
    numbers = {key: value for key, value in step.items() if key not in words}
    expected = {key: other[key] for key in numbers}
    same: bool = numbers == pytest.approx(expected, rel=1e-3, abs=1e-5)
    return same and step["task"] == other["task"]


@pytest.mark.parametrize("recompute", ["true", "false"])
def test_two_processes_learn_what_one_does(
    recompute: str, start: Start, tiny_folder: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(base=tiny_folder, recompute=recompute))
    one, two, again = tmp_path / "one", tmp_path / "two", tmp_path / "again"
    train = ("tests.training.train_tiny", tiny_folder, recipe)
    start(1, *train, one)
    # And stopped on the way: the state of two is the state of one.
    start(2, *train, two, "3")
    shutil.copytree(two, again)
    start(2, *train, two)
    start(1, *train, again)
    assert {step["task"] for step in log(one)} == {"passkey", "next_token", "distillation"}
    assert len(log(one)) == 6
    for other in (two, again):
        for step, found in zip(log(one), log(other), strict=True):
            assert alike(step, found), (step, found)
        for name in (STATE, ADAPTER):
            expected, tensors = load_file(one / name), load_file(other / name)
            assert expected.keys() == tensors.keys()
            for key, tensor in expected.items():
                torch.testing.assert_close(tensors[key], tensor, atol=1e-3, rtol=0.02)


def test_the_command_trains_on_two_processes(
    start: Start, tiny_folder: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(base=tiny_folder, recompute="false"))
    start(2, "infini_cli", "train", recipe, "-o", tmp_path / "run", "--until", "2")
    assert [step["step"] for step in log(tmp_path / "run")] == [1, 2]


def test_rows_that_cannot_be_shared_out_are_refused() -> None:
    batch = Batch("passkey", torch.zeros(3, 9), torch.ones(3, 9), (8,), carries=False)
    with pytest.raises(UsageError, match="3 rows cannot be shared by 2"):
        Team(1, 2).rows(batch)
    rows = Team(2, 3).rows(batch)
    assert rows.ids_BS.shape == (1, 9)
