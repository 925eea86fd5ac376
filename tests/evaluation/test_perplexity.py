"""Perplexity: every token counted once, equal to one pass where one segment holds all."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from infini_cli.evaluation.perplexity import Prediction, evaluate_perplexity, sum_up
from infini_cli.evaluation.readers import NUM_SINKS
from infini_cli.progress import silent
from infini_cli.tasks.model import Model
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import remembering as remembering

IDS = [int(id) for id in torch.randint(0, 400, (301,), generator=torch.Generator().manual_seed(3))]


def test_one_segment_is_one_pass(remembering: Model) -> None:
    (found, off) = evaluate_perplexity(
        remembering, [("t", IDS)], silent, segment_lengths=[400], num_parts=3
    )
    with torch.inference_mode():
        result = remembering.decoder.read_segment(torch.tensor([IDS[:-1]]), None)
        logits = remembering.decoder.logits(result.hidden_BSD[0])
    expected = functional.cross_entropy(logits, torch.tensor(IDS[1:]))
    assert math.log(found.perplexity) == pytest.approx(float(expected), rel=1e-5)
    # An empty memory changes nothing.
    assert off.perplexity == found.perplexity
    assert found.num_tokens == 300
    mean = sum(map(math.log, found.by_position)) / 3
    assert mean == pytest.approx(math.log(found.perplexity), rel=1e-6)


def test_the_memory_is_carried_on_and_off_is_off(remembering: Model) -> None:
    found = list(
        evaluate_perplexity(
            remembering, [("t", IDS)], silent, segment_lengths=[50, 100], num_parts=2
        )
    )
    assert [(item.condition, item.segment_length) for item in found] == [
        ("memory", 50),
        ("memory off", 50),
        ("memory", 100),
        ("memory off", 100),
    ]
    assert all(item.num_tokens == 300 for item in found)
    assert found[0].perplexity != found[1].perplexity
    with torch.inference_mode():
        losses = []
        for start in range(0, 300, 50):
            ids = torch.tensor([IDS[start : start + 50]])
            logits = remembering.decoder.logits(
                remembering.decoder.read_segment(ids, None).hidden_BSD[0]
            )
            targets = torch.tensor(IDS[start + 1 : start + 51])
            losses.append(float(functional.cross_entropy(logits, targets)))
    assert math.log(found[1].perplexity) == pytest.approx(sum(losses) / 6, rel=1e-5)


def test_texts_count_the_same_however_long() -> None:
    def prediction(condition: str, text: str, num_tokens: int, perplexity: float) -> Prediction:
        return Prediction(condition, text, 50, num_tokens, perplexity, 0, (), 0.0)

    found = sum_up(
        [
            prediction("memory", "a", 10, 8.0),
            prediction("memory off", "a", 10, 16.0),
            prediction("memory", "b", 1000, 2.0),
            prediction("memory off", "b", 1000, 4.0),
        ]
    )
    assert [item.num_texts for item in found] == [2, 2]
    assert [item.perplexity for item in found] == pytest.approx([4.0, 8.0])
    assert [item.against_off for item in found] == pytest.approx([0.5, 1.0])
    (alone,) = sum_up([prediction("memory", "a", 10, 8.0)])
    assert alone.against_off is None


def test_the_command(infini: Infini, open_folder: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("\n\n".join(f"The boat {n} sailed over the sea." for n in range(99)))
    command = ("eval", "perplexity", book, "-m", open_folder, "--length", 500, "--parts", 2)
    document = json.loads(infini(*command, "--json").out)
    assert [item["condition"] for item in document["texts"]] == ["memory", "memory off"]
    assert document["texts"][0]["num_tokens"] == 499
    assert len(document["texts"][0]["by_position"]) == 2
    table = infini(*command, "--segment-lengths", "100", "--no-controls").out.splitlines()
    assert table[1].split()[:4] == ["book.txt", "memory", "100", "499"]
    assert table[2].split()[:5] == ["mean", "of", "1", "memory", "100"]
    other = json.loads(infini(*command, "--baselines", "--segment-lengths", 100, "--json").out)
    names = [item["condition"] for item in other["texts"]]
    assert names == ["memory", "memory off", "cached window", "neighbours"]
    floats = {item["condition"]: item["memory_floats"] for item in other["texts"]}
    # Two for each of 500 tokens (neighbours) or of 104 in each layer (cached window).
    assert floats["neighbours"] % (2 * 500) == 0
    assert floats["cached window"] % (2 * (100 + NUM_SINKS)) == 0
    assert floats["memory"] > floats["memory off"] == 0
    values = [item["perplexity"] for item in other["texts"]]
    assert len(set(values)) == 4
    assert [item["against_off"] for item in other["overall"]] == pytest.approx(
        [value / values[1] for value in values]
    )
    ledger = tmp_path / "ledger.jsonl"
    command = (*command, "--baselines", "--segment-lengths", 100, "--json", "--ledger", ledger)
    first = json.loads(infini(*command).out)["texts"]
    assert [item["perplexity"] for item in first] == values
    # Measured once; another share is another measurement of neighbours alone.
    assert json.loads(infini(*command).out)["texts"] == first
    shared = json.loads(infini(*command, "--neighbours-share", 0.5).out)["texts"]
    assert [new == old for new, old in zip(shared, first, strict=True)] == [True] * 3 + [False]
    assert len(ledger.read_text().splitlines()) == 5
    unmixed = json.loads(infini(*command, "--neighbours-share", 0).out)["texts"]
    assert unmixed[3]["perplexity"] == pytest.approx(unmixed[1]["perplexity"], rel=1e-4)
    refused = infini(*command, "--neighbours-layer", 99)
    assert (refused.code, refused.out) == (2, "")
