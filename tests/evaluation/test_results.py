"""Results that are kept: read again as they were, and summed up for each system."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infini_cli.errors import UsageError
from infini_cli.evaluation.ledger import Ledger, result_key
from infini_cli.evaluation.results import Result, gather
from infini_cli.tasks.model import Model
from tests.tasks.conftest import tiny as tiny
from tests.tasks.conftest import tiny_folder as tiny_folder

RESULT = Result("lead", "1", "A lamp\u2028is lit.", {"rouge1": 0.5}, 0.25, 1.5)


def test_what_is_kept_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.jsonl"
    ledger = Ledger(path, Result)
    assert ledger.find("a") is None
    declined = replace(RESULT, output=None, figures={})
    ledger.keep("a", RESULT)
    ledger.keep("b", declined)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"key": "c", "system": "lead"}\n[]\n{"key": "d", "syst')
    again = Ledger(path, Result)
    assert [again.find(key) for key in "abcd"] == [RESULT, declined, None, None]
    again.keep("d", RESULT)
    assert Ledger(path, Result).find("d") == RESULT
    assert json.loads(path.read_text().splitlines()[0])["schema"] == "infini/2"


def test_without_a_file_results_are_known_to_the_run_alone(tmp_path: Path) -> None:
    ledger = Ledger(None, Result)
    ledger.keep("a", RESULT)
    assert ledger.find("a") == RESULT
    assert Ledger(None, Result).find("a") is None
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Ledger(tmp_path, Result)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be read"):
        Ledger(tmp_path / "file" / "ledger.jsonl", Result)


def test_a_key_names_all_that_a_result_depends_on(tiny: Model) -> None:
    others = [replace(tiny, checkpoint="b"), replace(tiny, form="int8")]
    others.append(replace(tiny, segment_length=7))
    keys = {result_key(model, "lead", "1") for model in (None, tiny, *others)}
    keys |= {result_key(tiny, "lead", "2"), result_key(tiny, "lead", ("1",))}
    assert len(keys) == 7
    assert result_key(tiny, "lead", "1") == result_key(replace(tiny, name="b"), "lead", "1")


def test_systems_are_summed_up() -> None:
    results = [
        ("text 1", RESULT),
        ("text 1", replace(RESULT, id="2", figures={"rouge1": 0.0, "support": 1.0})),
        ("text 2", replace(RESULT, id="3", figures={"rouge1": 1.0}, reading_seconds=2.0)),
        ("text 1", replace(RESULT, system="memory")),
    ]
    lead, memory = gather(results, ["lead", "memory"], seed=0)
    assert (lead.system, lead.num_items, memory.num_items) == ("lead", 3, 1)
    assert lead.figures["rouge1"].mean == 0.5
    assert (lead.figures["support"].mean, lead.figures["support"].num_items) == (1.0, 1)
    # Reading the first text counts once.
    assert lead.seconds == 3 * 0.25 + 1.5 + 2.0 - 0.05
    combined = {"both": ("rouge1", "rouge1")}
    (again,) = gather(results[:3], ["lead"], seed=0, combined=combined)
    assert again.figures["both"].mean == pytest.approx(0.5)
    parts = [("text 1", replace(RESULT, share=share)) for share in (0.25, 1.0, 0.25)]
    quarter, whole = gather(parts, ["memory", "lead"], seed=0)
    assert [(part.share, part.num_items, part.label) for part in (quarter, whole)] == [
        (0.25, 2, "lead, 25 %"),
        (1.0, 1, "lead"),
    ]
    short, long = lead.to_dict(with_items=False), lead.to_dict(with_items=True)
    assert "items" not in short
    assert [item["id"] for item in long["items"]] == ["1", "2", "3"]
    assert json.loads(json.dumps(long)) == long
