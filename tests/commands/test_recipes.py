"""`infini recipes`: listed, shown, copied, and a copy is a recipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infini_cli.schema import SCHEMA
from infini_cli.tasks.recipes import find_recipe
from tests.commands.run import Infini


def test_recipes_are_listed(infini: Infini) -> None:
    outcome = infini("recipes", "list")
    assert outcome.code == 0
    names = [line.split()[0] for line in outcome.out.splitlines()[1:]]
    assert names == ["abstract", "outline", "paragraph", "plot", "study-notes"]
    listed = json.loads(infini("recipes", "list", "--json").out)
    assert listed["schema"] == SCHEMA
    assert [recipe["name"] for recipe in listed["recipes"]] == names


def test_a_recipe_is_shown_as_it_is(infini: Infini) -> None:
    outcome = infini("recipes", "show", "study-notes")
    assert outcome.out == find_recipe("study-notes").read_text(encoding="utf-8")
    shown = json.loads(infini("recipes", "show", "study-notes", "--json").out)
    assert [section["title"] for section in shown["sections"]] == ["People", "Places", "Timeline"]


def test_a_copy_can_be_changed_and_used(infini: Infini, book: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    outcome = infini("recipes", "copy", "outline", mine)
    assert (outcome.code, outcome.out) == (0, "")
    assert f"`--style {mine}`" in outcome.err
    assert mine.read_bytes() == find_recipe("outline").read_bytes()
    again = infini("recipes", "copy", "plot", mine)
    assert again.code == 2
    assert "is there already" in again.err
    assert infini("recipes", "show", mine).code == 0
    made = infini("summarize", book, "--style", mine, "--method", "lead")
    assert made.code == 0
    assert "\n## 3. " in made.out


def test_a_copy_is_named_after_its_recipe(
    infini: Infini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(infini("recipes", "copy", "plot", "--json").out)["path"] == "plot.toml"
    assert (tmp_path / "plot.toml").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (("recipes", "show", "nothing"), 2, "no recipe `nothing`", "there are abstract"),
        (("recipes", "show", "nothing.toml"), 3, "cannot read `nothing.toml`", "check the path"),
        (("recipes", "copy", "plot", "plot.txt"), 2, "does not end in `.toml`", "told by it"),
        (("summarize", "b.epub", "--style", "plott"), 2, "no recipe `plott`", "`plot`?"),
        (
            ("summarize", "b.epub", "--style", "study-notes", "--by", "chapter"),
            2,
            "sections",
            "--by",
        ),
        (("batch", "b.epub", "-o", "out", "--style", "x.toml"), 3, "cannot read", "check the path"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    hint: str,
    infini: Infini,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.epub").write_text("x")
    outcome = infini(*arguments)
    assert outcome.code == code
    told, _, hinted = outcome.err.partition("\n\nhint: ")
    assert message in told
    assert hint in hinted
    assert outcome.out == ""
