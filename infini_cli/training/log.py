"""The log of a run: a line of JSON a step."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infini_cli.atomic import write_atomically
from infini_cli.errors import DamagedInput

LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class Step:
    """What one step gave.

    Attributes:
        step: its number, from 1.
        task: what was learnt.
        loss: nats a token that was learnt; of distillation the divergence from the teacher.
        token_accuracy: share of those tokens whose likeliest token was right, 0 to 1.
        gradient_norm: before clipping.
        learning_rate: of the projections.
        num_tokens: read in this step.
        num_segments: of each row.
        mean_rate: rate at which the text was written, mean over layers, heads and tokens, 0 to 1.
        max_rate: that of the head that wrote most.
        mean_open: how far the read gates were open, mean over layers, heads and tokens, 0 to 1.
        max_open: that of the head that was furthest open.
        max_gain: largest factor of what a head reads.
        memory_norm: largest Frobenius norm of a layer's memory after the step.
        seconds: wall time.
    """

    step: int
    task: str
    loss: float
    token_accuracy: float
    gradient_norm: float
    learning_rate: float
    num_tokens: int
    num_segments: int
    mean_rate: float
    max_rate: float
    mean_open: float
    max_open: float
    max_gain: float
    memory_norm: float
    seconds: float


@dataclass(frozen=True, slots=True)
class WriterStep:
    """What one step of teaching a writer gave.

    Attributes:
        step: its number, from 1.
        loss: nats a token of the notes.
        token_accuracy: share of those tokens whose likeliest token was right, 0 to 1.
        held_out_loss: the same of notes that are not learnt from, where it was measured.
        gradient_norm: before clipping.
        learning_rate: of all.
        num_tokens: of the notes.
        seconds: wall time.
    """

    step: int
    loss: float
    token_accuracy: float
    held_out_loss: float | None
    gradient_norm: float
    learning_rate: float
    num_tokens: int
    seconds: float

    @property
    def task(self) -> str:
        """What was learnt."""
        return "notes"


@dataclass(frozen=True, slots=True)
class SalienceStep:
    """What one text gave to a readout.

    Attributes:
        step: its number, from 1.
        num_tokens: read.
        num_sentences: learnt from.
        correlation: of what the texts before foretold of its sentences with what they are worth;
            None for the first.
        seconds: wall time.
    """

    step: int
    num_tokens: int
    num_sentences: int
    correlation: float | None
    seconds: float


def write_step(folder: Path, step: Step | WriterStep | SalienceStep) -> None:
    """Add a step to a run's log."""
    with (folder / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(asdict(step)) + "\n")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Read the lines of a run's log, first step first.

    Raises:
        DamagedInput: it cannot be read.
    """
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise DamagedInput(f"`{folder / LOG}` cannot be read: {error}") from error


def cut_log(folder: Path, num_steps: int) -> None:
    """Take out the steps after the last save: they will be taken again."""
    path = folder / LOG
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[:num_steps]
        write_atomically(path, "".join(lines).encode())
