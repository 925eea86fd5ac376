"""Kill infini at random moments, or fill its disk, and see that nothing is lost or corrupted.

    python -m tests.crashes [--kills NUMBER] [--full NUMBER] [--seed NUMBER] [--verb NAME ...]

Each verb works on made books with a tiny random model. A killed run is run again, to its end, and
its result compared byte by byte with that of a run that nobody killed. `--full` lets the disk run
full at random sizes instead, on a file system in memory of that size (root is needed to mount it):
what was there before must be intact, and with room again the run must end as if nothing had been.
What fails is printed; exit code 1 if anything did.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.tasks.tiny import build_model

ROOT = Path(__file__).resolve().parents[1]
VERBS = ("read", "summarize", "batch")
NUM_CHAPTERS = 40
NUM_SHORT = 6
MAX_SECONDS = 300
_SECONDS = re.compile(rb'(, \d+(\.\d+)? s\.\*)|("seconds": \d+(\.\d+)?)')
"""How long a run took is the one thing in its result that may differ."""
EARLIER = "earlier.txt"


@dataclass(frozen=True)
class Place:
    """A home with books and results in it.

    Attributes:
        folder: holds `home`, and `out` with what was made.
        books: what is read.
        model: who reads.
    """

    folder: Path
    books: Path
    model: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def command(self, verb: str) -> list[str]:
        book, model = str(self.books / "book-0.txt"), ["-m", str(self.model), "--no-progress"]
        summary = str(self.out / "summary.json")
        arguments = {
            "read": ["read", book, "-o", str(self.out / "book.infmem"), *model],
            "summarize": [
                "summarize",
                book,
                "-o",
                summary,
                "--json",
                *model,
            ],
            "batch": ["batch", str(self.books), "-o", str(self.out), *model],
        }
        return [sys.executable, "-m", "infini_cli", *arguments[verb]]

    def start(self, verb: str) -> subprocess.Popen[bytes]:
        self.out.mkdir(parents=True, exist_ok=True)
        return start(self.command(verb), self.folder / "home", OMP_NUM_THREADS="1")

    def finish(self, verb: str) -> tuple[int, str]:
        """Run to the end; give the exit code and what was told."""
        process = self.start(verb)
        _, told = process.communicate(timeout=MAX_SECONDS)
        return process.returncode, told.decode("utf-8", "replace")

    def results(self) -> dict[str, bytes]:
        """Give what was made, without what may differ from run to run."""
        return read_results(self.out)


def start(command: list[str], home: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Begin a run of this source tree; only what it tells is kept."""
    return subprocess.Popen(
        command,
        env={
            **os.environ,
            "INFINI_HOME": str(home),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'models'}",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def read_results(folder: Path) -> dict[str, bytes]:
    """Read what runs made, without what may differ from run to run."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.name: _SECONDS.sub(b"", path.read_bytes())
        for path in found
        if not path.name.startswith(".") and path.name not in ("run.jsonl", EARLIER)
    }


def write_books(folder: Path) -> None:
    """Write two books that take a few seconds each, and short ones that are read together."""
    folder.mkdir()
    for book in range(2):
        chapters = (
            f"CHAPTER {n}\n\n"
            + f"The keeper of island {n} wrote the name Orla{n * book} in the book. " * 40
            for n in range(1, NUM_CHAPTERS + 1)
        )
        (folder / f"book-{book}.txt").write_text("\n\n".join(chapters), encoding="utf-8")
    for book in range(NUM_SHORT):
        text = f"The keeper of the lamp wrote to Orla{book} that the salt had come. " * 30
        (folder / f"short-{book}.txt").write_text(text, encoding="utf-8")


def killed(place: Place, verb: str, expected: dict[str, bytes], after: float) -> str | None:
    """Kill a run after some seconds and run it again; gives what is wrong."""
    process = place.start(verb)
    time.sleep(after)
    process.kill()
    process.communicate()
    code, told = place.finish(verb)
    if code != 0 or "Traceback" in told:
        return f"the second run ended with {code}: {told[-300:]}"
    return None if place.results() == expected else "the result differs"


def filled(place: Place, verb: str, expected: dict[str, bytes], size: int) -> str | None:
    """Run on a disk that is too small, make it larger and run again; gives what is wrong."""
    place.folder.mkdir(exist_ok=True)
    _mount(place.folder, size)
    try:
        place.out.mkdir()
        earlier = place.out / EARLIER
        earlier.write_bytes(b"from before")
        code, told = place.finish(verb)
        if "Traceback" in told or "internal error" in told:
            return f"told: {told[-300:]}"
        if code == 0 and place.results() != expected:
            return "it ended well with another result"
        if code != 0 and "error: " not in told:
            return f"it ended with {code} and no message"
        if earlier.read_bytes() != b"from before":
            return "an earlier file was altered"
        half = {name for name, data in place.results().items() if data != expected.get(name)}
        if half:
            return f"corrupt: {sorted(half)}"
        subprocess.run(["mount", "-o", "remount,size=64m", str(place.folder)], check=True)
        code, told = place.finish(verb)
        if code != 0 or place.results() != expected:
            return f"with room again it ended with {code}: {told[-300:]}"
        return None
    finally:
        subprocess.run(["umount", str(place.folder)], check=True)


def _mount(folder: Path, size: int) -> None:
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(["mount", *options], check=True)


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="of each verb")
    parser.add_argument("--full", type=int, default=0, help="disks that run full, of each verb")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verb", action="append", choices=VERBS)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    num_failed = 0
    with tempfile.TemporaryDirectory(prefix="infini-crashes-") as temporary:
        root = Path(temporary)
        write_books(root / "books")
        model = build_model(root / "model")
        for verb in options.verb or VERBS:
            whole = Place(root / f"{verb}-whole", root / "books", model)
            start = time.monotonic()
            code, told = whole.finish(verb)
            assert code == 0, told
            seconds = time.monotonic() - start
            expected = whole.results()
            assert expected
            used = sum(p.stat().st_size for p in whole.folder.rglob("*") if p.is_file())
            print(f"{verb}: {seconds:.1f} s, {used:,} bytes, {len(expected)} results", flush=True)
            runs = [("killed", draw.uniform(0, seconds)) for _ in range(options.kills)]
            runs += [("filled", draw.uniform(4096, 1.5 * used)) for _ in range(options.full)]
            for number, (how, amount) in enumerate(runs, 1):
                place = Place(root / f"{verb}-{number}", root / "books", model)
                try:
                    if how == "killed":
                        wrong = killed(place, verb, expected, amount)
                    else:
                        wrong = filled(place, verb, expected, int(amount))
                except subprocess.TimeoutExpired:
                    wrong = "it hangs"
                if wrong is not None:
                    num_failed += 1
                    print(f"{verb} {number}, {how} at {amount:,.2f}: {wrong}", flush=True)
                shutil.rmtree(place.folder, ignore_errors=True)
            print(f"{verb}: {len(runs)} runs, {num_failed} failed so far", flush=True)
    return 1 if num_failed else 0


if __name__ == "__main__":
    sys.exit(main())
