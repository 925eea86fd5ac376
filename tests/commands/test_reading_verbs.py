"""toc and extract on small books."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import BOOK, CHAPTERS
from tests.commands.run import Infini
from tests.reading.build_documents import RAIN, story_docx


def test_toc_lists_chapters(infini: Infini, book: Path) -> None:
    outcome = infini("toc", book)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["chapter", "words", "read", "title"]
    titles = [line for line in lines if "Chapter" in line]
    assert len(titles) == CHAPTERS
    assert all("yes" in line for line in titles)


def test_toc_as_json(infini: Infini, book: Path) -> None:
    values = json.loads(infini("toc", book, "--json").out)
    assert values["schema"] == "infini/2"
    assert values["book"]["format"] == "markdown"
    assert values["book"]["num_words"] > 60 * CHAPTERS
    assert [c["title"] for c in values["chapters"] if c["read"]][-1] == "Chapter 3: Part 3"


def test_chapters_are_chosen(infini: Infini, book: Path) -> None:
    labels = {
        chapter["title"][:9]: chapter["label"]
        for chapter in json.loads(infini("toc", book, "--json").out)["chapters"]
    }
    second = infini("extract", book, "--chapters", labels["Chapter 2"]).out
    assert "chapter 2." in second
    assert "chapter 1." not in second
    assert "chapter 3." not in second
    upto = infini("extract", book, "--upto", labels["Chapter 2"]).out
    assert "chapter 1." in upto
    assert "chapter 2." in upto
    assert "chapter 3." not in upto


def test_labels_stand_right_aligned_and_choose(infini: Infini, tmp_path: Path) -> None:
    path = tmp_path / "rain.md"
    path.write_text("# Contents\n\nOne, 1\n\n# One\n\nIt rained.\n\n# Notes\n\nA cloud.\n")
    assert infini("toc", path).out == (
        "chapter  words  read                   title\n"
        "      i      3  no: table of contents  Contents\n"
        "      1      3  yes                    One\n"
        "     ii      3  no: notes              Notes\n"
    )
    assert "A cloud." in infini("extract", path, "--chapters", "ii").out
    blocks = infini("extract", path, "--chapters", "1,ii", "-f", "jsonl").out.splitlines()
    assert [json.loads(line)["chapter"] for line in blocks] == ["1", "1", "ii", "ii"]
    outcome = infini("extract", path, "--upto", 2)
    assert outcome.err == (
        "error: there is no chapter 2\n\n"
        "hint: the book has chapters 1 to 1, and i to ii outside the body\n"
    )


@pytest.mark.parametrize("chapters", ["0", "x", "3-1", "99", ""])
def test_impossible_chapters(chapters: str, infini: Infini, book: Path) -> None:
    outcome = infini("extract", book, "--chapters", chapters)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")


def test_extract_in_every_form(infini: Infini, book: Path) -> None:
    text = infini("extract", book).out
    assert text.endswith("\n")
    assert "Sentence of chapter 3." in text
    assert "## " in infini("extract", book, "--format", "md").out
    blocks = [json.loads(line) for line in infini("extract", book, "-f", "jsonl").out.splitlines()]
    assert len(blocks) >= 2 * CHAPTERS
    values = json.loads(infini("extract", book, "--json").out)
    assert values["schema"] == "infini/2"
    assert sum(len(c["blocks"]) for c in values["chapters"]) >= 2 * CHAPTERS


def test_extract_to_a_file_is_the_same(infini: Infini, book: Path, tmp_path: Path) -> None:
    outcome = infini("extract", book, "-o", tmp_path / "out.txt")
    assert (outcome.code, outcome.out) == (0, "")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == infini("extract", book).out


def test_extract_does_not_overwrite_the_book(infini: Infini, book: Path) -> None:
    before = book.read_bytes()
    assert infini("extract", book, "-o", book).code == 2
    assert book.read_bytes() == before


def test_stdin_is_a_book_too(infini: Infini, book: Path) -> None:
    from_file = infini("extract", book).out
    assert infini("extract", "-", stdin=BOOK.encode()).out == from_file
    assert infini("extract", stdin=BOOK.encode()).out == from_file


def test_a_declared_type_wins(infini: Infini) -> None:
    data = BOOK.encode()
    for kind in ("text", "markdown"):
        values = json.loads(infini("toc", "-", "--type", kind, "--json", stdin=data).out)
        assert values["book"]["format"] == kind


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "no file"),
        (b"", "empty"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"\x7fELF" + bytes(100), "program"),
        (b"BOOKMOBI".rjust(68, b"x"), "Kindle"),
    ],
)
def test_what_cannot_be_read_is_exit_code_3(
    content: bytes | None, word: str, infini: Infini, tmp_path: Path
) -> None:
    path = tmp_path / "book.epub"
    if content is not None:
        path.write_bytes(content)
    for verb in ("toc", "extract"):
        outcome = infini(verb, path)
        assert (outcome.code, outcome.out) == (3, "")
        assert outcome.err.startswith("error: ")
        assert word in outcome.err


def test_a_folder_is_no_book(infini: Infini, tmp_path: Path) -> None:
    outcome = infini("toc", tmp_path)
    assert outcome.code == 3
    assert "infini batch" in outcome.err


def test_decisions_are_told_with_v(infini: Infini, tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("Chapter 1\n\nCafé crème, déjà vu. ".encode("cp1252") * 20)
    assert infini("toc", path).err == ""
    assert "decoded as" in infini("toc", path, "-v").err
    assert infini("-q", "toc", path, "-v").err == ""


def test_nothing_touches_the_network(
    infini: Infini, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the network was touched")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for arguments in (
        ["toc", book],
        ["extract", book],
        ["models", "list"],
        ["memory", "list"],
        ["memory", "prune"],
        ["version"],
    ):
        outcome = infini(*arguments)
        assert outcome.code == 0, outcome.err


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are a thing of Unix")
@pytest.mark.parametrize("verb", ["toc", "extract"])
def test_results_are_the_same_with_a_terminal_beside_them(
    verb: str, book: Path, tmp_path: Path, infini: Infini
) -> None:
    from tests.ui.terminals import run_on_terminal

    command = [sys.executable, "-m", "infini_cli", verb, str(book), "-v"]
    run = run_on_terminal(command, tmp_path)
    assert run.code == 0
    assert run.stdout == infini(verb, book).out.encode()


def test_other_formats_and_a_folder(infini: Infini, tmp_path: Path) -> None:
    rain = tmp_path / "rain.docx"
    rain.write_bytes(story_docx(RAIN))
    assert "Chapter 2: Flood" in infini("toc", rain).out
    assert infini("toc", rain, "--type", "odt").code == 3
    for number, title in ((10, "Flood"), (9, "Drizzle")):
        (tmp_path / f"{number}.html").write_text(f"<h1>{title}</h1><p>It rained.", encoding="utf-8")
    text = infini("extract", tmp_path, "--format", "md").out
    assert 0 < text.index("Drizzle") < text.index("Flood")
