"""Kill the workers of a batch every few seconds, and see that every book is done once.

    python -m tests.lost_workers [--books NUMBER] [--library FOLDER] [--chapters RANGE]
                                 [--jobs NUMBER] [--every SECONDS] [--seed NUMBER]
                                 [--ray | --throughput]

Summarises made books, and those of a library, with a tiny random model: once as it is, and once
with one worker or another killed every few seconds. A run that ends with books that lost too many
workers is run again, as a user would. In the end every book must have been done once by the ledger,
with the result of the run that nobody disturbed. `--ray` has the books worked on by a Ray cluster
of two nodes on this machine, of which one is stopped when a third of the books is done, in place of
killing single workers. `--throughput` kills nothing, but takes the time of one worker and of
`--jobs`, by turns. Exit code 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.crashes import read_results, start
from tests.tasks.tiny import build_model

MAX_RUNS = 20
WORDS = "keeper island harbour winter letter brass lamp rope salt weigh wrote carried found lost"


def write_books(folder: Path, num_books: int, library: Path | None, seed: int) -> None:
    """Make books of a few chapters each, and link those of a library."""
    folder.mkdir()
    draw = random.Random(seed)
    words = WORDS.split()
    for book in range(num_books):
        chapters = []
        for chapter in range(1, draw.randint(3, 9)):
            sentences = (
                f"The {draw.choice(words)} of Orla{draw.randrange(40)} {draw.choice(words)} it."
                for _ in range(draw.randint(5, 60))
            )
            chapters.append(f"CHAPTER {chapter}\n\n" + " ".join(sentences))
        (folder / f"made-{book:03}.txt").write_text("\n\n".join(chapters), encoding="utf-8")
    for path in sorted(library.iterdir()) if library is not None else ():
        (folder / path.name).symlink_to(path.resolve())


class Batch:
    """A batch that can be run again and again.

    Args:
        folder: for its home and its results.
        command: what comes after `infini batch`, the number of workers apart.
    """

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder, self.out = folder, folder / "out"
        self.command = [sys.executable, "-m", "infini_cli", "batch", *command, "-o", str(self.out)]

    def start(self, num_jobs: int, *options: str) -> subprocess.Popen[bytes]:
        """Begin a run."""
        command = [*self.command, "--jobs", str(num_jobs), "--no-progress", *options]
        return start(command, self.folder / "home")

    def finish(self, num_jobs: int) -> float:
        """Run to the end; gives the seconds.

        Raises:
            RuntimeError: it failed.
        """
        begun = time.monotonic()
        process = self.start(num_jobs)
        _, told = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(told.decode("utf-8", "replace")[-2000:])
        return time.monotonic() - begun

    def times_done(self) -> Counter[str]:
        """Count how often the ledger says of each book that it was done."""
        ledger = self.out / "run.jsonl"
        if not ledger.exists():
            return Counter()
        lines = ledger.read_text(encoding="utf-8").splitlines()
        # The last line may be half written.
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return Counter(Path(e["input"]).name for e in entries if e.get("outcome") == "done")


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Give the workers that a batch has at the moment; Linux alone tells."""
    found = []
    for child in Path(f"/proc/{process.pid}/task").glob("*/children"):
        for pid in child.read_text().split():
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and b"spawn_main" in command.read_bytes():
                found.append(int(pid))
    return found


def disturb(batch: Batch, num_jobs: int, every: float, draw: random.Random) -> tuple[int, int, int]:
    """Run until all is done, killing a worker every few seconds; gives code, kills and runs."""
    num_kills = 0
    for run in range(1, MAX_RUNS + 1):
        process = batch.start(num_jobs)
        while process.poll() is None:
            try:
                process.wait(draw.uniform(0.5, 1.5) * every)
            except subprocess.TimeoutExpired:
                if workers := workers_of(process):
                    os.kill(draw.choice(workers), signal.SIGKILL)
                    num_kills += 1
        assert process.stderr is not None
        told = process.stderr.read().decode("utf-8", "replace")
        if process.returncode != 5 or "Traceback" in told:
            return process.returncode, num_kills, run
    return 5, num_kills, MAX_RUNS


def stop_a_node(batch: Batch, num_jobs: int, num_books: int) -> tuple[int, int]:
    """Run on a Ray cluster, of which one node is stopped on the way.

    Returns:
        The exit code, and how many books were done when the node was stopped.
    """
    from ray.cluster_utils import Cluster

    cores = {"num_cpus": (num_jobs + 1) // 2}
    cluster = Cluster(initialize_head=True, head_node_args=cores)
    try:
        second = cluster.add_node(**cores)
        cluster.wait_for_nodes()
        process = batch.start(num_jobs, "--ray", cluster.address)
        num_done = 0
        while process.poll() is None and num_done <= num_books // 3:
            time.sleep(0.5)
            num_done = batch.times_done().total()
        cluster.remove_node(second)
        _, told = process.communicate()
        if process.returncode != 0:
            print(told.decode("utf-8", "replace")[-2000:])
        return process.returncode, num_done
    finally:
        cluster.shutdown()


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--books", type=int, default=200)
    parser.add_argument("--library", type=Path, dest="shelf", help="folder of more books")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--every", type=float, default=3.0, help="seconds from kill to kill")
    parser.add_argument("--chapters", help="of each book")
    parser.add_argument("--model", help="in place of the tiny one")
    parser.add_argument("--seed", type=int, default=0)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--ray", action="store_true")
    ways.add_argument("--throughput", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infini-workers-") as temporary:
        root = Path(temporary)
        write_books(root / "books", options.books, options.shelf, options.seed)
        model = options.model or str(build_model(root / "model"))
        command = [str(root / "books"), "-m", model]
        command += ["--chapters", options.chapters] if options.chapters else []
        if options.throughput:
            for turn in range(2):
                for num_jobs in (1, options.jobs):
                    batch = Batch(root / f"{turn}-{num_jobs}", command)
                    print(f"{num_jobs} at a time: {batch.finish(num_jobs):.1f} s", flush=True)
                    shutil.rmtree(batch.folder)
            return 0
        whole, killed = Batch(root / "whole", command), Batch(root / "killed", command)
        print(f"undisturbed: {whole.finish(options.jobs):.1f} s", flush=True)
        begun = time.monotonic()
        expected = read_results(whole.out)
        if options.ray:
            code, num_done = stop_a_node(killed, options.jobs, len(expected))
            what = f"one of two nodes stopped after {num_done} books"
        else:
            code, num_kills, num_runs = disturb(
                killed, options.jobs, options.every, random.Random(options.seed)
            )
            what = f"{num_kills} workers killed in {num_runs} runs"
        print(f"{what}, {time.monotonic() - begun:.1f} s, code {code}")
        done = killed.times_done()
        once = sum(count == 1 for count in done.values())
        same = read_results(killed.out) == expected
        print(f"{once} of {len(expected)} books done once; results the same: {same}")
        return 0 if code == 0 and same and once == len(done) == len(expected) else 1


if __name__ == "__main__":
    sys.exit(main())
