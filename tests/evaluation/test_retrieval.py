"""Measuring: what is read, what is answered, and controls that differ only in the memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infini_cli.commands.eval_options import parse_depths, parse_lengths
from infini_cli.errors import UsageError
from infini_cli.evaluation import retrieval
from infini_cli.evaluation.groups import Group, passkey_groups
from infini_cli.evaluation.haystack import Prompt, RepeatedHaystack
from infini_cli.evaluation.ledger import Ledger
from infini_cli.evaluation.retrieval import CONDITIONS, Cell, evaluate_retrieval
from infini_cli.evaluation.windows import Window
from infini_cli.progress import silent
from infini_cli.tasks.model import Model
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import remembering as remembering


def cells(model: Model, **options: Any) -> list[retrieval.Cell]:
    given: dict[str, Any] = {
        "lengths": [700],
        "depths": [0.0, 1.0],
        "num_samples": 2,
        "num_facts": 1,
        "seed": 0,
        "controls": True,
    } | options
    how = {"controls": given.pop("controls"), "ledger": given.pop("ledger", None)}
    groups = passkey_groups(model.tokenizer, RepeatedHaystack(model.tokenizer), **given)
    return list(evaluate_retrieval(model, groups, silent, **how))


def test_every_cell_has_its_conditions(remembering: Model) -> None:
    found = cells(remembering)
    assert [(cell.condition, cell.depth) for cell in found] == [
        (condition, depth) for depth in (0.0, 1.0) for condition in CONDITIONS
    ]
    for cell in found:
        assert (cell.length, cell.num_samples) == (700, 2)
        assert 0 <= cell.exact <= cell.token_accuracy <= 1
    assert len(cells(remembering, controls=False)) == 2


def test_right_answers_count(remembering: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Window, object]] = []

    def answer(model: Model, tail: Window, prompt: object, memory: object) -> list[bool]:
        asked.append((tail, memory))
        return [True] * 5 if len(asked) % 2 else [True, False, True, True, False]

    monkeypatch.setattr(retrieval, "_answer", answer)
    found = cells(remembering, depths=[0.5])
    assert [(cell.token_accuracy, cell.exact) for cell in found] == [(0.8, 0.5)] * 3
    own, off, other = ([memory for _, memory in asked[i : i + 2]] for i in (0, 2, 4))
    assert off == [None, None]
    assert other == own[::-1]
    assert own[0] is not own[1]


def test_an_answer_is_what_is_likeliest_after_the_window(remembering: Model) -> None:
    """The tail and the question as one segment, and all that is written after them."""
    import torch

    tail, question = tuple(remembering.tokenizer.encode("The key is 7. " * 9)), (40, 41, 42)
    decoder = remembering.decoder
    with torch.inference_mode():
        filled = decoder.read_segment(torch.tensor([tail[::-1]]), decoder.empty_memory()).memory
        for memory in (filled, None):
            ids = [*tail, *question]
            for _ in range(4):
                read = decoder.read_segment(torch.tensor([ids]), memory, write=False)
                ids.append(int(decoder.logits(read.hidden_BSD[0, -1]).argmax()))
            likeliest = ids[-4:]
            wanted = (*likeliest[:2], likeliest[2] + 1, likeliest[3])
            prompt = Prompt((1, *tail), question, wanted)
            found = retrieval._answer(remembering, Window(tail), prompt, memory)
            assert found == [True, True, False, True]


def test_the_command(infini: Infini, open_folder: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("\n\n".join(f"The boat {n} sailed over the sea." for n in range(50)))
    options = ("--lengths", "1K", "--depths", "start,0.5", "--samples", 1, "--facts", 2)
    command = ("eval", "passkey", "-m", open_folder, *options, "--haystack", book)
    document = json.loads(infini(*command, "--json").out)
    assert document["schema"] == "infini/2"
    assert {cell["condition"] for cell in document["cells"]} == {"memory", "memory off"}
    assert [cell["length"] for cell in document["cells"]] == [1024] * 4
    ledger = tmp_path / "ledger.jsonl"
    table = infini(*command, "--no-controls", "--ledger", ledger).out.splitlines()
    assert infini(*command, "--no-controls", "--ledger", ledger).out.splitlines() == table
    assert len(ledger.read_text().splitlines()) == 2
    assert infini(*command, "--ledger", book).code == 2
    assert [line.split()[0] for line in table] == ["condition", "memory", "memory"]


def test_what_a_ledger_holds_is_not_read_again(
    remembering: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    before = cells(remembering, depths=[0.0], ledger=Ledger(path, Cell))
    read: list[float | None] = []

    def measure(model: Model, group: Group, *rest: Any) -> list[Cell]:
        read.append(group.depth)
        return [replace(cell, depth=group.depth) for cell in before[: len(rest[-1])]]

    monkeypatch.setattr(retrieval, "_measure", measure)
    found = cells(remembering, depths=[0.0, 1.0], ledger=Ledger(path, Cell))
    assert found[:3] == before
    assert read == [1.0]
    assert cells(remembering, depths=[1.0, 0.0], controls=False, ledger=Ledger(path, Cell)) == [
        found[3],
        found[0],
    ]
    assert read == [1.0]
    # Other prompts, other segments and a line that was cut off say nothing.
    cells(remembering, depths=[0.0], seed=1, ledger=Ledger(path, Cell))
    cells(replace(remembering, segment_length=77), depths=[0.0], ledger=Ledger(path, Cell))
    assert read == [1.0, 0.0, 0.0]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0].replace('"exact"', '"exactly"'), *lines[1:]]))
    cells(remembering, depths=[0.0], ledger=Ledger(path, Cell))
    assert read == [1.0, 0.0, 0.0, 0.0]


def test_lengths_and_depths() -> None:
    assert parse_lengths("500, 4K,1m") == [500, 4096, 1 << 20]
    assert parse_depths("start,middle, end,0.3") == [0.0, 0.5, 1.0, 0.3]
    for text in ("", "0", "4G", "-1", "4K,", "999999K"):
        with pytest.raises(UsageError):
            parse_lengths(text)
    for text in ("", "top", "1.5", "nan", "-0.1"):
        with pytest.raises(UsageError):
            parse_depths(text)
