"""Let atheris look for files that a reader does not end well on, led by what code they reach.

    pip install atheris
    python -m tests.reading.guided_fuzz KIND [--seconds NUMBER] [--keep FOLDER]

It begins with the fuzzer's small files and a hundred of their mutants, and goes on from whatever
reaches code that nothing before reached. What raises anything but an error with a hint is kept in
the folder, and the run ends: what was found is to be mended first. PDFs are opened in this process,
by what otherwise runs in one of its own; there whatever is raised means a damaged file, so that
only what takes too long or too much memory is found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

NUM_SEEDS = 100
MAX_BYTES = 1 << 16
MAX_PAGES = 20
SECONDS_FOR_ONE = 25


def main() -> None:
    """Run until the time is over or something is found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--keep", type=Path, default=Path("found"))
    options = parser.parse_args()
    import atheris  # type: ignore[import-not-found, unused-ignore]

    with atheris.instrument_imports(include=["infini_cli", "pypdf", "ebooklib", "docx", "odf"]):
        from infini_cli.errors import InfiniError
        from tests.reading.fuzz import base_files, mutants

        read = reader(options.kind)

    def try_one(data: bytes) -> None:
        try:
            read(data)
        except InfiniError as error:
            if not error.hint:
                raise RuntimeError("an error without a hint") from error

    base = base_files()[options.kind]
    options.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="infini-corpus-") as corpus:
        for number, data in enumerate([base, *islice(mutants(options.kind, base, 7), NUM_SEEDS)]):
            Path(corpus, str(number)).write_bytes(data)
        arguments = [
            sys.argv[0],
            f"-max_total_time={options.seconds}",
            f"-max_len={MAX_BYTES}",
            f"-timeout={SECONDS_FOR_ONE}",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={options.keep}/{options.kind}-",
            corpus,
        ]
        atheris.Setup(arguments, try_one)
        atheris.Fuzz()


def reader(kind: str) -> Callable[[bytes], object]:
    """Give what reads files of a kind in this process."""
    if kind != "pdf":
        from infini_cli.reading import read_book

        return lambda data: read_book(data, name=f"book.{kind}")
    from infini_cli.reading.pdf_worker import open_file, read_page

    def read_pdf(data: bytes) -> None:
        try:
            file = open_file("pypdf", data, None)
            file.describe()
            for page in range(min(MAX_PAGES, file.num_pages)):
                read_page(file, page, None)
        except Exception:
            return

    return read_pdf


if __name__ == "__main__":
    main()
