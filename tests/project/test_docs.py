"""Links lead somewhere, no page is lost, and commands in the documentation exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from infini_cli.commands.program import app
from infini_cli.errors import InfiniError
from infini_cli.ui.terminal import Settings
from tests.project.imports import ROOT, modules
from tests.project.pages import (
    Command,
    anchors,
    commands,
    links,
    pages,
    prose,
    sessions,
    split_line,
)

PAGES = pages()
PROGRAMS = ("infini", ".venv/bin/infini")
PLACEHOLDERS = {"VERB"}


@cache
def program() -> Any:
    return typer.main.get_command(app)


def all_commands() -> list[Command]:
    return [command for path in PAGES for command in commands(path)]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    broken = []
    for target in links(text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        other = (path.parent / file).resolve() if file else path
        found = other.exists() and other.is_relative_to(ROOT)
        if found and fragment:
            found = fragment in anchors(other.read_text(encoding="utf-8"))
        if not found:
            broken.append(target)
    assert not broken


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    seen = {index}
    queue = [index]
    while queue:
        page = queue.pop()
        for target in links(page.read_text(encoding="utf-8")):
            other = (page.parent / target.partition("#")[0]).resolve()
            if other.suffix == ".md" and other.is_file() and other not in seen:
                seen.add(other)
                queue.append(other)
    lost = [name(page) for page in PAGES if page.is_relative_to(ROOT / "docs") and page not in seen]
    assert not lost


def test_pages_begin_with_one_title() -> None:
    wrong = []
    for path in PAGES:
        text = prose(path.read_text(encoding="utf-8"))
        titles = re.findall(r"^# .+$", text, re.MULTILINE)
        if path.is_relative_to(ROOT / "docs") and (len(titles) != 1 or not text.startswith("# ")):
            wrong.append(name(path))
    assert not wrong


def test_commands_exist() -> None:
    """Every `infini ...` that a page shows has a verb and options that the program knows."""
    problems = [
        f"{command}: {problem}"
        for command in all_commands()
        if command.words[0] in PROGRAMS
        for problem in check_command(command.words[1:], is_whole=command.is_whole)
    ]
    assert not problems


def check_command(words: tuple[str, ...], *, is_whole: bool = True) -> Iterator[str]:
    """Say what the program has against a command line, which is parsed and not run.

    Args:
        words: without the program's name.
        is_whole: whether it must have all its arguments, or only names a verb.
    """
    if PLACEHOLDERS & set(words) or {"--help", "--version"} & set(words):
        return
    try:
        program().main(list(words), prog_name="infini", standalone_mode=False, obj=Settings())
    except typer.TyperException as error:
        if is_whole or type(error).__name__ not in ("MissingParameter", "NoArgsIsHelpError"):
            yield error.format_message()


def _names(parameter: Any) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


def known_options(command: Any, path: str) -> Iterator[str]:
    """Give the options of a command and of those below it."""
    yield from (option for parameter in command.params for option in _names(parameter))
    if hasattr(command, "list_commands"):
        context = typer.Context(command, info_name=path)
        for child in command.list_commands(context):
            yield from known_options(command.get_command(context, child), child)


SESSIONS = [(path, *session) for path in PAGES for session in sessions(path)]
WITHOUT_MODEL = ("toc", "extract", "version", "--help", "lead", "textrank")


@pytest.mark.parametrize(("path", "line", "shown"), SESSIONS, ids=[line for _, line, _ in SESSIONS])
def test_sessions_show_what_the_program_writes(path: Path, line: str, shown: str) -> None:
    """A line of dots stands for anything; a session that needs a model is not run."""
    (words,) = split_line(line)
    if not set(WITHOUT_MODEL) & set(words):
        pytest.skip("needs a model")
    command = [sys.executable, "-m", "infini_cli", *words[1:]]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    pattern = re.escape(shown.rstrip("\n")).replace(r"\.\.\.", ".*")
    assert re.fullmatch(pattern, done.stdout.rstrip("\n"), re.DOTALL), done.stdout + done.stderr


def test_options_named_alone_exist() -> None:
    """Every option that stands in the text by itself belongs to some verb."""
    known = {"--help"} | set(known_options(program(), "infini"))
    guides = [path for path in PAGES if path.is_relative_to(ROOT / "docs")]
    unknown = [
        f"{name(path)}: {option}"
        for path in guides
        for option in re.findall(r"`(--[a-z-]+)[^`]*`", prose(path.read_text(encoding="utf-8")))
        if option not in known
    ]
    assert not unknown


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for command in all_commands()
        if command.words[0] == "make"
        for word in command.words[1:]
        if "=" not in word and not word.startswith("-")
    }
    for path in PAGES:
        named |= set(re.findall(r"`make ([a-z-]+)[^`]*`", path.read_text(encoding="utf-8")))
    assert named - {"alone"} <= targets


@pytest.mark.parametrize("page", ["troubleshooting", "batch-and-scripts"])
def test_exit_codes_are_those_of_the_errors(page: str) -> None:
    text = (ROOT / "docs" / "guides" / f"{page}.md").read_text(encoding="utf-8")
    section = text[text.index("## Exit codes") :]
    stated = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    kinds = [InfiniError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert stated == {0, *(kind.exit_code for kind in kinds)}


def test_quoted_messages_are_the_program_s() -> None:
    """Troubleshooting quotes messages; each quotation occurs in the program's source."""
    page = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text(encoding="utf-8")
    sources = " ".join(module.path.read_text(encoding="utf-8") for module in modules().values())
    quoted = {
        phrase
        for bold in re.findall(r"^\*\*(\".+?)\*\*", page, re.MULTILINE)
        for phrase in re.findall(r"\"([^\"]+)\"", bold)
    }
    assert quoted
    assert not {phrase for phrase in quoted if phrase.rstrip(".,") not in sources}


def test_environment_variables_are_documented() -> None:
    """The table names every variable that the program reads, and no other."""
    page = ROOT / "docs" / "guides" / "batch-and-scripts.md"
    stated = set(re.findall(r"^\| `(INFINI_\w+)` \|", page.read_text(encoding="utf-8"), re.M))
    read = {
        variable
        for module in modules().values()
        for variable in re.findall(r"\"(INFINI_\w+)\"", module.path.read_text(encoding="utf-8"))
    }
    assert stated == read


def test_shell_lines_are_split() -> None:
    """The reader of commands finds them behind prompts, pipes and redirections."""
    assert list(split_line("infini extract b.epub | wc -w > n.txt  # count")) == [
        ("infini", "extract", "b.epub"),
        ("wc", "-w"),
    ]
    assert list(check_command(("nothing",)))
    assert list(check_command(("toc", "--nothing")))
    assert list(check_command(("summarize", "book.epub", "--method", "nothing")))
    assert not list(check_command(("toc", "book.epub", "--json")))
