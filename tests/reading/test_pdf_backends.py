"""Two readers of PDF: PDFium alone, and in place of pypdf where that one fails."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

from infini_cli.errors import DamagedInput, EncryptedInput, UsageError
from infini_cli.reading import ReadOptions, pdf_extract, pdf_process, pdf_worker, read_book
from infini_cli.reading.limits import Limits
from infini_cli.reading.pdf_content import PdfContent
from infini_cli.reading.pdf_extract import extract_pdf
from infini_cli.reading.pdf_file import BoundError
from infini_cli.reading.raw import PdfBackend
from tests.reading.test_pdf_extract import locked, make_pdf

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "the-brass-tolm.pdf"


def with_unknown_letters(data: bytes, page: int) -> bytes:
    """Give a page a font whose table of characters is damaged."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    resources: Any = writer.pages[page]["/Resources"]
    fonts = DictionaryObject()
    for name, font in resources["/Font"].items():
        table = DictionaryObject(
            {NameObject("/Differences"): ArrayObject([NameObject("/A"), DictionaryObject()])}
        )
        fonts[NameObject(name)] = DictionaryObject(
            {**font.get_object(), NameObject("/Encoding"): table}
        )
    writer.pages[page][NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def texts(content: PdfContent) -> list[list[str]]:
    return [[line.text for line in page] for page in content.lines]


def test_pdfium_reads_the_same_book() -> None:
    book = read_book(EXAMPLE)
    other = read_book(EXAMPLE, options=ReadOptions(pdf_backend=PdfBackend.PDFIUM))
    assert other.text == book.text
    assert [chapter.title for chapter in other.chapters] == [
        chapter.title for chapter in book.chapters
    ]
    assert (other.title, other.authors) == (book.title, book.authors)


def test_pdfium_and_passwords() -> None:
    data = locked(make_pdf("Secret words."), "open", "own", "AES-256")
    content = extract_pdf(data, "a.pdf", "open", backend=PdfBackend.PDFIUM)
    assert texts(content) == [["Secret words."]]
    with pytest.raises(EncryptedInput, match="needs a password"):
        extract_pdf(data, "a.pdf", backend=PdfBackend.PDFIUM)
    with pytest.raises(EncryptedInput, match="does not open"):
        extract_pdf(data, "a.pdf", "wrong", backend=PdfBackend.PDFIUM)
    free = locked(make_pdf("Free words."), "", "own", "AES-256")
    content = extract_pdf(free, "a.pdf", "wrong", backend=PdfBackend.PDFIUM)
    assert texts(content) == [["Free words."]]


@pytest.mark.parametrize("backend", list(PdfBackend))
def test_damage_is_one_error(backend: PdfBackend) -> None:
    with pytest.raises(DamagedInput):
        extract_pdf(b"%PDF-1.7\nnothing", "a.pdf", backend=backend)


def test_a_page_whose_letters_pypdf_cannot_tell() -> None:
    data = with_unknown_letters(make_pdf("One is here.", "Two is there."), 1)
    alone = extract_pdf(data, "a.pdf", backend=PdfBackend.PYPDF)
    assert texts(alone)[1] != ["Two is there."]
    content = extract_pdf(data, "a.pdf")
    assert texts(content) == [["One is here."], ["Two is there."]]
    assert list(content.replaced_pages) == [1]
    warnings = read_book(data).warnings
    assert any("pdfium" in warning and ": 2 (" in warning for warning in warnings)


def test_pdfium_is_asked_for_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_extract, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="not installed") as caught:
        extract_pdf(make_pdf("Words."), "a.pdf", backend=PdfBackend.PDFIUM)
    assert "infini-cli[pdfium]" in str(caught.value.hint)
    data = with_unknown_letters(make_pdf("One.", "Two."), 1)
    assert not extract_pdf(data, "a.pdf").replaced_pages


class Broken:
    """A file of which no page can be read."""

    num_pages = 1

    def __init__(self, error: Exception) -> None:
        self.error = error

    def describe(self) -> dict[str, Any]:
        return {}

    def read_page(self, index: int) -> dict[str, Any]:
        raise self.error


def test_the_second_reader_is_asked_for_what_fails_but_not_for_what_costs_too_much() -> None:
    second = pdf_worker.Second(make_pdf("Words."), None)
    answer = pdf_worker.read_page(Broken(KeyError("x")), 0, second)
    assert answer["lines"][0][0] == "Words."
    assert answer["instead"] == "'x'"
    assert pdf_worker.read_page(Broken(KeyError("x")), 0, None) == {"error": "'x'"}
    assert pdf_worker.read_page(Broken(KeyError("x")), 5, second) == {"error": "'x'"}
    assert pdf_worker.read_page(Broken(BoundError("big")), 0, second) == {"error": "big"}


FAKE_WORKER = """
import json, sys, os
request = json.loads(sys.stdin.buffer.readline())
sys.stdin.buffer.read()
def say(**answer):
    print(json.dumps(answer), flush=True)
name, first, end = request["backend"], request["first_page"], request["end_page"] or 3
if name == "pypdf" and OPENS_NOT:
    say(answer="failed", kind="damaged", reason="no xref")
    sys.exit()
if first == 0 and request["end_page"] is None:
    say(answer="opened", num_pages=3, labels=list("123"), metadata={}, outline=[], warnings=[])
for index in range(first, end):
    if name == "pypdf" and index in CRASHES:
        os._exit(9)
    say(answer="page", index=index, lines=[[name, index, 0, 0, 1]], picture=False)
say(answer="end")
"""


@pytest.mark.parametrize(
    ("opens_not", "crashes", "expected", "warning"),
    [
        (False, {1}, ["pypdf", "pdfium", "pypdf"], None),
        (False, {0, 1, 2}, ["pdfium", "pdfium", "pdfium"], "too many pages"),
        (True, set(), ["pdfium", "pdfium", "pdfium"], "no xref"),
    ],
)
def test_what_crashes_pypdf_is_read_with_pdfium(
    opens_not: bool,
    crashes: set[int],
    expected: list[str],
    warning: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = FAKE_WORKER.replace("OPENS_NOT", repr(opens_not)).replace("CRASHES", repr(crashes))
    (tmp_path / "fake_worker.py").write_text(script)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(pdf_process, "WORKER", "fake_worker")
    content = extract_pdf(b"", "a.pdf", limits=Limits(num_lost_pages=2))
    assert [page[0].text for page in content.lines] == expected
    assert [warning is None or warning in text for text in content.warnings] == (
        [True] if warning else []
    )
