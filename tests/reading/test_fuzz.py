"""A few mutants of every format in each run; `python -m tests.reading.fuzz` reads many."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tests.reading import fuzz
from tests.reading.fuzz import base_files, mutants, try_mutants
from tests.store.weights_files import KINDS

NUM_MUTANTS = {"pdf": 4, "docx": 20, "gguf": 15, "safetensors": 15, "infmem": 60}
"""PDFs are opened in a process each, and Word documents and models take a tenth of a second."""


@pytest.mark.parametrize("kind", [*sorted(base_files()), *KINDS])
def test_mutants_end_as_they_should_or_as_errors_with_a_hint(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INFINI_HOME", str(tmp_path))  # to be put back
    num_mutants = NUM_MUTANTS.get(kind, 40)
    findings, outcomes = try_mutants(kind, 1, num_mutants)
    assert not findings, [(finding.number, finding.what) for finding in findings]
    assert outcomes.total() == num_mutants
    assert outcomes["read"] > 0, "the small files themselves can be read"


def test_the_same_seed_gives_the_same_mutants() -> None:
    base = base_files()["fb2"]
    runs = [list(islice(mutants("fb2", base, seed), 20)) for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


def test_a_failure_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: bytes, *, name: str) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(fuzz, "read_book", fail)
    findings, outcomes = try_mutants("txt", 0, 2)
    assert [finding.number for finding in findings] == [0, 1]
    assert all("KeyError" in finding.what for finding in findings)
    assert outcomes == {"failure": 2}
