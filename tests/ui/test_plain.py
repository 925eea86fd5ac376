from __future__ import annotations

from infini_cli.progress import BatchStep, Download, Learn, Note, Read, Write
from infini_cli.ui.plain import PlainDisplay


class Recorder:
    def __init__(self) -> None:
        self.now = 0.0
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.display = PlainDisplay(self.notes.append, self.warnings.append, lambda: self.now)


def read(tokens: int, num_tokens: int = 1000, chapter: str = "One") -> Read:
    return Read("Book", chapter, "1", tokens // 10, 100, tokens, num_tokens, 1830.0, 65.0)


def test_a_line_every_ten_per_cent() -> None:
    recorder = Recorder()
    for tokens in range(0, 1001, 5):
        recorder.display(read(tokens))
    assert len(recorder.notes) == 10
    assert recorder.notes[0] == "reading Book: 10 %, One, 1,830 tokens/s, 1:05 left"
    assert recorder.notes[-1].startswith("reading Book: 100 %")


def test_a_line_every_thirty_seconds() -> None:
    recorder = Recorder()
    for second in range(0, 100):
        recorder.now = float(second)
        recorder.display(read(0))
    assert len(recorder.notes) == 3


def test_big_steps_make_one_line_each() -> None:
    recorder = Recorder()
    for tokens in (0, 450, 455, 1000):
        recorder.display(read(tokens))
    assert [note.split(",")[0] for note in recorder.notes] == [
        "reading Book: 45 %",
        "reading Book: 100 %",
    ]


def test_every_kind_of_event() -> None:
    recorder = Recorder()
    recorder.display(BatchStep("a.epub", 0, 2))
    recorder.display(Download("m", 50_000_000, 100_000_000))
    recorder.display(Write("summary", 1, 2, 300, 12.34))
    recorder.display(Learn("r.toml", 5, 50, "passkey", 0.25, 0.9, 500.0, 65.0))
    recorder.display(BatchStep("a.epub", 1, 2, "done"))
    recorder.display(Note("chosen"))
    recorder.display(Note("careful", warning=True))
    assert recorder.notes == [
        "[1/2] a.epub: begins",
        "fetching m: 50 %, 50.0 MB of 100.0 MB",
        "writing summary: 50 %, 1 of 2, 300 tokens, 12.3 tokens/s",
        "learning r.toml: 10 %, passkey 0.250, 90 % right, 500 tokens/s, 1:05 left",
        "[1/2] a.epub: done",
        "chosen",
    ]
    assert recorder.warnings == ["careful"]


def test_titles_cannot_act_on_a_terminal() -> None:
    recorder = Recorder()
    recorder.display(read(500, chapter="\x1b[2J\x1b]0;owned\x07[bold]T\nwo[/b]"))
    assert recorder.notes == ["reading Book: 50 %, [bold]T wo[/b], 1,830 tokens/s, 1:05 left"]
