"""The process that opens a PDF: run as `python -m infini_cli.reading.pdf_worker`.

A PDF can make its reader loop, recurse, crash or fill memory, so it is opened only
here, where memory is limited and whence the parent (`pdf_process`) takes one
answer after the other, each within a time limit.

Standard input: a line of JSON (`password`, `backend`, `falls_back`, `first_page`,
`end_page`, `memory_bytes`), then the file's bytes. Standard output: one JSON object a line:
`opened` (if the first page is asked for), then a `page` for every page, then `end`; or
`failed` with a `kind` and a `reason`. JSON, not pickle: what a hostile file may have taken
over must not be trusted by the parent.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from infini_cli.reading.pdf_file import MAX_PAGES, BoundError, FailureError, PdfFile, one_line
from infini_cli.reading.pdf_lines import MAX_UNREADABLE_SHARE, num_unreadable

BACKENDS = {
    "pypdf": ("infini_cli.reading.pdf_pypdf", "PypdfFile"),
    "pdfium": ("infini_cli.reading.pdf_pdfium", "PdfiumFile"),
}


def main() -> None:
    """Answer one request from standard input."""
    request = json.loads(sys.stdin.buffer.readline())
    limit_memory(request["memory_bytes"])
    data = sys.stdin.buffer.read()
    first, end = request["first_page"], request["end_page"]
    try:
        file = open_file(request["backend"], data, request["password"])
        num_pages = file.num_pages
        if num_pages > MAX_PAGES:
            raise FailureError("too-large", f"it has {num_pages:,} pages, more than {MAX_PAGES:,}")
        if first == 0 and end is None:
            say({"answer": "opened", "num_pages": num_pages, **file.describe()})
        second = Second(data, request["password"]) if request["falls_back"] else None
        for index in range(first, num_pages if end is None else min(end, num_pages)):
            say({"answer": "page", "index": index, **read_page(file, index, second)})
        say({"answer": "end"})
    except FailureError as failure:
        say({"answer": "failed", "kind": failure.kind, "reason": failure.reason})
    except MemoryError:
        say({"answer": "failed", "kind": "too-large", "reason": "it needs too much memory"})
    # A damaged file makes pypdf raise almost anything, RecursionError included.
    except Exception as error:
        say({"answer": "failed", "kind": "damaged", "reason": one_line(error)})


class Second:
    """The second reader, opened when the first page needs it."""

    def __init__(self, data: bytes, password: str | None) -> None:
        self._data = data
        self._password = password
        self._file: PdfFile | None = None

    def read_page(self, index: int) -> dict[str, Any] | None:
        """Return a page if this reader finds text on it that can be read."""
        try:
            if self._file is None:
                self._file = open_file("pdfium", self._data, self._password)
            answer = self._file.read_page(index)
        # What it raises matters no more than what the first one did.
        except Exception:
            return None
        return answer if answer["lines"] and not is_unreadable(answer) else None


def open_file(backend: str, data: bytes, password: str | None) -> PdfFile:
    """Open the file with one of the readers, of which only that one is imported."""
    module, name = BACKENDS[backend]
    file: PdfFile = getattr(import_module(module), name)(data, password)
    return file


def read_page(file: PdfFile, index: int, second: Second | None) -> dict[str, Any]:
    """Return a page's lines and whether it shows a picture, or why it cannot be read."""
    try:
        answer = file.read_page(index)
        if second is not None and is_unreadable(answer):
            found = second.read_page(index)
            return {**found, "instead": "its characters cannot be told"} if found else answer
        return answer
    except MemoryError:
        return {"error": "it needs too much memory"}
    except BoundError as error:
        return {"error": one_line(error)}
    # One page can be damaged in any way; the others are still worth reading.
    except Exception as error:
        found = second.read_page(index) if second is not None else None
        if found is not None:
            return {**found, "instead": one_line(error)}
        return {"error": one_line(error)}


def is_unreadable(answer: dict[str, Any]) -> bool:
    """Tell whether the text of a page is mostly characters that stand for none."""
    text = "".join(line[0] for line in answer["lines"])
    return num_unreadable(text) > MAX_UNREADABLE_SHARE * len(text)


def limit_memory(num_bytes: int) -> None:
    """Limit this process's address space where the system offers it."""
    try:
        import resource
    except ImportError:  # Windows: the time limit still holds
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (num_bytes, num_bytes))
    except (ValueError, OSError):  # a lower hard limit is already set
        return


def say(answer: dict[str, Any]) -> None:
    """Write one answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
