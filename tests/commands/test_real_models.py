"""Whole commands with the real models; `INFINI_TEST_MODELS` names a data folder that has them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.commands.run import Infini

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "the-brass-tolm.epub"
DEFAULT = "qwen2.5-coder-1.5b-infini"
SMALL = "smollm2-135m-infini"


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use the models of the folder, or skip."""
    folder = Path(os.environ.get("INFINI_TEST_MODELS") or "/nonexistent")
    for name in (DEFAULT, SMALL):
        if not list((folder / "models" / name).glob("*.gguf")):
            pytest.skip("INFINI_TEST_MODELS names no data folder with both models")
    monkeypatch.setenv("INFINI_HOME", str(folder))
    return folder


@pytest.mark.small_model
def test_the_small_model_reads_a_chapter_to_its_end(infini: Infini) -> None:
    command = ("summarize", EXAMPLE, "-m", SMALL, "--chapters", 1, "--no-cache", "--offline")
    document = json.loads(infini(*command, "--json").out)
    assert document["coverage"]["dropped"] == 0
    assert document["coverage"]["tokens_read"] > 1000
    assert document["text"]
    # It was taught to write: not all of it is quoted.
    assert any(not sentence["text"].startswith("“") for sentence in document["sentences"])
    without = json.loads(infini(*command, "--json", "--writer", "none").out)
    assert without["text"] != document["text"]


@pytest.mark.large_model
@pytest.mark.timeout(900)
def test_the_default_model_names_who_acts(infini: Infini) -> None:
    command = ("summarize", EXAMPLE, "--chapters", 1, "--no-cache", "--offline", "--json")
    document = json.loads(infini(*command).out)
    assert document["coverage"]["dropped"] == 0
    assert "Nerrin" in document["text"]
    for sentence in document["sentences"]:
        assert sentence["supported"]
        assert {citation["chapter_label"] for citation in sentence["citations"]} == {"1"}


@pytest.mark.large_model
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How much did the Office pay a day to hire the Obedient Goose?", ("five lenz", "5 lenz")),
        ("Who is the postmaster of Quarne?", ("Orlo",)),
    ],
)
def test_the_default_model_answers_from_passages(
    infini: Infini, question: str, words: tuple[str, ...]
) -> None:
    document = json.loads(infini("ask", EXAMPLE, question, "--offline", "--json").out)
    assert any(word in document["answer"] for word in words)
    assert document["citations"]
