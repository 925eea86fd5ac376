"""Let atheris look for files that a reader does not end well on, led by what code they reach.

    pip install atheris
    python -m tests.reading.guided_fuzz KIND [--seconds NUMBER] [--keep FOLDER]

It begins with the fuzzer's small files and a hundred of their mutants, and goes on from whatever
reaches code that nothing before reached; of archives one file inside is changed, of model files and
book memories mostly the header, the rest staying whole. What raises anything but an error with a
hint is kept in the folder, and the run ends: what was found is to be mended first. PDFs are opened
in this process, by what otherwise runs in one of its own; there whatever is raised means a damaged
file, so that only what takes too long or too much memory is found.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

NUM_SEEDS = 100
MAX_BYTES = 1 << 16
MAX_PAGES = 20
SECONDS_FOR_ONE = 25
LIBRARIES = ("infini_cli", "infini_models", "pypdf", "ebooklib", "docx", "odf")


def main() -> None:
    """Run until the time is over or something is found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--keep", type=Path, default=Path("found"))
    options = parser.parse_args()
    import atheris  # type: ignore[import-not-found, unused-ignore]

    with (
        tempfile.TemporaryDirectory(prefix="infini-corpus-") as folder,
        atheris.instrument_imports(include=list(LIBRARIES)),
    ):
        from infini_cli.errors import InfiniError
        from tests.reading.fuzz import NASTY, mutants, mutate

        base, read = reader(options.kind, Path(folder, "files"))
        max_bytes = max(MAX_BYTES, 2 * len(base))

        def try_one(data: bytes) -> None:
            try:
                read(data)
            except InfiniError as error:
                if not error.hint:
                    raise RuntimeError("an error without a hint") from error

        def mutate_bytes(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, max_bytes))

        def mutate_one(data: bytes, max_size: int, seed: int) -> bytes:
            try:
                mutant = mutate(options.kind, data, random.Random(seed), mutate_bytes)
            except Exception:  # a file that is not whole has no parts
                mutant = mutate_bytes(data)
            return mutant[:max_size]

        options.keep.mkdir(parents=True, exist_ok=True)
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, data in enumerate([base, *islice(mutants(options.kind, base, 7), NUM_SEEDS)]):
            (corpus / str(number)).write_bytes(data)
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in NASTY if len(word) <= 64))
        arguments = [
            sys.argv[0],
            f"-max_total_time={options.seconds}",
            f"-max_len={max_bytes}",
            f"-timeout={SECONDS_FOR_ONE}",
            "-rss_limit_mb=3072",
            f"-dict={words}",
            f"-artifact_prefix={options.keep}/{options.kind}-",
            str(corpus),
        ]
        atheris.Setup(arguments, try_one, custom_mutator=mutate_one)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def reader(kind: str, folder: Path) -> tuple[bytes, Callable[[bytes], object]]:
    """Give a small file of a kind, and what reads such files in this process.

    Args:
        kind: of file.
        folder: for the files of a tiny model, where the kind needs one.
    """
    from tests.reading.fuzz import base_files
    from tests.store.weights_files import KINDS, WeightsFiles

    if kind in KINDS:
        folder.mkdir()
        os.environ["INFINI_HOME"] = str(folder / "home")
        files = WeightsFiles(folder)
        return files.base[kind], lambda data: files.read(kind, data)
    base = base_files()[kind]
    if kind != "pdf":
        from infini_cli.reading import read_book

        return base, lambda data: read_book(data, name=f"book.{kind}")
    from infini_cli.reading.pdf_worker import open_file, read_page

    def read_pdf(data: bytes) -> None:
        try:
            file = open_file("pypdf", data, None)
            file.describe()
            for page in range(min(MAX_PAGES, file.num_pages)):
                read_page(file, page, None)
        except Exception:
            return

    return base, read_pdf


if __name__ == "__main__":
    main()
