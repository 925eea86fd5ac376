"""The extraction process: a PDF goes in, answers come out, each within a time limit."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

WORKER = "infini_cli.reading.pdf_worker"


class LostError(Exception):
    """The process hung or died before its next answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PdfProcess:
    """One extraction process and the threads that feed it and listen to it.

    Args:
        data: the file.
        request: what to do with it; see `pdf_worker`.

    Attributes:
        answered: whether an answer has come.
    """

    def __init__(self, data: bytes, request: dict[str, Any]) -> None:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.answered = False
        self._answers: queue.Queue[bytes] = queue.Queue(maxsize=64)
        self._process = subprocess.Popen(
            # -P: nothing in the current folder can stand in for a library.
            [sys.executable, "-P", "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._threads = (
            threading.Thread(target=self._send, args=(json.dumps(request), data), daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> PdfProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        while self._threads[1].is_alive():  # let it put what it still holds, and see the end
            self._drain()
            self._threads[1].join(0.01)
        self._threads[0].join()
        for pipe in (self._process.stdin, self._process.stdout):
            _close(pipe)

    def answer(self, seconds: float) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            LostError: none came within `seconds`, or the process has died.
        """
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise LostError(f"it takes longer than {seconds:g} seconds") from None
        if not line:
            raise LostError("reading it crashes or exhausts memory")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise LostError("reading it crashes or exhausts memory") from None
        self.answered = True
        return answer

    def _send(self, request: str, data: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(request.encode() + b"\n")
            pipe.write(data)
            pipe.close()
        except OSError:  # it died first; the listener sees that
            return

    def _listen(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        for line in pipe:
            self._answers.put(line)
        self._answers.put(b"")

    def _drain(self) -> None:
        try:
            while True:
                self._answers.get_nowait()
        except queue.Empty:
            return


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    try:
        pipe.close()
    except OSError:  # unsent input of a process that is gone
        return
