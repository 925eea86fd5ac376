"""Teaching a model to write notes: pages, recipe, loop, resuming, the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from infini_models.low_rank import corrected

from infini_cli.errors import InfiniError, InputError, UsageError
from infini_cli.progress import silent
from infini_cli.tasks import prompts
from infini_cli.tasks.frame import frame
from infini_cli.tasks.model import open_model, open_trainable_model
from infini_cli.training.log import LOG, read_log
from infini_cli.training.pages import PageNote, read_pages
from infini_cli.training.writer_recipe import read_writer_recipe
from infini_cli.training.writer_trainer import WRITER, WriterTrainer
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import tiny_folder as tiny_folder

STORY = "Nerrin opens the walnut box. The pilot sleeps on deck.\n\nKetty catches an eel at dawn."
NOTES = ("Nerrin opens the box.", "Ketty catches an eel.", "The pilot sleeps.")


def on(text: str, start: int, end: int, first: int, last: int) -> dict[str, object]:
    return {"text": text, "start": start, "end": end, "first": first, "last": last}


@pytest.fixture
def recipe_file(tmp_path: Path, tiny_folder: Path) -> Path:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "story.txt").write_text(STORY)
    lines = [json.dumps({"document": "Nothing."}), json.dumps({"sections": ["One.", STORY]})]
    (tmp_path / "texts" / "set.jsonl").write_text("\n".join(lines))
    notes = [
        {**on("story.txt", 0, 55, 0, 28), "note": NOTES[0]},
        {**on("story.txt", 0, 55, 29, 54), "note": NOTES[2]},
        {**on("story.txt", 54, 90, 55, 90), "note": NOTES[1]},
        {**on("set.jsonl:2", 35, 60, 35, 60), "note": NOTES[2]},
    ]
    (tmp_path / "notes.jsonl").write_text("\n".join(map(json.dumps, notes)))
    path = tmp_path / "recipe.toml"
    path.write_text(
        f'base = "{tiny_folder}"\nseed = 3\n'
        '[notes]\nfile = "notes.jsonl"\ntexts = "texts"\nnum_held_out = 1\n'
        "[writer]\nrank = 2\n"
        "[optimizer]\nlearning_rate = 1e-2\nnum_epochs = 12\nbatch_size = 2\nnum_warmup_steps = 1\n"
    )
    return path


def trainer(recipe_file: Path, folder: Path) -> WriterTrainer:
    recipe = read_writer_recipe(recipe_file)
    pages = read_pages(recipe.folder / recipe.notes.file, recipe.folder / recipe.notes.texts)
    model = open_trainable_model(recipe.base, offline=True, progress=silent)
    return WriterTrainer(model, pages, recipe, folder)


def test_pages_are_parts_of_texts(recipe_file: Path) -> None:
    folder = recipe_file.parent
    pages = read_pages(folder / "notes.jsonl", folder / "texts")
    told = [[one.note for one in page.notes] for page in pages]
    assert told == [[NOTES[0], NOTES[2]], [NOTES[1]], [NOTES[2]]]
    assert pages[0].text.startswith("Nerrin opens the walnut box.")
    assert [one.passage for one in pages[0].notes] == [
        "Nerrin opens the walnut box.",
        "The pilot sleeps on deck.",
    ]
    assert pages[1].text.strip() == pages[1].notes[0].passage == "Ketty catches an eel at dawn."
    assert "pilot" in pages[2].notes[0].passage


@pytest.mark.parametrize(
    "values",
    [
        {**on("../notes.jsonl", 0, 5, 0, 5), "note": "x"},
        {**on("none.txt", 0, 5, 0, 5), "note": "x"},
        {**on("set.jsonl:9", 0, 5, 0, 5), "note": "x"},
        {**on("set.jsonl:x", 0, 5, 0, 5), "note": "x"},
        {**on("story.txt", 5, 5, 5, 5), "note": "x"},
        {**on("story.txt", 900, 950, 900, 950), "note": "x"},
        {**on("story.txt", 0, 55, 50, 60), "note": "x"},
        {**on("story.txt", 29, 55, 0, 28), "note": "x"},
        {"text": "story.txt", "start": 0, "end": 5, "note": "x"},
        on("story.txt", 0, 5, 0, 5),
        {"start": 0, "end": 5, "first": 0, "last": 5, "note": "x"},
    ],
)
def test_a_note_on_nothing_is_an_error(recipe_file: Path, values: dict[str, object]) -> None:
    notes = recipe_file.parent / "bad.jsonl"
    notes.write_text(json.dumps(values))
    with pytest.raises(InputError):
        read_pages(notes, recipe_file.parent / "texts")


def test_a_text_that_is_elsewhere_is_told_with_the_setting_that_says_where(
    recipe_file: Path,
) -> None:
    notes = recipe_file.parent / "bad.jsonl"
    for name in ("none.txt", "../notes.jsonl"):
        notes.write_text(json.dumps({**on(name, 0, 5, 0, 5), "note": "x"}))
        with pytest.raises(InputError) as caught:
            read_pages(notes, recipe_file.parent / "texts")
        assert "`notes.texts`" in (caught.value.hint or "")


def test_no_notes_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(InfiniError):
        read_pages(tmp_path / "empty.jsonl", tmp_path)


@pytest.mark.parametrize("change", ["rank = 0", "rank = 2\nwidth = 3", "rank = 'x'"])
def test_a_recipe_out_of_bounds_is_an_error(recipe_file: Path, change: str) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("rank = 2", change))
    with pytest.raises(UsageError):
        read_writer_recipe(recipe_file)


def test_the_notes_are_learnt(recipe_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    teaching = trainer(recipe_file, folder)
    assert (len(teaching.pages), len(teaching.held_out), teaching.num_steps) == (2, 1, 12)
    steps = list(teaching.run())
    assert [step.step for step in steps] == list(range(1, 13))
    assert steps[-1].loss < 0.7 * steps[0].loss
    assert steps[-1].held_out_loss is not None
    assert [line["step"] for line in read_log(folder)] == list(range(1, 13))


def test_the_first_loss_is_that_of_the_base(recipe_file: Path, tmp_path: Path) -> None:
    teaching = trainer(recipe_file, tmp_path / "run")
    pages = [*teaching.pages, *teaching.held_out]
    page = next(page for page in pages if len(page.notes) > 1)
    found = teaching._loss([page])
    alone = [alone_nats(teaching, page.text, one) for one in page.notes]
    assert found.num_tokens == sum(count for _, count in alone)
    expected = torch.stack([nats for nats, _ in alone]).sum()
    torch.testing.assert_close(found.nats.detach(), expected, rtol=1e-4, atol=1e-4)


def alone_nats(teaching: WriterTrainer, page: str, one: PageNote) -> tuple[torch.Tensor, int]:
    """Give what a note costs the base, read in one piece with its page, and its tokens."""
    model = teaching.model
    encode = model.tokenizer.encode
    question = prompts.TAUGHT_NOTE.format(passage=one.passage)
    ids = [*teaching.prefix, *encode(page), *encode(question), *frame(model).after]
    note = [*encode(one.note), model.chat.end_of_turn]
    with torch.inference_mode():
        hidden_1SD = model.decoder.read_segment(torch.tensor([ids + note]), None).hidden_BSD
    scores_TV = model.decoder.logits(hidden_1SD[0, len(ids) - 1 : -1])
    nats = torch.nn.functional.cross_entropy(scores_TV, torch.tensor(note), reduction="sum")
    return nats, len(note)


def test_a_run_that_was_stopped_ends_the_same(recipe_file: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    list(trainer(recipe_file, whole).run())
    list(trainer(recipe_file, parts).run(until=5))
    with (parts / LOG).open("a") as log:
        log.write('{"step": 6}\n')
    list(trainer(recipe_file, parts).run())
    assert (parts / WRITER).read_bytes() == (whole / WRITER).read_bytes()
    assert [line["step"] for line in read_log(parts)] == list(range(1, 13))


def test_what_was_taught_is_used_for_notes_alone(
    infini: Infini, recipe_file: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    outcome = infini("train", recipe_file, "-o", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    writer = tmp_path / "run" / WRITER
    plain = open_model(str(tiny_folder), offline=True, progress=silent)
    taught = open_model(str(tiny_folder), offline=True, progress=silent, writer=writer)
    assert plain.checkpoint == taught.checkpoint
    assert plain.writer == "" != taught.writer
    ids = torch.arange(4, 20)[None]
    with torch.inference_mode():
        read = [model.decoder.read_segment(ids, None).hidden_BSD for model in (plain, taught)]
        assert torch.equal(*read)
        with corrected(taught.decoder):
            again = taught.decoder.read_segment(ids, None).hidden_BSD
        assert not torch.equal(read[0], again)
