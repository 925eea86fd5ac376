"""Remembered reads: exactly what reading gives, and not read twice."""

from __future__ import annotations

import torch
from infini_models.adapter import grow_branches
from infini_models.attention import NUM_SINKS
from infini_models.config import BranchConfig
from infini_models.memory import Memory

from infini_cli.evaluation.reads import Reads
from infini_cli.evaluation.windows import Window
from infini_cli.tasks.model import Model
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import remembering as remembering

FILLER = [Window(tuple(range(start, start + 20)), start // 20) for start in (5, 40)]


def stream(model: Model, windows: list[Window]) -> Memory:
    memory = model.decoder.empty_memory()
    with torch.inference_mode():
        for window in windows:
            ids_BS, num_prefix = torch.tensor([window.ids]), window.num_repeated
            read = model.decoder.read_segment(ids_BS, memory, num_prefix=num_prefix).memory
            assert read is not None
            memory = read
    return memory


def equal(one: Memory, other: Memory) -> bool:
    return all(
        torch.equal(a.memory_BNKV, b.memory_BNKV)
        and torch.equal(a.normalizer_BNK, b.normalizer_BNK)
        for a, b in zip(one, other, strict=True)
    )


def test_the_memory_is_that_of_reading(remembering: Model) -> None:
    # A memory that every segment changes: only the same beginning is known again.
    reads = Reads(remembering)
    windows = FILLER * 5
    for end, computed in ((10, 10), (10, 10), (7, 10)):
        memory = reads.empty
        for window in windows[:end]:
            memory = reads.read(window, memory)
        assert equal(memory, stream(remembering, windows[:end]))
        assert reads.num_computed == computed


def test_filler_that_is_not_written_is_read_once(remembering: Model) -> None:
    grow_branches(remembering.decoder, BranchConfig((0, 1), 4))
    layers = [layer.self_attn.memory_branch for layer in remembering.decoder.layers[:2]]

    def read(windows: list[Window], bias: float, memory: Memory) -> Memory:
        for branch in layers:
            branch.rate.bias.detach().fill_(bias)
        for window in windows:
            memory = reads.read(window, memory)
        return memory

    reads = Reads(remembering)
    # Longer than what a window leaves unwritten where it begins.
    fact = read([Window(tuple(range(7, 7 + 2 * NUM_SINKS)))], 3.0, reads.empty)
    assert not equal(fact, reads.empty)
    assert read(FILLER * 100, -9.0, fact) is fact
    assert reads.num_computed == 3
    # Another memory is another matter.
    assert read(FILLER, -9.0, reads.empty) is reads.empty
    assert reads.num_computed == 5


def test_few_reads_are_kept(remembering: Model) -> None:
    reads = Reads(remembering, capacity=3)
    for number in range(10):
        reads.read(Window((number,)), reads.empty)
    reads.read(Window((9,)), reads.empty)
    reads.read(Window((8,)), reads.empty)
    reads.read(Window((7,)), reads.empty)
    assert reads.num_computed == 10
    reads.read(Window((6,)), reads.empty)
    assert reads.num_computed == 11


def test_what_is_repeated_is_another_read(remembering: Model) -> None:
    reads = Reads(remembering)
    ids = tuple(range(5, 25))
    memories = [reads.read(Window(ids, repeated), reads.empty) for repeated in (0, 4)]
    assert reads.num_computed == 2
    assert not equal(*memories)
