"""Recipes: how a summary is to be written, as one TOML file.

description = "What happens, from the first event to the last"
method = "notes"                 # as `--method`, but with a model
length = "medium"                # as `--length`

[options]
by_chapter = false               # as `--by chapter`
strict = false                   # as `--strict`
one_paragraph = false            # paragraphs are joined
segment_length = 0               # the most tokens that a note is written on; 0: the model's own

[prompts]                        # what is not here is asked as ever; see `Instructions`
note = "..."                     # on each segment of the book
shorten = "... {words} ..."      # several notes to one sentence
chapter = "... {words} ..."      # notes to the summary of a chapter
merge = "... {words} ..."        # `incremental`: the first notes
update = "... {words} ..."       # `incremental`: the summary so far and the next notes
memory = "... {title} {words}"   # `memory`: from the model's memory alone

[[sections]]                     # none, or headings with a prompt for each
title = "People"
prompt = "... {words} ..."       # several notes to one sentence
"""

from __future__ import annotations

import difflib
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from infini_cli.errors import UsageError
from infini_cli.tasks.instructions import USUAL, ending
from infini_cli.tasks.length import parse_length
from infini_cli.tasks.requests import SectionStyle, Style, SummaryRequest
from infini_cli.typed_values import make_part, read_toml

FOLDER = Path(__file__).parents[1] / "recipes"
SUFFIX = ".toml"
METHODS = ("notes", "hierarchical", "incremental", "memory")
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "note": frozenset(),
    "shorten": frozenset({"words"}),
    "chapter": frozenset({"words"}),
    "merge": frozenset({"words"}),
    "update": frozenset({"words"}),
    "memory": frozenset({"title", "words"}),
}
MAX_PROMPT_CHARACTERS = 2000
MAX_SECTIONS = 12
MIN_SEGMENT_LENGTH = 16
EXAMPLE = "`infini recipes show plot` is an example"


@dataclass(frozen=True, slots=True)
class OptionsRecipe:
    """See the example above."""

    by_chapter: bool = False
    strict: bool = False
    one_paragraph: bool = False
    segment_length: int = 0


@dataclass(frozen=True, slots=True)
class PromptsRecipe:
    """See the example above; an empty one is the usual one."""

    note: str = ""
    shorten: str = ""
    chapter: str = ""
    merge: str = ""
    update: str = ""
    memory: str = ""


@dataclass(frozen=True, slots=True)
class SectionRecipe:
    """See the example above."""

    title: str
    prompt: str


@dataclass(frozen=True, slots=True)
class SummaryRecipe:
    """A whole recipe; `name` is its file's, without the suffix."""

    description: str
    method: str = "notes"
    length: str = "medium"
    options: OptionsRecipe = OptionsRecipe()
    prompts: PromptsRecipe = PromptsRecipe()
    sections: tuple[SectionRecipe, ...] = ()
    name: str = ""

    @property
    def style(self) -> Style:
        """What the tasks need of it."""
        own = {name: ending(text) for name, text in asdict(self.prompts).items() if text}
        if self.prompts.memory:
            own["memory"] = self.prompts.memory.strip()  # nothing stands before it
        return Style(
            name=self.name,
            instructions=replace(USUAL, **own),
            sections=tuple(
                SectionStyle(section.title.strip(), ending(section.prompt))
                for section in self.sections
            ),
            one_paragraph=self.options.one_paragraph,
            segment_length=self.options.segment_length or None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {"name": self.name, **{k: v for k, v in asdict(self).items() if k != "name"}}


def built_in() -> tuple[SummaryRecipe, ...]:
    """Give the recipes that come with infini, by name."""
    return tuple(read_recipe(path) for path in sorted(FOLDER.glob(f"*{SUFFIX}")))


def find_recipe(name: str) -> Path:
    """Find a recipe's file.

    Args:
        name: of one that comes with infini, or a path that ends in `.toml`.

    Raises:
        UsageError: there is none of that name.
    """
    if name.endswith(SUFFIX):
        return Path(name)
    known = {path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        others = f"there are {', '.join(known)}; a file of your own ends in `{SUFFIX}`"
        hint = f"did you mean `{close[0]}`?" if close else others
        raise UsageError(f"there is no recipe `{name}`", hint=hint)
    return known[name]


def request_of(name: str | None, **given: Any) -> SummaryRequest:
    """Make a request of a recipe and of what was asked besides, which wins.

    Args:
        name: of a recipe, or its file; None: no recipe.
        given: fields of the request; None: what the recipe says, or else what is usual.

    Raises:
        InputNotFound, UsageError: the recipe cannot be used.
    """
    asked = {field: value for field, value in given.items() if value is not None}
    if name is None:
        return SummaryRequest(**asked)
    recipe = read_recipe(find_recipe(name))
    usual = {
        "method": recipe.method,
        "length": recipe.length,
        "by_chapter": recipe.options.by_chapter,
        "strict": recipe.options.strict,
    }
    request = SummaryRequest(**{**usual, **asked}, style=recipe.style)
    check_sections(recipe.style, request.method, by_chapter=request.by_chapter)
    return request


def read_recipe(path: Path) -> SummaryRecipe:
    """Read a recipe and check everything in it.

    Raises:
        InputNotFound: there is no such file.
        UsageError: it is no TOML, or something in it is missing, unknown or out of bounds.
    """
    try:
        recipe = _made(read_toml(path), path.stem)
        _check(recipe)
    except UsageError as error:
        told = error.hint if error.hint != UsageError.usual_hint else None
        message = error.message if path.name in error.message else f"{path.name}: {error.message}"
        raise UsageError(message, hint=told or EXAMPLE) from error
    return recipe


def _made(values: dict[str, Any], name: str) -> SummaryRecipe:
    if "name" in values:
        raise UsageError("`name` is not known", hint="a recipe is named by its file")
    options = make_part(OptionsRecipe, values.pop("options", {}), "options.")
    own = values.pop("prompts", {})
    asked = make_part(PromptsRecipe, own, "prompts.")
    for key in own:
        _check_prompt(getattr(asked, key), f"prompts.{key}", PLACEHOLDERS[key])
    sections = values.pop("sections", [])
    if not isinstance(sections, list) or len(sections) > MAX_SECTIONS:
        raise UsageError(f"`sections` is no list of at most {MAX_SECTIONS} tables")
    made = tuple(make_part(SectionRecipe, section, "sections.") for section in sections)
    known = make_part(_Head, values)
    return SummaryRecipe(known.description, known.method, known.length, options, asked, made, name)


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands above the tables."""

    description: str
    method: str = "notes"
    length: str = "medium"


def _check(recipe: SummaryRecipe) -> None:
    if recipe.method not in METHODS:
        raise UsageError(f"`method` is not one of {', '.join(METHODS)}: {recipe.method!r}")
    parse_length(recipe.length, 1)
    if recipe.options.segment_length and recipe.options.segment_length < MIN_SEGMENT_LENGTH:
        raise UsageError(f"`options.segment_length` is less than {MIN_SEGMENT_LENGTH}")
    for section in recipe.sections:
        if not section.title.strip():
            raise UsageError("`sections.title` is empty")
        _check_prompt(section.prompt, "sections.prompt", PLACEHOLDERS["shorten"])
    check_sections(recipe.style, recipe.method, by_chapter=recipe.options.by_chapter)


def check_sections(style: Style, method: str, *, by_chapter: bool) -> None:
    """Refuse what does not go together with sections.

    Raises:
        UsageError: the style has sections, and they cannot be made so.
    """
    if style.sections and (method != "hierarchical" or by_chapter):
        raise UsageError(
            f"`{style.name}` has sections, which are of the whole book and `hierarchical`",
            hint="leave `--method` and `--by` away, or take another style",
        )


def _check_prompt(text: str, name: str, allowed: frozenset[str]) -> None:
    """Allow plain `{words}` and the like, nothing that looks into them."""
    if not text.strip():
        raise UsageError(f"`{name}` is empty")
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise UsageError(f"`{name}` has more than {MAX_PROMPT_CHARACTERS:,} characters")
    can = ", ".join(f"{{{one}}}" for one in sorted(allowed)) or "no placeholder"
    hint = f"it can have {can}; a brace itself is written twice: `{{{{`"
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f"`{name}` has a brace that stands alone", hint=hint) from error
    for _, field, form, conversion in parts:
        if field is not None and (field not in allowed or form or conversion):
            raise UsageError(f"`{name}` has an unknown placeholder: `{{{field}}}`", hint=hint)
