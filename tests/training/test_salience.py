"""Finding which sentences matter: targets, recipe, loop, resuming, the command, its use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from infini_models.readout import load_readout

from infini_cli.errors import ModelIncompatible, ModelNotFound, UsageError
from infini_cli.evaluation.layouts import read_summary_items
from infini_cli.progress import silent
from infini_cli.tasks.model import open_model, open_trainable_model
from infini_cli.training.log import LOG, SalienceStep, read_log
from infini_cli.training.salience_recipe import read_salience_recipe
from infini_cli.training.salience_trainer import SALIENCE, SalienceTrainer
from infini_cli.training.worth import worth
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import tiny_folder as tiny_folder

NUM_TEXTS = 5


@pytest.fixture
def recipe_file(tmp_path: Path, tiny_folder: Path) -> Path:
    """Texts whose sentences on gold are what people tell, those on rain never."""
    records = []
    for text in range(NUM_TEXTS):
        lines = [
            f"Ketty{n} hides gold coins, gold rings and gold cups in the vault."
            if (n + text) % 3 == 0
            else f"Slow rain falls upon wet grass beyond hill number {n}."
            for n in range(24)
        ]
        record = {
            "id": str(text),
            "text": "\n\n".join(lines),
            "references": ["Somebody hides gold coins, gold rings and gold cups in the vault."],
        }
        records.append(json.dumps(record))
    (tmp_path / "stories.jsonl").write_text("\n".join(records))
    path = tmp_path / "recipe.toml"
    path.write_text(
        f'base = "{tiny_folder}"\n[salience]\nfile = "stories.jsonl"\nlayer = 1\nridge = 10\n'
    )
    return path


def trainer(recipe_file: Path, folder: Path) -> SalienceTrainer:
    recipe = read_salience_recipe(recipe_file)
    items = read_summary_items(recipe.folder / recipe.salience.file)
    model = open_trainable_model(recipe.base, offline=True, progress=silent)
    return SalienceTrainer(model, items, recipe, folder, silent)


def test_a_sentence_is_worth_what_summaries_took_over() -> None:
    sentences = ["The cat sat down.", "Rain fell.", "A cat sat there."]
    found = worth(sentences, ["The cat sat down.", "Nothing at all."])
    # Four words and three pairs of four words, then one pair of a second summary's none.
    assert found[0] == pytest.approx((4 + 2 * 3) / (4 + 4) / 2)
    assert found[1] == 0
    assert found[0] > found[2] > 0


def test_what_matters_is_found(recipe_file: Path, tmp_path: Path) -> None:
    finding = trainer(recipe_file, tmp_path / "run")
    steps = list(finding.run())
    assert [step.step for step in steps] == list(range(1, NUM_TEXTS + 1))
    assert steps[0].correlation is None
    assert steps[-1].correlation is not None
    assert steps[-1].correlation > 0.9
    assert [line["step"] for line in read_log(tmp_path / "run")] == [s.step for s in steps]


def test_the_sums_are_ridge_regression(recipe_file: Path, tmp_path: Path) -> None:
    finding = trainer(recipe_file, tmp_path / "run")
    seen = [finding._see(items) for items in finding.texts]
    list(finding.run())
    x = torch.cat([one.vectors_ND for one in seen]).numpy()
    y = torch.cat([one.worths_N for one in seen]).numpy()
    scale = np.sqrt((x**2).mean(0))
    scaled = np.vstack([x / scale, np.sqrt(10.0) * np.eye(x.shape[1])])
    expected = np.linalg.lstsq(scaled, np.append(y, np.zeros(x.shape[1])), rcond=None)[0] / scale
    found = finding.readout().weight_D.numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_a_run_that_was_stopped_ends_the_same(recipe_file: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    list(trainer(recipe_file, whole).run())
    list(trainer(recipe_file, parts).run(until=2))
    with (parts / LOG).open("a") as log:
        log.write('{"step": 3}\n')
    rest = list(trainer(recipe_file, parts).run())
    assert [step.step for step in rest] == [3, 4, 5]
    assert (parts / SALIENCE).read_bytes() == (whole / SALIENCE).read_bytes()
    told = [SalienceStep(**{**line, "seconds": 0.0}) for line in read_log(parts)]
    assert told == [SalienceStep(**{**line, "seconds": 0.0}) for line in read_log(whole)]


def test_another_recipe_does_not_go_on(recipe_file: Path, tmp_path: Path) -> None:
    list(trainer(recipe_file, tmp_path / "run").run(until=1))
    recipe_file.write_text(recipe_file.read_text().replace("ridge = 10", "ridge = 20"))
    with pytest.raises(UsageError, match="another recipe"):
        trainer(recipe_file, tmp_path / "run")


@pytest.mark.parametrize(
    "change", ["layer = 0", "layer = 99", "layer = 'x'", "layer = 1\nwidth = 3", "layer = 1.5"]
)
def test_a_recipe_out_of_bounds_is_an_error(recipe_file: Path, tmp_path: Path, change: str) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("layer = 1", change))
    with pytest.raises(UsageError):
        trainer(recipe_file, tmp_path / "run")


def test_the_command_writes_a_readout_that_the_model_takes(
    infini: Infini, recipe_file: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    outcome = infini("train", recipe_file, "-o", tmp_path / "run", "--json")
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)
    assert told["num_steps"] == NUM_TEXTS
    assert told["last_correlation"] > 0.9
    path = Path(told["salience"])
    model = open_model(str(tiny_folder), offline=True, progress=silent, salience=path)
    assert model.salience is not None
    assert model.salience.layer == 1
    assert model.salience_sha256
    plain = open_model(str(tiny_folder), offline=True, progress=silent)
    assert (plain.salience, plain.checkpoint) == (None, model.checkpoint)
    again = infini("train", recipe_file, "-o", tmp_path / "run", "--plot", tmp_path / "a.svg")
    assert again.code == 0, again.err
    assert "correlation" in (tmp_path / "a.svg").read_text()


def test_a_readout_of_another_model_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    with pytest.raises(ModelNotFound):
        open_model(str(tiny_folder), offline=True, progress=silent, salience=tmp_path / "none")
    (tmp_path / "bad.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(ModelIncompatible, match="rank sentences"):
        open_model(
            str(tiny_folder),
            offline=True,
            progress=silent,
            salience=tmp_path / "bad.safetensors",
        )


def test_reading_measures_what_training_learnt_from(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean over a sentence of what its tokens say is what its mean vector says."""
    from infini_cli.evaluation.items import open_text
    from infini_cli.grounding.book_sentences import sentences_of
    from infini_cli.tasks.book_reader import read_through

    # Bytes, which some machines read with and none trains with, round otherwise.
    monkeypatch.setattr("infini_models.machine.best_form", lambda: "float32")
    finding = trainer(recipe_file, tmp_path / "run")
    list(finding.run())
    text = finding.texts[0][0].text
    book = open_text(text)
    folder = read_salience_recipe(recipe_file).base
    path = tmp_path / "run" / SALIENCE
    model = open_model(folder, offline=True, progress=silent, salience=path)
    notes = read_through(book, model, silent, notes=True, use_cache=False).book_memory.notes
    found = {p: s for note in notes for p, s in zip(note.places, note.saliences, strict=True)}
    places = [one.place for one in sentences_of(book.kept_chapters)]
    assert list(found) == [start for start, _ in places]
    vectors, _ = finding._read(book, places)
    weight_D = load_readout(path, model.decoder.config).weight_D.double()
    for start, vector_D in vectors.items():
        assert found[start] == pytest.approx(float(vector_D @ weight_D), abs=2e-3)
    gold = [found[one.place[0]] for one in sentences_of(book.kept_chapters) if "gold" in one.text]
    rain = [found[one.place[0]] for one in sentences_of(book.kept_chapters) if "rain" in one.text]
    assert min(gold) > max(rain)
