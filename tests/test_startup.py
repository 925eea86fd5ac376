"""What starts fast stays fast: heavy packages are imported by what needs them alone."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAVY = {
    "torch",
    "transformers",
    "numpy",
    "safetensors",
    "tokenizers",
    "huggingface_hub",
    "pypdf",
    "lxml",
    "ebooklib",
    "rich",
    "jinja2",
    "gguf",
    "bm25s",
}
SCRIPT = textwrap.dedent(
    """
    import sys
    from infini_cli.__main__ import main

    code = main(sys.argv[1:])
    print("\\nimported:", *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
    sys.exit(code)
    """
)


def imported(*arguments: str) -> set[str]:
    """Run infini in a process of its own and tell what it imported."""
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return set(process.stderr.rpartition("imported:")[2].split())


@pytest.fixture
def text_book(tmp_path: Path) -> str:
    path = tmp_path / "book.txt"
    path.write_text("Chapter 1\n\n" + "Some words of a story. " * 100)
    return str(path)


def test_help_imports_next_to_nothing() -> None:
    assert not imported("--help") & (HEAVY | {"pydantic", "platformdirs", "filelock"})


def test_version_imports_nothing_heavy() -> None:
    assert not imported("--version") & HEAVY


@pytest.mark.parametrize(
    "verb", ["summarize", "ask", "chat", "read", "batch", "recipes", "models", "memory"]
)
def test_help_of_a_verb_imports_nothing_heavy(verb: str) -> None:
    assert not imported(verb, "--help") & HEAVY


@pytest.mark.parametrize("verb", ["toc", "extract"])
def test_reading_a_book_imports_no_model(verb: str, text_book: str) -> None:
    heavy = HEAVY - {"numpy", "lxml"}
    assert not imported(verb, text_book) & heavy


@pytest.mark.parametrize("arguments", [["models", "list"], ["memory", "list"], ["recipes", "list"]])
def test_lists_import_no_torch(arguments: list[str]) -> None:
    assert not imported(*arguments) & {"torch", "transformers", "huggingface_hub"}
