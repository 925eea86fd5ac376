"""Recipes: those that ship are good, and of others everything is checked."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infini_cli.errors import InputNotFound, UsageError
from infini_cli.tasks.instructions import USUAL, Instructions
from infini_cli.tasks.prompts import NOTE
from infini_cli.tasks.recipes import (
    PLACEHOLDERS,
    PromptsRecipe,
    built_in,
    find_recipe,
    read_recipe,
    request_of,
)
from infini_cli.tasks.requests import SummaryRequest

ROOT = Path(__file__).resolve().parents[2]
HEAD = 'description = "x"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_those_that_ship() -> None:
    found = {recipe.name: recipe for recipe in built_in()}
    assert sorted(found) == ["abstract", "outline", "paragraph", "plot", "study-notes"]
    assert found["outline"].options.by_chapter
    assert found["paragraph"].style.one_paragraph
    sections = found["study-notes"].style.sections
    assert [section.title for section in sections] == ["People", "Places", "Timeline"]
    # These need no reading of their own where a book was summarised before.
    usual = [name for name, recipe in found.items() if recipe.style.instructions.note == NOTE]
    assert usual == ["outline", "paragraph", "plot"]
    for recipe in found.values():
        assert recipe.description
        assert recipe.style.segment_length is None


def test_a_prompt_of_its_own_takes_the_usual_one_s_place(path: Path) -> None:
    path.write_text(HEAD + '[prompts]\nshorten = " In {words} words. "\nmemory = "Of {title}. "\n')
    told = read_recipe(path).style.instructions
    assert told.shorten.format(words=9) == "\n\n---\nIn 9 words."
    assert told.memory == "Of {title}."
    assert told.note == USUAL.note
    assert told.besides == (told.shorten, told.memory)
    assert USUAL.besides == ()


def test_every_prompt_can_be_replaced() -> None:
    names = [field.name for field in fields(Instructions)]
    assert names == [field.name for field in fields(PromptsRecipe)] == list(PLACEHOLDERS)


def test_without_a_recipe_all_is_as_ever() -> None:
    assert request_of(None, method=None, length=None, by_chapter=None) == SummaryRequest()
    assert request_of("outline", length="9w").length == "9w"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`description` is missing"),
        ("description = 1", "`description` is not str"),
        (HEAD + "lenght = 'short'", "`lenght` is not known"),
        (HEAD + "name = 'x'", "`name` is not known"),
        (HEAD + "length = 'huge'", "`huge` is no length"),
        (HEAD + "method = 'lead'", "`method` is not one of"),
        (HEAD + "options = 3", "`options` is no table"),
        (HEAD + "[options]\nstrict = 'yes'", "`options.strict` is not bool"),
        (HEAD + "[options]\nsegment_length = 3", "less than 16"),
        (HEAD + "[options]\nsegment_length = -300", "less than 16"),
        (HEAD + "[options]\nseed = 3", "`options.seed` is not known"),
        (HEAD + "[prompts]\nnotes = 'x'", "`prompts.notes` is not known"),
        (HEAD + "[prompts]\nnote = ' '", "`prompts.note` is empty"),
        (HEAD + "[prompts]\nnote = '{words}'", "`prompts.note` has an unknown placeholder"),
        (HEAD + "[prompts]\nshorten = '{title}'", "unknown placeholder: `{title}`"),
        (HEAD + "[prompts]\nmemory = '{title.__class__}'", "unknown placeholder"),
        (HEAD + "[prompts]\nmemory = '{words!r}'", "unknown placeholder"),
        (HEAD + "[prompts]\nmemory = '{words:{title}}'", "unknown placeholder"),
        (HEAD + "[prompts]\nshorten = '{}'", "unknown placeholder: `{}`"),
        (HEAD + "[prompts]\nshorten = '{0}'", "unknown placeholder"),
        (HEAD + "[prompts]\nshorten = 'a { b'", "a brace that stands alone"),
        (HEAD + f"[prompts]\nshorten = '{'x' * 2001}'", "more than 2,000 characters"),
        (HEAD + "sections = 3", "`sections` is no list"),
        (HEAD + "[[sections]]\ntitle = 'A'", "`sections.prompt` is missing"),
        (HEAD + "[[sections]]\ntitle = ' '\nprompt = 'x'", "`sections.title` is empty"),
        (HEAD + "[[sections]]\ntitle = 'A'\nprompt = '{title}'", "unknown placeholder"),
        (HEAD + "[[sections]]\ntitle = 'A'\nprompt = 'x'\n" * 13, "at most 12"),
        (
            HEAD + "[[sections]]\ntitle = 'A'\nprompt = 'x'\n[options]\nby_chapter = true",
            "sections",
        ),
        ("method = 'memory'\n" + HEAD + "[[sections]]\ntitle = 'A'\nprompt = 'x'", "sections"),
    ],
)
def test_what_a_recipe_cannot_say(text: str, message: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    assert message in caught.value.message
    assert "mine" in caught.value.message
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert caught.value.hint != UsageError.usual_hint


def test_braces_are_written_twice(path: Path) -> None:
    path.write_text(HEAD + "[prompts]\nnote = 'As {{x}}.'\nshorten = '{{{words}}}'")
    told = read_recipe(path).style.instructions
    assert told.note.format() == "\n\n---\nAs {x}."
    assert told.shorten.format(words=3) == "\n\n---\n{3}"


def test_a_recipe_is_found_by_name_or_file(path: Path) -> None:
    assert find_recipe("plot").is_file()
    assert find_recipe(str(path)) == path
    with pytest.raises(InputNotFound, match="cannot read"):
        read_recipe(path)
    with pytest.raises(UsageError, match="no recipe `plod`") as caught:
        find_recipe("plod")
    assert caught.value.hint == "did you mean `plot`?"
    for name in ("", "../plot", "zzzz"):
        with pytest.raises(UsageError, match="no recipe"):
            find_recipe(name)


def test_sections_and_chapters_do_not_go_together() -> None:
    for given_besides in ({"by_chapter": True}, {"method": "lead"}, {"method": "memory"}):
        with pytest.raises(UsageError, match="has sections"):
            request_of("study-notes", **given_besides)


def test_the_guide_shows_a_recipe_and_all_that_ship(path: Path) -> None:
    guide = (ROOT / "docs" / "guides" / "styles.md").read_text(encoding="utf-8")
    path.write_text("\n".join(re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)))
    recipe = read_recipe(path)
    assert recipe.length == "300w"
    assert [section.title for section in recipe.sections] == ["Dishes"]
    listed = re.findall(r"^\| `([a-z-]+)` \| .* \| with", guide, re.MULTILINE)
    assert sorted(listed) == [recipe.name for recipe in built_in()]


@given(st.text(alphabet="{}wordstile.!:[]0 ", max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_prompt_that_is_taken_can_be_filled_in(path: Path, text: str) -> None:
    """What passes the check never fails in the middle of a book."""
    path.write_text(f"{HEAD}[prompts]\nmemory = '''x{text}'''\n")
    try:
        told = read_recipe(path).style.instructions
    except UsageError:
        return
    told.memory.format(title="{words}", words=3)
