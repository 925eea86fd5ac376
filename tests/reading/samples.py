"""What becomes of each sample file of the corpora: read or refused, words, warnings.

The table is kept beside this module, as `samples.tsv`; `test_samples.py` compares. A line is a
file's path, `ok` or the class of the error, words and number of warnings. Made anew by

    python -m tests.reading.samples CORPUS [--seconds] > tests/reading/samples.tsv

where CORPUS is the folder that holds `epub-samples` and `pdf-samples`. With `--seconds` there is
one more column, which the kept table lacks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infini_cli.errors import InputError
from infini_cli.reading import ReadOptions, read_book

TABLE = Path(__file__).with_name("samples.tsv")
OK = "ok"
# The passwords that go with the files of pypdf's tests, by a part of the file's name.
PASSWORDS = {
    "-user-password": "asdfzxcv",
    "-owner-password": "asdfzxcv",
    "r6-both-passwords": "foo",
    "crazyones-encrypted-256": "password",
    "libreoffice-writer-password": "openpassword",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of a file.

    Attributes:
        path: below the folder of the corpora.
        outcome: `ok`, or the class of the error.
        num_words: of all its chapters.
        num_warnings: while it was read.
    """

    path: str
    outcome: str
    num_words: int
    num_warnings: int


def sample_files(corpus: Path) -> list[str]:
    """Give the paths of all samples below the folder of the corpora."""
    kinds = (("epub-samples", "epub"), ("pdf-samples", "pdf"))
    return [
        path.relative_to(corpus).as_posix()
        for folder, suffix in kinds
        for path in sorted((corpus / folder).glob(f"**/*.{suffix}"))
    ]


def read_sample(corpus: Path, path: str) -> Sample:
    """Read a file; anything but a book or an `InputError` is a bug and goes through."""
    password = next((word for part, word in PASSWORDS.items() if part in path), None)
    try:
        book = read_book(corpus / path, options=ReadOptions(password=password))
    except InputError as error:
        return Sample(path, type(error).__name__, 0, 0)
    num_words = sum(len(chapter.text.split()) for chapter in book.chapters)
    return Sample(path, OK, num_words, len(book.warnings))


def kept_table() -> list[Sample]:
    """Give the table as it was kept."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    cells = (line.split("\t") for line in lines)
    return [Sample(path, outcome, int(words), int(num)) for path, outcome, words, num in cells]


def table(corpus: Path, *, with_seconds: bool) -> Iterator[str]:
    """Read every sample and give the lines of the table, one after the other."""
    yield "file\toutcome\twords\twarnings" + ("\tseconds" if with_seconds else "")
    for path in sample_files(corpus):
        begun = time.perf_counter()
        sample = read_sample(corpus, path)
        cells = [sample.path, sample.outcome, str(sample.num_words), str(sample.num_warnings)]
        if with_seconds:
            cells.append(f"{time.perf_counter() - begun:.2f}")
        yield "\t".join(cells)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", action="store_true")
    arguments = parser.parse_args()
    for line in table(arguments.corpus, with_seconds=arguments.seconds):
        print(line, flush=True)
