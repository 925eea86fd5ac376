"""What is told of progress."""

from __future__ import annotations

from infini_cli.progress import Event, Note, Once, Write


def test_a_note_is_told_once_and_everything_else_as_often_as_it_comes() -> None:
    told: list[Event] = []
    progress = Once(told.append)
    events: list[Event] = [
        Note("closed", warning=True),
        Note("closed"),
        Write("summary", 1, 2, 3, 4.0),
    ]
    for event in (*events, *events):
        progress(event)
    assert told == [*events, events[-1]]
