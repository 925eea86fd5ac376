"""The process that opens a PDF: run as `python -m infini_cli.reading.pdf_worker`.

A PDF can make its reader loop, recurse or fill memory, so it is opened only
here, where memory is limited and whence the parent (`pdf_process`) takes one
answer after the other, each within a time limit.

Standard input: a line of JSON (`password`, `first_page`, `memory_bytes`), then
the file's bytes. Standard output: one JSON object a line: `opened` (once), then
a `page` for every page from `first_page` on, then `end`; or `failed` with a
`kind` and a `reason`. JSON, not pickle: what a hostile file may have taken over
must not be trusted by the parent.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from dataclasses import astuple
from typing import Any

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import DependencyError, PyPdfError
from pypdf.generic import Destination

from infini_cli.reading.pdf_lines import page_lines

MAX_PAGES = 20_000
MAX_OUTLINE_ENTRIES = 5_000
MAX_OUTLINE_DEPTH = 20
MAX_CONTENT_BYTES = 24 * 1024 * 1024
MAX_LINES = 20_000


class FailureError(Exception):
    """The file cannot be read; `kind` says how the parent reports it."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


def main() -> None:
    """Answer one request from standard input."""
    logging.disable(logging.CRITICAL)  # pypdf comments on every repair it makes
    request = json.loads(sys.stdin.buffer.readline())
    limit_memory(request["memory_bytes"])
    data = sys.stdin.buffer.read()
    try:
        reader = open_reader(data, request["password"])
        pages = list(reader.pages)
        if len(pages) > MAX_PAGES:
            raise FailureError("too-large", f"it has {len(pages):,} pages, more than {MAX_PAGES:,}")
        if request["first_page"] == 0:
            say({"answer": "opened", "num_pages": len(pages), **describe(reader, len(pages))})
        for index in range(request["first_page"], len(pages)):
            say({"answer": "page", "index": index, **read_page(pages[index], index)})
        say({"answer": "end"})
    except FailureError as failure:
        say({"answer": "failed", "kind": failure.kind, "reason": failure.reason})
    except MemoryError:
        say({"answer": "failed", "kind": "too-large", "reason": "it needs too much memory"})
    # A damaged file makes pypdf raise almost anything, RecursionError included.
    except Exception as error:
        say({"answer": "failed", "kind": "damaged", "reason": one_line(error)})


def open_reader(data: bytes, password: str | None) -> PdfReader:
    """Open the file and unlock it.

    Raises:
        FailureError: a password is needed or wrong, or the file is locked by a
            scheme that has no password.
    """
    try:
        reader = parse(data)
        if reader.is_encrypted:
            # Owner-locked files, which only forbid printing, have an empty user password.
            candidates = [""] if password is None else [password, ""]
            if all(reader.decrypt(word) == PasswordType.NOT_DECRYPTED for word in candidates):
                kind = "password-missing" if password is None else "password-wrong"
                raise FailureError(kind, "")
    except (NotImplementedError, DependencyError) as error:
        raise FailureError("protected", one_line(error)) from error
    except PyPdfError as error:
        raise FailureError("damaged", one_line(error)) from error
    return reader


def parse(data: bytes) -> PdfReader:
    """Read the file's structure, a second time with an end put on if its own is cut off.

    A pointer to nowhere makes `pypdf` search the whole file for objects.

    Raises:
        PyPdfError: neither way works; the error is that of the file as it stands.
    """
    try:
        return PdfReader(io.BytesIO(data), strict=False)
    except PyPdfError as error:
        try:
            return PdfReader(io.BytesIO(data + b"\nstartxref\n0\n%%EOF\n"), strict=False)
        except PyPdfError:
            raise error from None


def describe(reader: PdfReader, num_pages: int) -> dict[str, Any]:
    """Return metadata, page labels and outline; what is broken is left out and named."""
    found: dict[str, Any] = {"warnings": []}
    for name, function, default in (
        ("metadata", metadata, {}),
        ("labels", page_labels, []),
        ("outline", outline, []),
    ):
        try:
            found[name] = function(reader)
        except MemoryError:
            raise
        # Each of the three may be damaged in any way without harm to the text.
        except Exception as error:
            found[name] = default
            found["warnings"].append(f"the PDF's {name} cannot be read: {one_line(error)}")
    if len(found["labels"]) != num_pages:
        found["labels"] = [str(index + 1) for index in range(num_pages)]
    return found


def metadata(reader: PdfReader) -> dict[str, str]:
    """Return title, author and language where the file names them."""
    found: dict[str, str] = {}
    if (information := reader.metadata) is not None:
        for key, value in (("title", information.title), ("author", information.author)):
            if value:
                found[key] = str(value)[:1000]
    if language := reader.root_object.get("/Lang"):
        found["language"] = str(language.get_object())[:100]
    return found


def page_labels(reader: PdfReader) -> list[str]:
    """Return the label printed in viewers for every page."""
    return [str(label)[:40] for label in reader.page_labels]


def outline(reader: PdfReader) -> list[dict[str, Any]]:
    """Return the outline flat: title, page index or None, top or None, depth."""
    entries: list[dict[str, Any]] = []

    def walk(items: list[Any], depth: int) -> None:
        for item in items:
            if len(entries) >= MAX_OUTLINE_ENTRIES:
                return
            if isinstance(item, list):
                if depth < MAX_OUTLINE_DEPTH:
                    walk(item, depth + 1)
            elif isinstance(item, Destination):
                entries.append(
                    {
                        "title": str(item.title or "")[:500],
                        "page": destination_page(reader, item),
                        "top": number(item.top),
                        "depth": depth,
                    }
                )

    walk(reader.outline, 0)
    return entries


def destination_page(reader: PdfReader, destination: Destination) -> int | None:
    """Return the page index that an entry points to, None if nowhere."""
    try:
        page = reader.get_destination_page_number(destination)
    # A destination can be null, a number or an object of another kind.
    except Exception:
        return None
    return page if page is not None and page >= 0 else None


def number(value: Any) -> float | None:
    """Return a PDF number as a float, None for null and anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def read_page(page: PageObject, index: int) -> dict[str, Any]:
    """Return a page's lines and whether it shows a picture, or why it cannot be read."""
    try:
        contents = page.get_contents()
        if contents is not None and len(contents.get_data()) > MAX_CONTENT_BYTES:
            return {"error": f"its drawing commands exceed {MAX_CONTENT_BYTES // 2**20} MiB"}
        lines = [astuple(line) for line in page_lines(page, index)[:MAX_LINES]]
        return {"lines": lines, "picture": not lines and has_picture(page)}
    except MemoryError:
        return {"error": "it needs too much memory"}
    # One page can be damaged in any way; the others are still worth reading.
    except Exception as error:
        return {"error": one_line(error)}


def has_picture(page: PageObject) -> bool:
    """Tell whether a page refers to any image or form, or draws an inline image."""
    resources: Any = page.get("/Resources")
    resources = resources.get_object() if resources is not None else {}
    objects = resources.get("/XObject") if isinstance(resources, dict) else None
    if objects is not None and objects.get_object():
        return True
    contents = page.get_contents()
    return contents is not None and b"\nID" in contents.get_data().replace(b" ID", b"\nID")


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


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, bounded, or its name if it has none."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def say(answer: dict[str, Any]) -> None:
    """Write one answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
