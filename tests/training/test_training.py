"""Training: recipes, samples, and runs that can be stopped anywhere."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from infini_models.adapter import grow_branches
from infini_models.config import BranchConfig
from infini_models.load import load_decoder
from safetensors.torch import load_file

from infini_cli.errors import DamagedInput, InputNotFound, UsageError
from infini_cli.evaluation.babilong import Story
from infini_cli.evaluation.haystack import TextHaystack
from infini_cli.evaluation.passkey import KeySplit
from infini_cli.progress import silent
from infini_cli.store import resolve
from infini_cli.store.catalog import default_model
from infini_cli.store.resolve import NO_ADAPTER
from infini_cli.tasks.model import Model, open_model, open_trainable_model
from infini_cli.training.log import LOG, Step
from infini_cli.training.prompts import Sources
from infini_cli.training.recipe import (
    TEXT_TASKS,
    OptimizerRecipe,
    Recipe,
    SamplesRecipe,
    TasksRecipe,
    read_recipe,
)
from infini_cli.training.samples import Sampler, growth
from infini_cli.training.state import STATE
from infini_cli.training.trainer import ADAPTER, Trainer, schedule
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import tiny_folder as tiny_folder
from tests.tasks.tiny import open_tiny
from tests.training.train_tiny import TEXT, write_recipe

RECIPE = """
base = "{base}"
num_steps = 4

[memory]
layers = [0, 1]
num_features = 4

[samples]
num_segments = [7, 9]
segment_length = 120
text_share = 0.5
texts = "texts"
carry_share = 0.5

[optimizer]
batch_size = 2
num_warmup_steps = 1
"""


@pytest.fixture
def recipe_file(tiny_folder: Path, tmp_path: Path) -> Path:
    return write_recipe(tmp_path, RECIPE, tiny_folder)


def trainer(folder: Path, recipe: Recipe, tiny_folder: Path) -> tuple[Trainer, Model]:
    model = open_tiny(tiny_folder)
    grow_branches(model.decoder, BranchConfig(recipe.memory.layers, recipe.memory.num_features))
    texts = TextHaystack([TEXT], model.tokenizer)
    sources = Sources(model.tokenizer, texts)
    sampler = Sampler(recipe.tasks, recipe.samples, sources, recipe.optimizer.batch_size, 0)
    return Trainer(model.decoder, sampler, recipe, folder), model


def without_time(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / LOG).read_text().splitlines()
    return [{**json.loads(line), "seconds": 0} for line in lines]


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_stopped_run_goes_on_to_the_same_bits(
    stop_after: int, recipe_file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(recipe_file)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    steps = list(trainer(whole, recipe, tiny_folder)[0].run())
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert all(step.loss > 0 and step.gradient_norm > 0 for step in steps)
    first = trainer(stopped, recipe, tiny_folder)[0].run(steps_between_saves=2)
    for _ in range(stop_after):
        next(first)
    first.close()
    again = list(trainer(stopped, recipe, tiny_folder)[0].run())
    # A step is saved when the next one is asked for, so what comes again was not saved.
    assert again[0].step == (stop_after - 1) // 2 * 2 + 1
    for name in (STATE, ADAPTER):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()
    assert without_time(stopped) == without_time(whole)
    # A run that is done stays done.
    assert list(trainer(whole, recipe, tiny_folder)[0].run()) == []


def test_only_the_branches_learn_and_the_adapter_holds_them(
    recipe_file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    run, model = trainer(tmp_path / "run", read_recipe(recipe_file), tiny_folder)
    before = {name: tensor.clone() for name, tensor in model.decoder.state_dict().items()}
    list(run.run())
    for name, tensor in model.decoder.state_dict().items():
        assert torch.equal(tensor, before[name]) is (".memory_branch." not in name), name
    config = json.loads((tiny_folder / "config.json").read_text())
    files = [tiny_folder / "model.safetensors", tmp_path / "run" / ADAPTER]
    loaded = load_decoder(config, files, "float32").state_dict()
    for name, tensor in model.decoder.state_dict().items():
        torch.testing.assert_close(loaded[name], tensor, atol=0.02, rtol=0.01)


def test_another_recipe_or_a_damaged_state_is_refused(
    recipe_file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(recipe_file)
    list(trainer(tmp_path / "run", recipe, tiny_folder)[0].run())
    recipe_file.write_text(recipe_file.read_text().replace("num_steps = 4", "num_steps = 5"))
    with pytest.raises(UsageError, match="another recipe"):
        trainer(tmp_path / "run", read_recipe(recipe_file), tiny_folder)
    (tmp_path / "run" / STATE).write_bytes(b"\0" * 50)
    with pytest.raises(DamagedInput):
        trainer(tmp_path / "run", recipe, tiny_folder)


def test_batches_fit_their_segments_and_hold_their_answers(tiny_folder: Path) -> None:
    model = open_tiny(tiny_folder)
    texts = TextHaystack([TEXT], model.tokenizer)
    recipe = SamplesRecipe(
        (7, 12), (110, 150), num_facts=(1, 2), text_share=0.5, texts="x", carry_share=0.5
    )
    sampler = Sampler(TasksRecipe(), recipe, Sources(model.tokenizer, texts), 3, seed=1)
    carries = set()
    for step in range(20):
        batch = sampler.draw(step)
        assert sum(batch.segment_lengths) == batch.ids_BS.shape[1] - 1
        assert 7 <= len(batch.segment_lengths) <= 12
        for ids, weights in zip(batch.ids_BS.tolist(), batch.weights_BS, strict=True):
            answer = [id for id, weight in zip(ids, weights.tolist(), strict=True) if weight]
            key = model.tokenizer.decode(answer).strip()
            assert len(key) == 5
            assert KeySplit.TRAINING.holds(int(key))
            assert model.tokenizer.decode(ids).count(f"is {key}") >= 1
        assert torch.equal(sampler.draw(step).ids_BS, batch.ids_BS)
        carries.add(batch.carries)
    assert carries == {True, False}
    # Several questions on one text: each is followed by its own key, and the text is as long.
    several = replace(recipe, num_segments=(9, 9), num_facts=(3, 3), num_questions=2)
    batch = Sampler(TasksRecipe(), several, Sources(model.tokenizer, texts), 2, seed=1).draw(0)
    assert sum(batch.segment_lengths) == batch.ids_BS.shape[1] - 1
    for ids, weights in zip(batch.ids_BS.tolist(), batch.weights_BS, strict=True):
        text = model.tokenizer.decode(ids)
        asked = re.findall(r"What is the pass key of (\w+)\? The pass key of \1 is (\d{5})", text)
        learnt = [id for id, weight in zip(ids, weights.tolist(), strict=True) if weight]
        assert len(asked) == 2
        assert re.findall(r"\d{5}", model.tokenizer.decode(learnt)) == [key for _, key in asked]
        for name, key in asked:
            assert f"The pass key of {name} is {key}. Remember it." in text
    assert not torch.equal(sampler.draw(0).ids_BS[0], sampler.draw(0).ids_BS[1])
    short = SamplesRecipe((1, 1), (32, 32))
    with pytest.raises(UsageError, match="do not fit"):
        Sampler(TasksRecipe(), short, Sources(model.tokenizer), 1, 0).draw(0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("num_steps = 4", "num_steps = 0", "num_steps"),
        ("num_steps = 4", "", "`num_steps` is missing"),
        ("num_steps = 4", "num_steps = true", "`num_steps` is not int"),
        ("num_steps = 4", "steps = 4", "`steps` is not known"),
        ("layers = [0, 1]", "layers = ['a']", "`memory.layers`"),
        ("layers = [0, 1]", "", "`memory.layers` is missing"),
        ("num_segments = [7, 9]", "num_segments = [9, 7]", "num_segments"),
        ("segment_length = 120", "segment_length = 2", "segment_length"),
        ("text_share = 0.5", "text_share = 1.5", "text_share"),
        ("text_share = 0.5", "text_share = 0.5\nsingle_share = 2", "single_share"),
        ('texts = "texts"', "", "texts"),
        ("segment_length = 120", "segment_length = 900", "max_tokens"),
        ("batch_size = 2", "recompute = 2", "`optimizer.recompute` is not bool"),
        ("batch_size = 2", "write_penalty = -1", "write_penalty"),
        ("batch_size = 2", "read_penalty = -1", "read_penalty"),
        ("[optimizer]", "[tasks]\nbabilong = 1\n[optimizer]", "babi"),
        ("[optimizer]", "[tasks]\npasskey = 0\n[optimizer]", "tasks"),
        ("[optimizer]", "[optimiser]", "`optimiser` is not known"),
        ("[memory]", "[memory", "is no TOML"),
    ],
)
def test_what_a_recipe_cannot_say(old: str, new: str, message: str, recipe_file: Path) -> None:
    text = recipe_file.read_text()
    assert old in text
    recipe_file.write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=message):
        read_recipe(recipe_file)


def test_samples_grow_to_their_bounds(tiny_folder: Path) -> None:
    recipe = SamplesRecipe((2, 12), (200, 400), max_tokens=2000, num_growth_steps=20)
    sources = Sources(open_tiny(tiny_folder).tokenizer)
    sampler = Sampler(TasksRecipe(), recipe, sources, 1, seed=1)
    counts = [len(sampler.draw(step).segment_lengths) for step in range(40)]
    assert max(counts[:2]) <= 3
    assert max(counts) > 6
    assert max(sampler.draw(step).ids_BS.shape[1] for step in range(40)) <= 2000 + 8
    assert growth(recipe, 0) == 0.05
    assert growth(recipe, 30) == 1.0


def test_each_task_is_drawn_as_often_as_it_says(tiny_folder: Path) -> None:
    tokenizer = open_tiny(tiny_folder).tokenizer
    stories = (Story(("Ann went home.",), "Where is Ann?", "home"),)
    sources = Sources(tokenizer, TextHaystack([TEXT], tokenizer), stories)
    recipe = SamplesRecipe((2, 3), (300, 400), text_share=1.0, texts="x", carry_share=0.5)
    tasks = TasksRecipe(1, babilong=1, next_token=1, distillation=1, preservation=1)
    sampler = Sampler(tasks, recipe, sources, 2, seed=3)
    counts: Counter[str] = Counter()
    for step in range(60):
        batch = sampler.draw(step)
        counts[batch.task] += 1
        size = batch.segment_lengths[0]
        learnt = tokenizer.decode(batch.ids_BS[0][batch.weights_BS[0] > 0].tolist())
        if batch.task == "babilong":
            assert learnt.strip() == "home"
        elif batch.task == "passkey":
            assert learnt.isdecimal()
        else:
            # A quarter of a text is learnt, and nothing where there is no memory yet.
            first = 0 if batch.carries else size + 1
            assert batch.weights_BS[:, :first].sum() == 0
            assert 0.15 < float(batch.weights_BS[:, first:].mean()) < 0.35
            assert set(batch.weights_BS.flatten().tolist()) == {0.0, 1.0}
    assert counts.keys() == asdict(tasks).keys()
    assert min(counts.values()) >= 4
    only = Sampler(TasksRecipe(passkey=0, next_token=2), recipe, sources, 2, seed=3)
    assert {only.draw(step).task for step in range(10)} == {"next_token"}


def test_a_memory_learns_from_texts_and_from_its_base(
    infini: Infini, recipe_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "babi").mkdir()
    (tmp_path / "babi" / "qa1_x_train.txt").write_text("1 Ann sat.\n2 Who sat? \tAnn\t1\n")
    text = recipe_file.read_text()
    texts = "next_token = 1\ndistillation = 1\npreservation = 1\n"
    tasks = "[tasks]\nbabilong = 1\n" + texts
    text = text.replace("carry_share", 'babi = "babi"\nbabi_tasks = [1]\ncarry_share')
    text = text.replace("num_segments = [7, 9]", "num_segments = [2, 3]")
    recipe_file.write_text(text.replace("num_steps = 4", "num_steps = 8") + tasks)
    outcome = infini("train", recipe_file, "-o", tmp_path / "run", "--plot", tmp_path / "p.svg")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")
    steps = without_time(tmp_path / "run")
    assert {step["task"] for step in steps} == {*TEXT_TASKS, "babilong"}
    for step in steps:
        assert step["loss"] > {"next_token": 2.0, "babilong": 2.0}.get(step["task"], 0.0)


@pytest.mark.parametrize(("task", "is_silent"), [("preservation", True), ("distillation", False)])
def test_silence_preserves_the_base_segment_by_segment(
    task: str, is_silent: bool, infini: Infini, recipe_file: Path, tmp_path: Path
) -> None:
    text = recipe_file.read_text().replace("num_steps = 4", "num_steps = 1")
    text = text.replace("num_features = 4", "num_features = 4\ngain_init = 0.0")
    recipe_file.write_text(text + f"[tasks]\n{task} = 1\n")
    outcome = infini("train", recipe_file, "-o", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    (step,) = without_time(tmp_path / "run")
    assert (abs(step["loss"]) < 1e-4) is is_silent


def test_a_run_goes_on_from_an_adapter(infini: Infini, recipe_file: Path, tmp_path: Path) -> None:
    infini("train", recipe_file, "-o", tmp_path / "first")
    text = recipe_file.read_text().replace(
        "num_steps = 4", f'start = "first/{ADAPTER}"\nnum_steps = 1'
    )
    recipe_file.write_text(text + "learning_rate = 1e-12\ngate_learning_rate = 1e-12\n")
    outcome = infini("train", recipe_file, "-o", tmp_path / "second")
    assert outcome.code == 0, outcome.err
    first, second = (load_file(tmp_path / run / ADAPTER) for run in ("first", "second"))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, atol=1e-9, rtol=0, msg=name)
    for old, new, code in (
        ("num_features = 4", "num_features = 5", 2),
        (f"first/{ADAPTER}", "first/none", 3),
        (f"first/{ADAPTER}", "first/" + STATE, 2),
    ):
        recipe_file.write_text(text.replace(old, new))
        outcome = infini("train", recipe_file, "-o", tmp_path / "third")
        assert (outcome.code, outcome.out) == (code, ""), outcome.err


def test_a_memory_may_learn_to_write_what_it_was_shut_to(
    infini: Infini, recipe_file: Path, tmp_path: Path
) -> None:
    infini("train", recipe_file, "-o", tmp_path / "first")
    text = recipe_file.read_text().replace("num_steps = 4", "reopen = true\nnum_steps = 1")
    recipe_file.write_text(text + "learning_rate = 1e-12\ngate_learning_rate = 1e-12\n")
    outcome = infini("train", recipe_file, "-o", tmp_path / "anew")
    assert (outcome.code, outcome.out) == (2, "")
    assert "reopen" in outcome.err
    recipe_file.write_text(f'start = "first/{ADAPTER}"\n' + recipe_file.read_text())
    outcome = infini("train", recipe_file, "-o", tmp_path / "second")
    assert outcome.code == 0, outcome.err
    first, second = (load_file(tmp_path / run / ADAPTER) for run in ("first", "second"))
    for name, tensor in first.items():
        begins_anew = {".rate.weight": 0.0, ".rate.bias": 1.0}
        wanted = next((v for end, v in begins_anew.items() if name.endswith(end)), None)
        if wanted is None:
            torch.testing.assert_close(second[name], tensor, atol=1e-9, rtol=0, msg=name)
        else:
            assert bool(((tensor - wanted).abs() > 1e-9).any()), name
            torch.testing.assert_close(
                second[name], torch.full_like(tensor, wanted), atol=1e-9, rtol=0, msg=name
            )


def test_held_out_books_are_not_learnt_from(
    infini: Infini, recipe_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "held-out.txt").write_text("a.txt\n")
    text = recipe_file.read_text()
    recipe_file.write_text(text.replace("text_share", 'held_out = "held-out.txt"\ntext_share'))
    outcome = infini("train", recipe_file, "-o", tmp_path / "run")
    assert (outcome.code, outcome.err.count("holds no text")) == (2, 1)
    (tmp_path / "held-out.txt").unlink()
    assert infini("train", recipe_file, "-o", tmp_path / "run").code == 3


def test_a_recipe_is_what_it_says_wherever_it_lies(recipe_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "r.toml").write_text(recipe_file.read_text())
    assert read_recipe(other / "r.toml").sha256 == read_recipe(recipe_file).sha256
    (other / "r.toml").write_text(recipe_file.read_text().replace("120", "121"))
    assert read_recipe(other / "r.toml").sha256 != read_recipe(recipe_file).sha256
    with pytest.raises(InputNotFound):
        read_recipe(tmp_path / "none.toml")


def test_pass_keys_are_learnt_where_no_task_is_named(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    assert read_recipe(recipe_file).tasks == TasksRecipe(passkey=1.0)
    recipe_file.write_text(text + "[tasks]\nnext_token = 0.5\n")
    assert read_recipe(recipe_file).tasks == TasksRecipe(passkey=0.0, next_token=0.5)


def test_the_learning_rate_rises_and_falls() -> None:
    settings = OptimizerRecipe(num_warmup_steps=10)
    factors = [schedule(settings, step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == 1.0
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert 0.1 <= factors[-1] < 0.11


def test_the_command(infini: Infini, recipe_file: Path, tmp_path: Path) -> None:
    outcome = infini("train", recipe_file, "-o", tmp_path / "run", "--json")
    assert outcome.code == 0, outcome.err
    document = json.loads(outcome.out)
    assert document["num_steps"] == 4
    early = tmp_path / "early"
    assert infini("train", recipe_file, "-o", early, "--until", 2).code == 0
    assert without_time(early) == without_time(tmp_path / "run")[:2]
    assert infini("train", recipe_file, "-o", early).code == 0
    assert (early / STATE).read_bytes() == (tmp_path / "run" / STATE).read_bytes()
    assert Path(document["adapter"]).is_file()
    assert len(without_time(tmp_path / "run")) == 4
    assert Step(**without_time(tmp_path / "run")[-1]).loss == document["last_loss"]


def test_a_trained_memory_is_used_with_its_model(
    infini: Infini, recipe_file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    infini("train", recipe_file, "-o", tmp_path / "run")
    book = tmp_path / "texts" / "a.txt"
    ask = ("ask", book, "who?", "-m", tiny_folder, "--memory-only", "--json")
    plain = json.loads(infini(*ask).out)
    outcome = infini(*ask, "--adapter", tmp_path / "run" / ADAPTER)
    trained = json.loads(outcome.out)
    assert plain["warnings"]
    assert not trained["warnings"]
    assert trained["model"]["checkpoint"] != plain["model"]["checkpoint"]
    missing = infini(*ask, "--adapter", tmp_path / "none.safetensors")
    assert (missing.code, missing.out) == (4, "")
    assert missing.err.startswith("error: there is no adapter")
    wrong = infini(*ask, "--adapter", tiny_folder / "config.json")
    assert wrong.code == 4


def test_the_memory_that_comes_with_a_model_is_used_unless_told_otherwise(
    infini: Infini,
    recipe_file: Path,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    infini("train", recipe_file, "-o", tmp_path / "run")
    shipped = tmp_path / "run" / ADAPTER

    own_folder = tmp_path / "card"
    own_folder.mkdir()
    (own_folder / ADAPTER).write_bytes(shipped.read_bytes())
    (own_folder / "other.safetensors").write_bytes(shipped.read_bytes())
    model = replace(default_model(), name=str(tiny_folder), folder=own_folder)
    monkeypatch.setattr(resolve, "catalog", lambda: (model,))
    monkeypatch.setattr(
        resolve, "ensure", lambda name, **options: resolve._from_folder(tiny_folder, name)
    )
    own = open_model(str(tiny_folder), offline=True, progress=silent)
    named = open_model(str(tiny_folder), offline=True, progress=silent, adapter=Path("other"))
    assert named.checkpoint == own.checkpoint
    given = open_model(str(tiny_folder), offline=True, progress=silent, adapter=shipped)
    plain = open_model(str(tiny_folder), offline=True, progress=silent, adapter=NO_ADAPTER)
    assert own.remembers
    assert not plain.remembers
    assert own.checkpoint == given.checkpoint != plain.checkpoint
    # What is trained begins with the base.
    assert not open_trainable_model(str(tiny_folder), offline=True, progress=silent).remembers


def test_a_model_of_the_catalog_has_the_adapter_that_lies_beside_its_card(tmp_path: Path) -> None:
    model = replace(default_model(), folder=tmp_path)
    assert model.adapter is None
    (tmp_path / ADAPTER).write_bytes(b"")
    assert model.adapter == tmp_path / ADAPTER
    assert resolve.find_adapter(None, None) == default_model().adapter
    assert resolve.find_adapter(str(tmp_path), None) is None
    assert resolve.find_adapter("smollm2-135m-infini", NO_ADAPTER) is None
    named = resolve.find_adapter("smollm2-135m-infini", Path("adapter"))
    assert named is not None
    assert named.is_file()
    assert resolve.find_adapter("smollm2-135m-infini", None) == named
    assert resolve.find_adapter(None, Path("adapter")) == Path("adapter")


def test_an_adapter_becomes_a_checkpoint_and_comes_out_again(
    infini: Infini, recipe_file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    infini("train", recipe_file, "-o", tmp_path / "run")
    adapter, merged = tmp_path / "run" / ADAPTER, tmp_path / "merged"
    command = ("models", "merge", tiny_folder, "--adapter", adapter, "-o", merged)
    outcome = infini(*command, "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["path"] == str(merged)
    both = open_model(str(tiny_folder), offline=True, progress=silent, adapter=adapter)
    one = open_model(str(merged), offline=True, progress=silent)
    assert one.remembers
    expected = both.decoder.state_dict()
    assert one.decoder.state_dict().keys() == expected.keys()
    for name, tensor in one.decoder.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert infini("models", "diff", merged, "-o", tmp_path / "again.safetensors").code == 0
    over = infini("models", "diff", merged, "-o", merged / "model.safetensors")
    assert (over.code, "holds the model's weights" in over.err) == (2, True)
    assert (tmp_path / "again.safetensors").read_bytes() == adapter.read_bytes()
    assert infini(*command).code == 2
    assert infini("models", "merge", tiny_folder, "-o", tmp_path / "b").code == 2
    for name, arguments in (
        ("no adapter", ("diff", tiny_folder, "-o", tmp_path / "c")),
        ("is no adapter", ("merge", tiny_folder, "-o", tmp_path / "c", "--adapter", recipe_file)),
        ("there is no", ("merge", tiny_folder, "-o", tmp_path / "c", "--adapter", tmp_path / "n")),
    ):
        outcome = infini("models", *arguments)
        assert (outcome.code, outcome.out) == (4, ""), name
        assert not (tmp_path / "c").exists()
    assert not list(tmp_path.glob(".infini-*"))
