"""Read what the documentation's pages say: links, headings, commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.project.imports import ROOT

SHELL = {"sh", "bash", "shell", "console"}
_FENCE = re.compile(r"^(?P<mark>```+|~~~+)(?P<language>[\w-]*).*?\n(?P<body>.*?)^(?P=mark)\s*$",
                    re.MULTILINE | re.DOTALL)  # fmt: skip
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)\)")
_INLINE = re.compile(r"(?<!`)`(?!`)([^`]+)`(?!`)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that a page shows.

    Attributes:
        page: the file, from the project's root.
        words: the command line, split as a shell would.
        is_whole: whether it stands in a block of its own, to be typed as it is.
    """

    page: str
    words: tuple[str, ...]
    is_whole: bool = True

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def pages() -> list[Path]:
    """List every page that a reader may open."""
    roots = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    folders = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*/*.md")]
    found = [*roots, *folders, ROOT / "examples" / "README.md"]
    return sorted(path for path in found if path.is_file())


def prose(text: str) -> str:
    """Give a page without its fenced blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Give the targets of a page's links and pictures."""
    return [match["target"] for match in _LINK.finditer(_INLINE.sub("", prose(text)))]


def anchors(text: str) -> set[str]:
    """Give the fragments that a page's headings make, as the common forges make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 1
        unique = slug
        while unique in found:
            unique, number = f"{slug}-{number}", number + 1
        found.add(unique)
    return found


def commands(path: Path) -> Iterator[Command]:
    """Give the command lines in a page's shell blocks and in its inline code."""
    text = path.read_text(encoding="utf-8")
    page = str(path.relative_to(ROOT))
    lines: list[str] = []
    for match in _FENCE.finditer(text):
        if match["language"] in SHELL:
            body = match["body"].replace("\\\n", " ")
            prompted = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
            # A session shows its prompts; what has none is what the command wrote.
            lines += prompted or body.splitlines()
    for line in lines:
        yield from (Command(page, words) for words in split_line(line))
    for code in _INLINE.findall(prose(text)):
        if code.startswith("infini "):
            yield from (Command(page, words, is_whole=False) for words in split_line(code))


def sessions(path: Path) -> Iterator[tuple[str, str]]:
    """Give the `$ infini ...` lines of a page's console blocks, each with the output shown."""
    for match in _FENCE.finditer(path.read_text(encoding="utf-8")):
        if match["language"] != "console":
            continue
        for part in re.split(r"^\$ ", match["body"], flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            if line.startswith("infini "):
                yield line, output


def split_line(line: str) -> Iterator[tuple[str, ...]]:
    """Split a shell line into its commands; redirections are left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    skip_next = False
    for word in lexer:
        if set(word) <= set("|&;"):
            if words:
                yield tuple(words)
            words = []
        elif set(word) <= set("<>&"):
            skip_next = True
        elif skip_next:
            skip_next = False
        else:
            words.append(word)
    if words:
        yield tuple(words)
