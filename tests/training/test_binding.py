"""The head start of a new memory: what samples say of themselves, and runs that have one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from infini_models import binding
from infini_models.attention import NUM_SINKS
from infini_models.binding import Bound
from infini_models.convolution import moving_mean
from infini_models.labelled import DECOY, Labelled
from safetensors.torch import load_file

from infini_cli.errors import UsageError
from infini_cli.evaluation.babilong import Story, read_stories, read_tasks
from infini_cli.evaluation.haystack import Mark, TextHaystack
from infini_cli.evaluation.passkey import KeySplit
from infini_cli.tasks.model import Model
from infini_cli.training.begin import add_memory
from infini_cli.training.binding import BINDING
from infini_cli.training.prompts import Sources
from infini_cli.training.recipe import Recipe, TasksRecipe, read_recipe
from infini_cli.training.samples import Batch, Sampler
from infini_cli.training.trainer import ADAPTER, BOUND
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import tiny_folder as tiny_folder
from tests.tasks.tiny import open_tiny
from tests.training.train_tiny import TEXT, write_recipe

BABI = """\
1 Ann went to the mill.
2 Tom went to the quay.
3 Where is Ann? \tmill\t1
4 Ann went to the inn.
5 Where is Ann? \tinn\t4
"""
RECIPE = """
base = "{base}"
num_steps = 2

[memory]
layers = [1]
num_features = 4
sharpness = 2.0

[binding]
num_batches = 2
num_steps = 3

[samples]
num_segments = [2, 2]
segment_length = [320, 320]
max_tokens = 700
num_facts = [2, 2]
num_questions = 2
text_share = 0.5
texts = "texts"

[optimizer]
batch_size = 2
num_warmup_steps = 1
"""


@pytest.fixture
def recipe_file(tiny_folder: Path, tmp_path: Path) -> Path:
    return write_recipe(tmp_path, RECIPE, tiny_folder)


def sampler_of(
    model: Model, recipe: Recipe, stories: tuple[Story, ...] = (), tasks: TasksRecipe | None = None
) -> Sampler:
    texts = TextHaystack([TEXT], model.tokenizer)
    sources = Sources(model.tokenizer, texts, stories)
    size = recipe.optimizer.batch_size
    return Sampler(tasks or recipe.tasks, recipe.samples, sources, size, recipe.seed)


def said(model: Model, batch: Batch, row: int, mark: Mark) -> str:
    return model.tokenizer.decode([int(batch.ids_BS[row, mark.place])])


@pytest.mark.parametrize("num_facts", [2, 1])
def test_marks_of_pass_keys_stand_at_their_digits(
    num_facts: int, recipe_file: Path, tiny_folder: Path
) -> None:
    """A fact says its key twice; the second time a name comes after it, if at all."""
    model, recipe = open_tiny(tiny_folder), read_recipe(recipe_file)
    samples = replace(recipe.samples, num_facts=(num_facts, num_facts))
    batch = sampler_of(model, replace(recipe, samples=samples)).draw(0)
    for row, (told, asked) in enumerate(zip(batch.told, batch.asked, strict=True)):
        assert len(asked) == num_facts * 5  # a byte is a token: five digits of each key
        for mark in asked:
            (telling,) = (m for m in told if (m.subject, m.part) == (mark.subject, mark.part))
            answer = model.tokenizer.decode([int(batch.ids_BS[row, mark.place + 1])])
            assert said(model, batch, row, telling) == answer
            assert batch.weights_BS[row, mark.place + 1] == 1
        for one in told:
            before = model.tokenizer.decode(batch.ids_BS[row, : one.place - one.part].tolist())
            name = f" of {one.subject}" if one.subject else ""
            assert before.endswith(f" The pass key{name} is ")
    assert len({mark.subject for told in batch.told for mark in told}) >= num_facts


def test_a_share_of_texts_hides_a_single_key(recipe_file: Path, tiny_folder: Path) -> None:
    model, recipe = open_tiny(tiny_folder), read_recipe(recipe_file)
    found = []
    for share in (0.0, 0.5, 1.0):
        samples = replace(recipe.samples, single_share=share)
        sampler = sampler_of(model, replace(recipe, samples=samples))
        batches = [sampler.draw(step) for step in range(12)]
        found.append([{mark.subject == "" for mark in batch.told[0]} for batch in batches])
    assert found[0] == [{False}] * 12
    assert {True} in found[1]
    assert {False} in found[1]
    assert found[2] == [{True}] * 12


def test_marks_of_stories_stand_at_their_places(
    recipe_file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    """Each token of a place is told, and asked for; here these are mostly letters."""
    folder = tmp_path / "babi"
    folder.mkdir()
    (folder / "qa1_single-supporting-fact_train.txt").write_text(BABI)
    stories = tuple(read_tasks(folder, "train", [1])[1])
    model, recipe = open_tiny(tiny_folder), read_recipe(recipe_file)
    batch = sampler_of(model, recipe, stories, TasksRecipe(0, babilong=1)).draw(0)
    for row, (told, asked) in enumerate(zip(batch.told, batch.asked, strict=True)):
        ids = batch.ids_BS[row].tolist()
        text = model.tokenizer.decode(ids)
        assert sum(mark.part == 0 for mark in told) == text.count(" went to ")
        for mark in told:
            before = model.tokenizer.decode(ids[: mark.place - mark.part])
            assert before.rstrip().endswith(f"\n\n{mark.subject} went to the")
        for mark in asked:
            before = model.tokenizer.decode(ids[: mark.place + 1 - mark.part])
            assert before.rstrip().endswith(f"Where is {mark.subject}? Answer: the")
            (*_, last) = (m for m in told if (m.subject, m.part) == (mark.subject, mark.part))
            assert ids[last.place] == ids[mark.place + 1]
        assert {mark.subject for mark in asked} <= {"Ann", "Tom"}
        assert int((batch.weights_BS[row] > 0).sum()) == len(asked)


def test_tasks_that_take_several_facts_are_not_marked(
    recipe_file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "s.txt").write_text(BABI)
    stories = tuple(read_stories(tmp_path / "s.txt"))
    model, recipe = open_tiny(tiny_folder), read_recipe(recipe_file)
    sampler = sampler_of(model, recipe, stories, TasksRecipe(0, babilong=1))
    assert not any(sampler.draw(0).told)
    with pytest.raises(UsageError, match="where its answers stand"):
        add_memory(model, recipe, sampler)


def test_a_recipe_can_bind_a_new_memory_once(recipe_file: Path, infini: Infini) -> None:
    run = recipe_file.parent / "run"
    result = infini("train", recipe_file, "-o", run, "--until", "1")
    assert result.code == 0
    assert re.search(r"layer 1: \d+ % of the queries meet their own keys most, by 0\.", result.err)
    measured = json.loads((run / BINDING).read_text())
    assert measured.keys() == {"1"}
    assert all(0 <= value <= 1 for value in measured["1"].values())
    # Who goes on has learnt since.
    result = infini("train", recipe_file, "-o", run)
    assert result.code == 0
    assert "of the queries meet" not in result.err
    assert (run / ADAPTER).exists()


@pytest.mark.parametrize("num_taps", [1, 3])
def test_queries_and_keys_are_bound_by_what_the_lower_layer_sees(
    num_taps: int, recipe_file: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe_file.write_text(
        recipe_file.read_text().replace(
            "layers = [1]", f"layers = [1]\naddress_layer = 0\nnum_taps = {num_taps}"
        )
    )
    model, recipe = open_tiny(tiny_folder), read_recipe(recipe_file)
    calls: list[tuple[object, object, Labelled, Labelled]] = []

    def bind(*arguments: Any, **_: object) -> Bound:
        calls.append(arguments)  # type: ignore[arg-type]
        return Bound(*[0.0] * 7)

    monkeypatch.setattr(binding, "bind", bind)
    sampler = sampler_of(model, recipe)
    add_memory(model, recipe, sampler)
    ((branch, attention, told, _),) = calls
    assert branch is model.decoder.layers[1].self_attn.memory_branch
    assert attention is model.decoder.layers[0].self_attn
    batch = sampler.draw(recipe.num_steps)
    mark = next(m for m in batch.told[0] if NUM_SINKS <= m.place < batch.segment_lengths[0])
    seen = model.decoder.attention_inputs(batch.ids_BS[:, : batch.segment_lengths[0]], (0, 1))
    (at,) = (told.x_TD == seen[1][0, mark.place]).all(dim=1).nonzero()[0].tolist()
    means = moving_mean(seen[0], num_taps)
    assert torch.equal(told.address_TD[at], means[0, mark.place])


def test_what_tells_nothing_is_learnt_from_plain_text_too_and_not_from_answers(
    recipe_file: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe_file.write_text(
        recipe_file.read_text()
        .replace("layers = [1]", "layers = [1]\nnum_rate_taps = 2")
        .replace("num_batches = 2", "num_batches = 1\nnum_texts = 1")
    )
    model, recipe = open_tiny(tiny_folder), read_recipe(recipe_file)
    seen: list[Labelled] = []

    def bind(branch: object, attention: object, told: Labelled, *_: object, **__: object) -> Bound:
        seen.append(told)
        return Bound(*[0.0] * 7)

    monkeypatch.setattr(binding, "bind", bind)
    monkeypatch.setattr("infini_cli.training.binding.KEPT_SHARE", 1.0)
    sampler = sampler_of(model, recipe)
    add_memory(model, recipe, sampler)
    (told,) = seen
    plain, batch = sampler.plain(recipe.num_steps), sampler.draw(recipe.num_steps + 1)
    assert not plain.told
    assert not plain.weights_BS.any()
    assert plain.ids_BS.shape == (2, 641)
    # Numbers are strewn over it, all keys that training may use, and none where only stories are
    # learnt.
    numbers = [
        int(number)
        for row_S in plain.ids_BS
        for number in re.findall(r" (\d{5})(?!\d)", model.tokenizer.decode(row_S.tolist()))
    ]
    assert len(numbers) > 12
    assert all(KeySplit.TRAINING.holds(number) for number in numbers)
    for share, has_numbers in ((0, False), (1e-9, True)):
        tasks = TasksRecipe(share, babilong=1)
        stories = sampler_of(model, recipe, (), tasks).plain(recipe.num_steps)
        text = model.tokenizer.decode(stories.ids_BS[0].tolist())
        assert (re.search(r"\d{5}", text) is not None) == has_numbers
    wanted = []
    for one in (plain, batch):
        start, answers = 0, one.weights_BS > 0
        for length in one.segment_lengths:
            part, start = slice(start, start + length), start + length
            x_BSD = model.decoder.attention_inputs(one.ids_BS[:, part], (1,))[1][:, NUM_SINKS:]
            both_BSD = torch.cat((x_BSD, moving_mean(x_BSD, 2)), dim=-1)
            wanted.append(both_BSD[~answers[:, part][:, NUM_SINKS:]])
    assert int((batch.weights_BS > 0).sum()) > 0
    assert torch.equal(told.x_TD, torch.cat(wanted))
    # Each digit of a number is a decoy, but for those that are never written.
    ends = list(accumulate(plain.segment_lengths, initial=0))
    num_decoys = sum(
        any(start + NUM_SINKS <= mark.place < end for start, end in pairwise(ends))
        for of_row in plain.decoys
        for mark in of_row
    )
    assert 60 < num_decoys == int((told.subject_T <= DECOY).sum())
    assert int(told.subject_T.min()) > DECOY - 5
    assert int((told.subject_T >= 0).sum()) == sum(
        mark.place >= NUM_SINKS and (mark.place < 320 or mark.place >= 320 + NUM_SINKS)
        for of_row in batch.told
        for mark in of_row
    )


def test_the_head_start_is_of_the_seed_and_moves_what_it_should(
    recipe_file: Path, tiny_folder: Path
) -> None:
    recipe = read_recipe(recipe_file)

    def begin(recipe: Recipe) -> dict[str, torch.Tensor]:
        model = open_tiny(tiny_folder)
        add_memory(model, recipe, sampler_of(model, recipe))
        return dict(model.decoder.state_dict())

    once, again = begin(recipe), begin(recipe)
    without = begin(replace(recipe, binding=replace(recipe.binding, num_batches=0)))
    changed = {name for name in once if not torch.equal(once[name], without[name])}
    assert all(torch.equal(once[name], again[name]) for name in once)
    parts = {name.partition(".memory_branch.")[2].split(".")[0] for name in changed}
    assert parts == {
        *("query", "key", "query_map", "key_map", "query_center", "key_center"),
        *("rate", "read_gate"),
    }


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("num_batches = 2", "num_batches = -1", "num_batches"),
        ("num_batches = 2", "num_texts = -1", "num_texts"),
        ("num_steps = 2\n", 'num_steps = 2\nstart = "a.safetensors"\n', "binding"),
    ],
)
def test_impossible_head_starts_are_refused(
    old: str, new: str, named: str, recipe_file: Path
) -> None:
    recipe_file.write_text(recipe_file.read_text().replace(old, new, 1))
    with pytest.raises(UsageError, match=named):
        read_recipe(recipe_file)


def test_a_head_start_has_no_plain_text_where_none_is_named(recipe_file: Path) -> None:
    text = recipe_file.read_text().replace('text_share = 0.5\ntexts = "texts"\n', "")
    recipe_file.write_text(text)
    assert not read_recipe(recipe_file).samples.texts
    recipe_file.write_text(text.replace("num_batches = 2", "num_batches = 2\nnum_texts = 1"))
    with pytest.raises(UsageError, match="texts"):
        read_recipe(recipe_file)


def test_recalls_are_of_no_subject(recipe_file: Path, tiny_folder: Path) -> None:
    model, recipe = open_tiny(tiny_folder), read_recipe(recipe_file)
    samples = replace(recipe.samples, carry_share=1.0, num_recalls=2)
    batch = sampler_of(model, replace(recipe, samples=samples)).draw(3)
    recalled = int(batch.weights_BS[0].sum()) - len(batch.asked[0])
    assert recalled > 0
    for mark in batch.asked[0]:
        assert mark.subject in {one.subject for one in batch.told[0]}


@pytest.mark.parametrize("factor", [0.0, 0.5])
def test_what_the_head_start_taught_may_stay(
    factor: float, recipe_file: Path, infini: Infini
) -> None:
    text = recipe_file.read_text()
    recipe_file.write_text(text + f"bound_factor = {factor}\nweight_decay = 0.5\n")
    run = recipe_file.parent / "run"
    saved: list[dict[str, torch.Tensor]] = []
    for until in ("1", "2"):
        assert infini("train", recipe_file, "-o", run, "--until", until).code == 0
        saved.append(load_file(run / ADAPTER))
    first, second = saved
    for name, tensor in first.items():
        is_bound = any(part in name for part in BOUND)
        is_still = torch.equal(tensor, second[name])
        if is_bound and ".down_RI" not in name:
            assert is_still is (factor == 0), name
        elif name.endswith((".value.up_OR", ".output.up_OR", ".gain")):
            assert not is_still, name
