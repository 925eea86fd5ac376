"""Progress that really draws while a result is written; run as a process of its own."""

from __future__ import annotations

import sys

from infini_cli.progress import BatchStep, Download, Note, Read, Write
from infini_cli.ui.color import ColorChoice
from infini_cli.ui.terminal import Settings, Terminal

TITLE = "War [/b] and [red]Peace\x1b]0;owned\x07"


def main(what: str) -> None:
    terminal = Terminal(Settings(color=ColorChoice(sys.argv[2] if len(sys.argv) > 2 else "auto")))
    with terminal.progress() as progress:
        progress(BatchStep("a.epub", 0, 2))
        progress(Download("weights", 50, 100))
        for tokens in range(0, 1001, 50):
            progress(Read(TITLE, "Chapter [1]", "1", tokens, 1000, tokens, 1000, 900.0, 3.0))
            if tokens == 500:
                progress(Note("half of it"))
        if what == "stream":
            with terminal.stream() as write:
                for number in range(5):
                    if write is not None:
                        write(f"piece {number} ")
                    progress(Write("summary", number, 5, number, 1.0))
        print("straight to stdout")
        terminal.write("[bold]the[/bold] result é 日本\n")
        progress(BatchStep("a.epub", 1, 2, "failed"))


if __name__ == "__main__":
    main(sys.argv[1])
