"""Answers of several systems: each is what it says, and an evaluation that stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infini_cli.commands.eval_systems import TextOptions, write_systems
from infini_cli.evaluation import answers
from infini_cli.evaluation.answers import SYSTEMS, AnswerWriter, evaluate_answers
from infini_cli.evaluation.items import QuestionItem, Text, open_text
from infini_cli.evaluation.ledger import Ledger
from infini_cli.evaluation.readings import Readings
from infini_cli.evaluation.results import Result, gather
from infini_cli.progress import BatchStep, Event, silent
from infini_cli.tasks import answerer
from infini_cli.tasks import ask as asking
from infini_cli.tasks.ask import ask
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import AnswerRequest, SamplingRequest
from infini_cli.ui.terminal import Settings, Terminal
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import remembering as remembering
from tests.tasks.conftest import tiny as tiny
from tests.tasks.conftest import tiny_folder as tiny_folder

STORY = "\n\n".join(
    f"The keeper of island {n} wrote the name Orla{n} in the book. The ship came in at dawn."
    for n in range(12)
)
TEXT = Text(STORY, title="Islands")
ITEMS = tuple(
    QuestionItem(
        str(n),
        TEXT,
        f"What name did the keeper of island {n} write?",
        (f"Orla{n}",) if n < 8 else (),
        (f"wrote the name Orla{n} in the book",) if n < 8 else (),
    )
    for n in range(10)
)


@pytest.fixture(autouse=True)
def short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answerer, "ANSWER_TOKENS", 6)
    monkeypatch.setattr(answers, "ANSWER_TOKENS", 6)
    monkeypatch.setattr(asking, "QUESTIONS_AT_ONCE", 4)
    monkeypatch.setattr(answers, "QUESTIONS_AT_ONCE", 4)


def writer_of(model: Model, folder: Path) -> AnswerWriter:
    return AnswerWriter(model, Readings(model, silent, folder), silent, SamplingRequest())


def evaluate(writer: AnswerWriter, ledger: Ledger[Result] | None = None) -> Iterator[Result]:
    known = ledger if ledger is not None else Ledger(None, Result)
    for _, result in evaluate_answers(ITEMS, SYSTEMS, writer, known):
        yield result


@pytest.mark.parametrize("fixture", ["tiny", "remembering"])
def test_an_answer_is_what_ask_gives(
    fixture: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model: Model = request.getfixturevalue(fixture)
    found = list(evaluate(writer_of(model, tmp_path)))
    assert sorted((r.system, r.id) for r in found) == sorted(
        (system, item.id) for system in SYSTEMS for item in ITEMS
    )
    outputs = {s: [r.output for r in found if r.system == s] for s in SYSTEMS}
    questions = tuple(item.question for item in ITEMS)
    for system, memory_only in (("passages", False), ("memory-only", True)):
        asked = AnswerRequest(questions, memory_only=memory_only)
        expected = [answer.answer for answer in ask(open_text(TEXT), asked, model, silent)]
        assert outputs[system] == expected
    # A model that gets nothing out of its memory answers as if it had no book.
    assert (outputs["memory-only"] == outputs["base"]) is (not model.remembers)


def test_only_a_search_has_evidence(tiny: Model, tmp_path: Path) -> None:
    found = list(evaluate(writer_of(tiny, tmp_path)))
    for result in found:
        answered = int(result.id) < 8
        assert ("accuracy" in result.figures) is answered
        assert ("declined_unanswerable" in result.figures) is not answered
        assert ("evidence_6" in result.figures) is (answered and result.system == "passages")


def test_an_interruption_changes_nothing(tiny: Model, tmp_path: Path) -> None:
    whole = list(evaluate(writer_of(tiny, tmp_path)))
    path = tmp_path / "ledger.jsonl"
    stopped = evaluate(writer_of(tiny, tmp_path), Ledger(path, Result))
    for _ in range(14):
        next(stopped)
    stopped.close()
    # Killed in the midst of a batch: two of its four answers are on disk.
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:14]) + b'{"key": "half')
    told: list[Event] = []
    writer = replace(writer_of(tiny, tmp_path), progress=told.append)
    rest = list(evaluate(writer, Ledger(path, Result)))
    assert [(r.id, r.system, r.output, r.figures) for r in rest] == [
        (r.id, r.system, r.output, r.figures) for r in whole
    ]
    steps = [event for event in told if isinstance(event, BatchStep)]
    assert [step.done for step in steps] == [16, 20, 24, 26, 28, 30]
    assert {step.total for step in steps} == {30}


def test_the_command(infini: Infini, tiny_folder: Path, tmp_path: Path) -> None:
    book, file, ledger = (tmp_path / name for name in ("story.txt", "qa.jsonl", "ledger.jsonl"))
    book.write_text(STORY, encoding="utf-8")
    records = [
        {"id": item.id, "question": item.question, "answer": (item.answers or (None,))[0]}
        for item in ITEMS
    ]
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    command = ("eval", "qa", file, "--book", book, "-m", tiny_folder, "--ledger", ledger, "-q")
    done = infini(*command, "--limit", 9, "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["schema"], document["test"]) == ("infini/2", "qa")
    passages, memory_only, base = document["systems"]
    assert base["figures"]["declined_unanswerable"]["num_items"] == 1
    assert memory_only["figures"].keys() == base["figures"].keys()
    assert "evidence_1" not in passages["figures"]
    assert len(ledger.read_text().splitlines()) == 27
    plot = tmp_path / "figures.svg"
    shown = infini(*command, "--limit", 9, "--systems", "base", "--plot", plot)
    assert shown.out.splitlines()[0] == "%                       base"
    assert plot.exists()
    assert infini("eval", "qa", file, "-m", tiny_folder).code == 3


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    results = [
        ("", Result("passages", "1", "A lamp.", {"f1": 0.5, "evidence_1": 1.0}, 1.0, 4.0)),
        ("", Result("passages", "2", "A lamp.", {"f1": 1.0, "evidence_1": 0.0}, 1.0, 4.0)),
        ("", Result("base", "1", None, {"f1": 0.0}, 0.5)),
    ]
    systems = gather(results, ["passages", "base"], seed=0)
    write_systems(
        Terminal(Settings()), "qa", None, systems, TextOptions(), {}, json=False, output=None
    )
    assert capsys.readouterr().out == GOLDEN


GOLDEN = """\
%                 passages  base
F1             75.0 \u00b1 25.0   0.0
evidence in 1  50.0 \u00b1 50.0     -
items                    2     1
seconds                6.0   0.5
"""
