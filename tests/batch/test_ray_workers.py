"""Books on a Ray cluster, of which a machine may go away."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from infini_cli.batch.ray_workers import LOCAL
from infini_cli.batch.run import Report, run_batch
from infini_cli.batch.work import MAX_ATTEMPTS, Work
from infini_cli.errors import UsageError
from infini_cli.progress import Event, Note
from tests.batch.test_run import ledger, write_books
from tests.batch.test_workers import ROOT, Working

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@pytest.fixture
def work(tmp_path: Path) -> Working:
    folder = tmp_path / "attempts"
    folder.mkdir()
    return Working(folder)


def run(books: list[Path], folder: Path, work: Working, address: str, **more: object) -> Report:
    options = {"settings": "s", "suffix": ".md", "num_jobs": 2, "ray_address": address} | more
    return run_batch(books, folder, Work(work, work.prepare), **options)  # type: ignore[arg-type]


def test_without_ray_it_is_said_how_to_get_it(
    tmp_path: Path, work: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    books = write_books(tmp_path / "in", a="first")
    with pytest.raises(UsageError, match="not installed") as caught:
        run(books, tmp_path / "out", work, LOCAL)
    assert caught.value.hint == "pip install 'infini-cli[ray]'"


def test_no_cluster_at_an_address(tmp_path: Path, work: Working) -> None:
    pytest.importorskip("ray")
    books = write_books(tmp_path / "in", a="first")
    with pytest.raises(UsageError, match="no Ray cluster at"):
        run(books, tmp_path / "out", work, "127.0.0.1:1")


def test_books_are_shared_out_and_the_lost_go_to_others(tmp_path: Path, work: Working) -> None:
    pytest.importorskip("ray")
    books = write_books(tmp_path / "in", a="first", b="damaged", c="once", d="deadly", e="fifth")
    told: list[Event] = []
    report = run(books, tmp_path / "out", work, LOCAL, progress=told.append)
    assert [path.stem for path in report.done] == ["a", "c", "e"]
    assert [one.path.stem for one in report.failed] == ["b", "d"]
    assert report.failed[0].error.hint == "copy it again"
    assert "was lost 3 times" in report.failed[1].error.message
    assert [work.attempts(path) for path in books] == [1, 1, 2, MAX_ATTEMPTS, 1]
    assert sorted(event.text for event in told if isinstance(event, Note)) == [
        "about a",
        "about c",
        "about e",
    ]
    assert (tmp_path / "out" / "e.md").read_bytes() == b"FIFTH"
    again = run(books[:1], tmp_path / "out", work, LOCAL)
    assert again.skipped == (books[0],)


CLUSTER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from ray.cluster_utils import Cluster
    from infini_cli.progress import BatchStep
    from tests.batch.test_ray_workers import run
    from tests.batch.test_workers import Working

    folder = Path(sys.argv[1])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    others = [cluster.add_node(num_cpus=1)]
    cluster.wait_for_nodes()

    def stop(event):
        is_end = isinstance(event, BatchStep) and event.outcome == "done"
        if is_end and event.done == 4:
            cluster.remove_node(others.pop())

    books = sorted((folder / "in").iterdir())
    work = Working(folder / "attempts")
    report = run(books, folder / "out", work, cluster.address, progress=stop)
    assert not others
    assert report.done == tuple(books), report
    cluster.shutdown()
    """
)


def test_a_machine_that_stops_takes_no_book_with_it(tmp_path: Path, work: Working) -> None:
    """In a process of its own: Ray begins no second cluster in one."""
    pytest.importorskip("ray")
    write_books(tmp_path / "in", **{f"book{n:02}": "brief" for n in range(12)})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = kept | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'models'}"}
    command = [sys.executable, "-c", CLUSTER, str(tmp_path)]
    ended = subprocess.run(command, env=environment, timeout=200, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()[-2000:]
    outcomes = [line["outcome"] for line in ledger(tmp_path / "out")]
    assert outcomes.count("done") == outcomes.count("begun") == 12
    assert sum(work.attempts(path) for path in (tmp_path / "in").iterdir()) >= 12
