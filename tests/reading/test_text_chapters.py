from __future__ import annotations

import pytest

from infini_cli.reading.text_chapters import text_starts
from infini_cli.reading.text_layout import split_paragraphs

BODY = (
    "\n\n"
    + "The rain fell on the roofs and the town slept under it, as it had for years. " * 6
    + "\n\n"
)


def titles(text: str) -> list[str]:
    return [start.title for start in text_starts(split_paragraphs(text))]


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["CHAPTER I", "CHAPTER II"], ["CHAPTER I", "CHAPTER II"]),
        (
            ["CHAPTER I\n\nIn Chancery", "CHAPTER II\nIn Fashion"],
            ["CHAPTER I. In Chancery", "CHAPTER II In Fashion"],
        ),
        (
            ["PROLOGUE", "Chapter 1. The Fox", "EPILOGUE"],
            ["PROLOGUE", "Chapter 1. The Fox", "EPILOGUE"],
        ),
        (["I", "II", "III"], ["I", "II", "III"]),
        (["1. The Fox", "2. The Hen"], ["1. The Fox", "2. The Hen"]),
        (
            ["ACT I", "SCENE I. A wood.", "SCENE II. A town."],
            ["ACT I", "SCENE I. A wood.", "SCENE II. A town."],
        ),
    ],
)
def test_headings_open_chapters(headings: list[str], expected: list[str]) -> None:
    assert titles(BODY.join([*headings, ""])) == expected


def test_contents_in_front_is_not_taken_for_chapters() -> None:
    contents = "CONTENTS\n\nCHAPTER I. The Fox\n\nCHAPTER II. The Hen\n\n\n"
    body = f"CHAPTER I. The Fox{BODY}CHAPTER II. The Hen{BODY}"
    assert titles(contents + body) == ["CONTENTS", "CHAPTER I. The Fox", "CHAPTER II. The Hen"]


def test_chapters_that_start_again_in_each_part_all_count() -> None:
    text = "".join(f"PART {part}{BODY}CHAPTER I{BODY}CHAPTER II{BODY}" for part in ("ONE", "TWO"))
    starts = text_starts(split_paragraphs(text))
    assert [(s.title, s.depth) for s in starts] == [
        ("PART ONE", 0), ("CHAPTER I", 1), ("CHAPTER II", 1),
        ("PART TWO", 0), ("CHAPTER I", 1), ("CHAPTER II", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [f"7{BODY}", f"I{BODY}", f"1914{BODY}1915{BODY}", BODY, ""])
def test_stray_numbers_open_nothing(text: str) -> None:
    assert titles(text) == []


def test_numbers_beside_keyword_chapters_open_nothing() -> None:
    assert titles(f"CHAPTER I{BODY}1{BODY}2{BODY}CHAPTER II{BODY}") == ["CHAPTER I", "CHAPTER II"]
