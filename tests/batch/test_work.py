"""Work on a unit of books, and what becomes of a unit whose worker is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from infini_cli.batch.work import MAX_ATTEMPTS, Result, Unit, Waiting, Work
from infini_cli.errors import DamagedInput, InfiniError, InputTooLarge, Interrupted
from infini_cli.progress import Progress, silent

A, B, C = Path("a"), Path("b"), Path("c")


def make(path: Path, progress: Progress) -> Result:
    if path == B:
        raise DamagedInput("`b` is damaged")
    return Result(path.name.encode())


def contents(work: Work, unit: Unit) -> list[bytes | str]:
    ends = work.on(unit, silent)
    return [end.content if isinstance(end, Result) else end.message for _, end in ends]


def test_a_unit_is_prepared_at_once_and_made_one_by_one() -> None:
    calls: list[Sequence[Path]] = []
    work = Work(make, lambda paths, progress: calls.append(paths))
    assert contents(work, (A, B, C)) == [b"a", "`b` is damaged", b"c"]
    assert calls == [(A, B, C)]
    assert contents(work, (A,)) == [b"a"]
    assert calls == [(A, B, C)], "one book is nothing to prepare"


@pytest.mark.parametrize("error", [DamagedInput("no"), ZeroDivisionError("a bug")])
def test_what_cannot_be_prepared_is_made_all_the_same(error: Exception) -> None:
    def prepare(paths: Sequence[Path], progress: Progress) -> None:
        raise error

    assert contents(Work(make, prepare), (A, C)) == [b"a", b"c"]


@pytest.mark.parametrize("error", [Interrupted("stop"), KeyboardInterrupt()])
def test_an_interruption_is_one_while_books_are_prepared_too(error: BaseException) -> None:
    def prepare(paths: Sequence[Path], progress: Progress) -> None:
        raise error

    with pytest.raises(KeyboardInterrupt):
        contents(Work(make, prepare), (A, C))


def test_preparing_has_the_time_of_all_its_books() -> None:
    def wait(paths: Sequence[Path], progress: Progress) -> None:
        while True:
            pass

    work = Work(make, wait, timeout_seconds=0.05)
    ends = dict(work.on((A, C), silent))
    seconds = [end.seconds for end in ends.values() if isinstance(end, Result)]
    assert len(seconds) == 2
    # The time of both, 0.1 s, is shared between them.
    assert all(share >= 0.05 for share in seconds)


def test_a_book_alone_takes_too_long() -> None:
    def wait(path: Path, progress: Progress) -> Result:
        while True:
            pass

    ((path, end),) = Work(wait, timeout_seconds=0.05).on((A,), silent)
    assert path == A
    assert isinstance(end, InputTooLarge)


def test_what_is_left_of_a_lost_unit_comes_before_all_others() -> None:
    waiting = Waiting([(A, B), (C,)])
    assert waiting.take() == (A, B)
    assert waiting.lose((A, B), (B,), "by signal 9") == []
    assert [waiting.take() for _ in range(3)] == [(B,), (C,), ()]


def test_of_a_unit_that_costs_too_many_workers_each_book_is_tried_by_itself() -> None:
    waiting = Waiting([(A, B), (C,)])
    for _ in range(MAX_ATTEMPTS):
        unit = waiting.take()
        assert unit == (A, B)
        assert waiting.lose(unit, unit, "by signal 9") == []
    assert waiting.take() == (A,)
    given_up: list[tuple[Path, InfiniError]] = []
    for _ in range(MAX_ATTEMPTS):
        unit = waiting.take()
        assert unit == (B,)
        given_up += waiting.lose(unit, unit, "by signal 9")
    ((path, error),) = given_up
    assert path == B
    assert "`b` was lost 3 times, the last time by signal 9" in error.message
    assert waiting.take() == (C,)
