"""The example book: its size, its questions, and that all its forms are one book."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FORMATS = ("epub", "pdf", "txt")


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_build", EXAMPLES / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass with postponed annotations looks its module up by name.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def source(build: ModuleType) -> Any:
    return build.parse((EXAMPLES / "the-brass-tolm.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def plain_words(chapter: Any) -> list[str]:
    return " ".join([chapter.title, *chapter.paragraphs]).replace("*", "").split()


def test_the_book_is_long_enough(source: Any) -> None:
    assert source.title == "The Brass Tolm"
    assert len(source.chapters) == 14
    assert sum(len(plain_words(chapter)) for chapter in source.chapters) >= 12_000
    assert all(
        chapter.title.startswith(f"Chapter {number}: ")
        for number, chapter in enumerate(source.chapters, 1)
    )


def test_a_rebuild_gives_the_committed_bytes(build: ModuleType) -> None:
    built = build.build()
    assert set(built) == {f"the-brass-tolm.{suffix}" for suffix in FORMATS}
    for name, data in built.items():
        assert data == (EXAMPLES / name).read_bytes(), f"{name}: run examples/build.py"


def test_the_text_fits_its_columns() -> None:
    lines = (EXAMPLES / "the-brass-tolm.txt").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 72


@pytest.mark.parametrize("suffix", ["md", *FORMATS])
def test_every_format_reads_as_the_same_book(suffix: str, source: Any) -> None:
    from infini_cli.reading import ReadOptions, read_book

    book = read_book(EXAMPLES / f"the-brass-tolm.{suffix}", options=ReadOptions(), name=None)
    kept = book.kept_chapters
    assert [chapter.title for chapter in kept] == [chapter.title for chapter in source.chapters]
    for chapter, expected in zip(kept, source.chapters, strict=True):
        assert chapter.text.split() == plain_words(expected), chapter.title


def test_the_questions_are_well_formed(questions: list[dict[str, Any]], source: Any) -> None:
    keys = {"id", "question", "answer", "aliases", "chapter", "evidence", "chapters"}
    assert [line["id"] for line in questions] == [f"q{number:02}" for number in range(1, 51)]
    assert len({line["question"] for line in questions}) == 50
    for line in questions:
        assert set(line) == keys
        assert line["question"].endswith("?")
        if line["answer"] is None:
            assert (line["aliases"], line["chapter"], line["evidence"]) == ([], None, None)
            assert line["chapters"] == []
        else:
            assert line["answer"] not in line["aliases"]
            assert line["chapter"] in line["chapters"]
    answered = [line for line in questions if line["answer"] is not None]
    assert len(answered) == 40
    numbers = range(1, len(source.chapters) + 1)
    assert {line["chapter"] for line in answered} == set(numbers)
    assert sum(len(line["chapters"]) > 1 for line in answered) >= 5


def test_the_evidence_stands_in_its_chapter(questions: list[dict[str, Any]]) -> None:
    markdown = (EXAMPLES / "the-brass-tolm.md").read_text(encoding="utf-8")
    chapters = re.split(r"^# ", markdown, flags=re.MULTILINE)[1:]
    for line in questions:
        if line["evidence"] is not None:
            assert line["evidence"] in chapters[line["chapter"] - 1], line["id"]


def test_the_questions_number_chapters_as_infini_does(questions: list[dict[str, Any]]) -> None:
    from infini_cli.reading import read_book

    book = read_book(EXAMPLES / "the-brass-tolm.epub")
    assert book.chapters[0].label == "i"
    texts = {chapter.label: chapter.text for chapter in book.chapters}
    for line in questions:
        if line["evidence"] is not None:
            text = " ".join(texts[str(line["chapter"])].split())
            assert " ".join(line["evidence"].split()) in text, line["id"]


def test_the_summary_covers_every_chapter(source: Any) -> None:
    summary = (EXAMPLES / "summary.md").read_text(encoding="utf-8")
    for chapter in source.chapters:
        assert f"**{chapter.title}.**" in summary
