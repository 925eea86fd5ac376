"""Summaries of several systems: each is what it says, and an evaluation that stopped goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infini_cli.errors import UsageError
from infini_cli.evaluation import summaries
from infini_cli.evaluation.items import SummaryItem, Text, in_parts, open_text
from infini_cli.evaluation.ledger import Ledger
from infini_cli.evaluation.readings import Readings
from infini_cli.evaluation.results import Result
from infini_cli.evaluation.summaries import SYSTEMS, SummaryWriter, evaluate_summaries
from infini_cli.evaluation.summary_measures import open_rouge
from infini_cli.progress import BatchStep, Event, Read, silent
from infini_cli.tasks import note_questions
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SamplingRequest, SummaryRequest
from infini_cli.tasks.summarize import summarize
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
OTHER = STORY.replace("Orla", "Maud")
ITEMS = (
    SummaryItem("1", Text(STORY, title="Islands"), ("The keepers wrote names.", "A ship came.")),
    SummaryItem("2", Text(STORY, title="Islands"), ("Orla is a name.",), "Who is Orla?"),
    SummaryItem("3", Text(OTHER), ("Maud is a name.",)),
)
FIGURES = {
    "rouge1",
    "rouge2",
    "rougeL",
    "support",
    "repetition",
    "novelty",
    "length_error",
}


GOLDEN = """\
%                    lead     textrank
ROUGE-1       22.7 ± 13.6  22.7 ± 13.6
ROUGE-2         5.3 ± 5.3    5.3 ± 5.3
ROUGE-L       22.7 ± 13.6  22.7 ± 13.6
ROUGE, mean   14.0 ± 12.0  14.0 ± 12.0
supported     100.0 ± 0.0  100.0 ± 0.0
repeated        0.0 ± 0.0    0.0 ± 0.0
novel           0.0 ± 0.0    0.0 ± 0.0
length error   10.0 ± 0.0   10.0 ± 0.0
items                   2            2
seconds ...
"""


@pytest.fixture(autouse=True)
def short_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 6)


def writer_of(model: Model | None, folder: Path, window: int = 400) -> SummaryWriter:
    readings = Readings(model, silent, folder) if model is not None else None
    return SummaryWriter(model, readings, silent, SamplingRequest(), window)


def evaluate(
    writer: SummaryWriter,
    systems: tuple[str, ...] = SYSTEMS,
    ledger: Ledger[Result] | None = None,
    items: tuple[SummaryItem, ...] = ITEMS,
) -> Iterator[Result]:
    known = ledger if ledger is not None else Ledger(None, Result)
    for _, result in evaluate_summaries(items, systems, writer, known, open_rouge()):
        yield result


def test_every_system_summarises_every_item(tiny: Model, tmp_path: Path) -> None:
    found = list(evaluate(writer_of(tiny, tmp_path)))
    texts = (ITEMS[:2], ITEMS[2:])
    assert [(r.id, r.system) for r in found] == [
        (i.id, s) for text in texts for s in SYSTEMS for i in text
    ]
    assert all(FIGURES - {"support", "repetition", "novelty"} <= r.figures.keys() for r in found)
    by = {(r.system, r.id): r for r in found}
    # Closed gates: the memory adds nothing to notes, and notes are read once for all.
    for item in ITEMS:
        assert by["chunks", item.id].output == by["hierarchical", item.id].output
        assert by["lead", item.id].figures["support"] == 1.0
    assert by["chunks", "1"].reading_seconds == by["incremental", "2"].reading_seconds > 0
    assert by["lead", "1"].reading_seconds == by["truncated", "1"].reading_seconds == 0
    # A question changes what is written, but no extract.
    assert by["memory", "1"].output != by["memory", "2"].output
    assert by["truncated", "1"].output != by["truncated", "2"].output
    assert by["lead", "1"].output == by["lead", "2"].output


def test_a_summary_is_what_summarize_writes(remembering: Model, tmp_path: Path) -> None:
    """The evaluation reads once for several systems; each gets what it would have read itself."""
    for result in evaluate(writer_of(remembering, tmp_path), items=ITEMS[1:2]):
        if result.system in ("chunks", "truncated"):
            continue
        request = SummaryRequest(result.system, "20w", question=ITEMS[1].question)
        book = open_text(ITEMS[1].text)
        assert result.output == summarize(book, request, remembering, silent).text


def test_chunks_are_read_with_the_memory_off(remembering: Model, tmp_path: Path) -> None:
    systems = ("hierarchical", "chunks")
    on, off = evaluate(writer_of(remembering, tmp_path), systems, items=ITEMS[:1])
    assert on.output != off.output
    # Nothing of it depends on the memory: the same model without memory writes the same.
    seen: list[object] = []
    read_segment = remembering.decoder.read_segment

    def watched(ids: Any, memory: Any, **rest: Any) -> Any:
        seen.append(memory)
        return read_segment(ids, memory, **rest)

    remembering.decoder.read_segment = watched  # type: ignore[method-assign]
    (again,) = evaluate(writer_of(remembering, tmp_path), ("chunks",), items=ITEMS[:1])
    assert again.output == off.output
    assert seen
    assert all(memory is None for memory in seen)


def test_truncated_sees_the_beginning_alone(tiny: Model, tmp_path: Path) -> None:
    text = ITEMS[0].text
    longer = replace(ITEMS[0], text=replace(text, content=STORY + "\n\nThe end was otherwise."))
    earlier = replace(ITEMS[0], text=replace(text, content="All was otherwise.\n\n" + STORY))
    outputs = [
        next(evaluate(writer_of(tiny, tmp_path), ("truncated",), items=(item,))).output
        for item in (ITEMS[0], longer, earlier)
    ]
    assert outputs[0] == outputs[1] != outputs[2]
    wide = writer_of(tiny, tmp_path, window=2048)
    (whole,) = evaluate(wide, ("truncated",), items=(longer,))
    assert whole.output != outputs[0]


def test_a_window_that_holds_no_text_is_an_error(tiny: Model, tmp_path: Path) -> None:
    long = replace(ITEMS[0], references=("word " * 300,))
    with pytest.raises(UsageError, match="leaves no room") as caught:
        list(evaluate(writer_of(tiny, tmp_path), ("truncated",), items=(long,)))
    assert caught.value.hint is not None
    assert "--window" in caught.value.hint


def test_what_a_ledger_holds_is_not_done_again(
    tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.jsonl"
    whole = list(evaluate(writer_of(tiny, tmp_path)))
    stopped = evaluate(writer_of(tiny, tmp_path), ledger=Ledger(path, Result))
    for _ in range(9):
        next(stopped)
    stopped.close()
    # The two summaries of a text were written together.
    assert len(path.read_text().splitlines()) == 10
    told: list[Event] = []
    writer = replace(writer_of(tiny, tmp_path), progress=told.append)
    rest = list(evaluate(writer, ledger=Ledger(path, Result)))
    assert [(r.output, r.figures) for r in rest] == [(r.output, r.figures) for r in whole]
    steps = [event for event in told if isinstance(event, BatchStep)]
    first, last = 2 * len(SYSTEMS), 3 * len(SYSTEMS)
    assert [step.done for step in steps] == [*range(12, first + 1, 2), *range(first + 1, last + 1)]
    assert {step.total for step in steps} == {3 * len(SYSTEMS)}
    # Now nothing is opened, read or written.
    monkeypatch.setattr(summaries, "open_text", None)
    assert list(evaluate(writer_of(tiny, tmp_path), ledger=Ledger(path, Result))) == rest
    changed = (replace(ITEMS[0], references=("Otherwise.",)),)
    with pytest.raises(TypeError):
        list(evaluate(writer_of(tiny, tmp_path), ledger=Ledger(path, Result), items=changed))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    records = [
        {"text": STORY, "references": list(ITEMS[0].references)},
        {"text": OTHER, "reference": "Maud is a name.", "question": "Who is Maud?"},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_the_command(infini: Infini, tiny_folder: Path, file: Path, tmp_path: Path) -> None:
    command = ("eval", "summaries", file, "-m", tiny_folder, "--window", 1024, "-q")
    ledger = tmp_path / "ledger.jsonl"
    done = infini(*command, "--ledger", ledger, "--json", "--items", "--seed", 3)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["schema"], document["test"]) == ("infini/2", "summaries")
    assert (document["window"], document["seed"]) == (1024, 3)
    assert [system["system"] for system in document["systems"]] == list(SYSTEMS)
    for system in document["systems"]:
        assert system["num_items"] == len(system["items"]) == 2
        figure = system["figures"]["rouge1"]
        assert figure["low"] <= figure["mean"] <= figure["high"]
        mean = sum(item["figures"]["rouge1"] for item in system["items"]) / 2
        assert figure["mean"] == pytest.approx(mean)
    assert len(ledger.read_text().splitlines()) == 2 * len(SYSTEMS)
    again = infini(*command, "--ledger", ledger, "--json", "--items", "--seed", 3)
    assert again.out == done.out
    short = json.loads(infini(*command, "--limit", 1, "--systems", "lead", "--json").out)
    assert [system["num_items"] for system in short["systems"]] == [1]
    assert "items" not in short["systems"][0]
    assert (short["model"], short["systems"][0]["share"]) == (None, 1)


def test_only_the_first_part_of_a_text_is_read(infini: Infini, file: Path) -> None:
    file.write_text(json.dumps({"text": STORY, "reference": "word " * 60}))
    command = ("eval", "summaries", file, "--systems", "lead,textrank", "--json", "--items")
    outputs = []
    for share in (1, 100):
        document = json.loads(infini(*command, "--share", share).out)
        assert {system["share"] for system in document["systems"]} == {share / 100}
        outputs.append([system["items"][0]["output"] for system in document["systems"]])
    for part, whole in zip(*outputs, strict=True):
        assert len(part.split()) == len(STORY.split("\n\n")[0].split())
        assert len(whole.split()) > 40
    several = json.loads(infini(*command, "--share", "100, 1%,1").out)["systems"]
    assert [(s["system"], s["share"]) for s in several] == [
        (system, share) for system in ("lead", "textrank") for share in (0.01, 1)
    ]
    for system, part, whole in zip(several[::2], *outputs, strict=True):
        assert system["items"][0]["output"] == part
        assert several[several.index(system) + 1]["items"][0]["output"] == whole
    for share in ("0", "101", "half", "10,,20", "nan", ""):
        refused = infini(*command, "--share", share)
        assert (refused.code, "is no share of a text" in refused.err) == (2, True)


def test_what_was_read_of_a_beginning_is_not_read_again(remembering: Model, tmp_path: Path) -> None:
    book = tmp_path / "book.md"
    parts = [f"# Island {n}\n\n" + STORY.replace("Orla", f"Orla{n}") for n in range(4)]
    book.write_text("\n\n".join(parts), encoding="utf-8")
    item = SummaryItem("1", Text(path=book), ("Orla wrote names.",))
    told: list[Event] = []

    def outputs(*shares: float) -> tuple[list[str | None], int]:
        told.clear()
        readings = Readings(remembering, told.append, tmp_path)
        writer = replace(writer_of(remembering, tmp_path), readings=readings)
        items = tuple(in_parts([item], shares))
        found = list(evaluate(writer, ("notes", "chunks"), items=items))
        assert [result.share for result in found] == [share for share in shares for _ in range(2)]
        return [result.output for result in found], sum(isinstance(event, Read) for event in told)

    (half, num_half), (whole, num_whole) = outputs(0.55), outputs(1)
    both, num_both = outputs(0.55, 1)
    assert both == half + whole
    assert half != whole
    assert num_whole < num_both < num_half + num_whole


def test_extracts_need_no_model(infini: Infini, file: Path, tmp_path: Path) -> None:
    plot = tmp_path / "figures.svg"
    command = ("eval", "summaries", file, "--systems", "lead,textrank", "-m", "no-such-model")
    done = infini(*command, "--plot", plot)
    assert done.code == 0, done.err
    assert re.sub(r"(?m)^seconds.*$", "seconds ...", done.out) == GOLDEN
    assert plot.read_bytes().startswith(b"<?xml")


def test_what_the_command_refuses(infini: Infini, file: Path, tiny_folder: Path) -> None:
    command = ("eval", "summaries", file, "-m", tiny_folder)
    ledger = file.with_name("ledger.jsonl")
    ledger.write_text("")
    for options, said in (
        (("--systems", "lead,nothing"), "`nothing` is no system"),
        (("--window", 4096, "--systems", "truncated"), "the base takes in 2,048 tokens"),
        (("--ledger", file, "--systems", "lead"), "is the input itself"),
        (("--plot", file, "--systems", "lead"), "is the input itself"),
        (("--plot", "figure.jpg", "--systems", "lead"), "`figure.jpg` is no figure"),
        (("-o", file, "--systems", "lead"), "is the input itself"),
        (("-o", ledger, "--ledger", ledger, "--systems", "lead"), "is the input itself"),
    ):
        done = infini(*command, *options)
        assert done.code == 2
        assert said in done.err
        assert "hint:" in done.err
    before = file.read_bytes()
    assert infini("eval", "summaries", file.parent / "none.jsonl", "--systems", "lead").code == 3
    assert file.read_bytes() == before
