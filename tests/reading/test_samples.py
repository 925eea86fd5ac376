"""Every sample file of the corpora ends as the kept table says, and no valid book is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.reading.samples import OK, Sample, kept_table, read_sample, sample_files

NUM_EPUBS = 103
NUM_PDFS = 102
# Valid, and yet no book to read.
WITHOUT_TEXT = {
    "epub3__content-svg-in-spine-valid",  # drawings
    "epub3__content-xhtml-iframe-basic-valid",  # a frame around a page that is not in the spine
    "epub3__fallback-chain-waterfall-valid",  # pictures
}
LOCKED = {"epub3__ocf-encryption-unknown-valid"}


def test_the_table_refuses_no_valid_book() -> None:
    outcomes = {Path(sample.path).stem: sample.outcome for sample in kept_table()}
    valid = {name for name in outcomes if name.endswith(("-valid", "-warning"))}
    assert len(valid) > 20
    refused = {name: outcomes[name] for name in valid if outcomes[name] != OK}
    assert refused == {
        **dict.fromkeys(WITHOUT_TEXT, "NoTextInput"),
        **dict.fromkeys(LOCKED, "ProtectedInput"),
    }


def test_the_table_holds_every_sample_and_no_text() -> None:
    kinds = Counter(sample.path.rpartition(".")[2] for sample in kept_table())
    assert kinds == {"epub": NUM_EPUBS, "pdf": NUM_PDFS}
    assert all((sample.num_words > 0) == (sample.outcome == OK) for sample in kept_table())


@pytest.mark.corpus
def test_the_table_lists_the_samples(corpus: Path) -> None:
    assert [sample.path for sample in kept_table()] == sample_files(corpus)


@pytest.mark.corpus
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kept", kept_table(), ids=lambda sample: Path(sample.path).stem)
def test_a_sample_ends_as_it_did(corpus: Path, kept: Sample) -> None:
    assert read_sample(corpus, kept.path) == kept
