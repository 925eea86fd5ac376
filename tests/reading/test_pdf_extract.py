from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from infini_cli.errors import DamagedInput, EncryptedInput, InputTooLarge, NoTextInput
from infini_cli.reading import pdf_process, pdf_pypdf
from infini_cli.reading.limits import Limits
from infini_cli.reading.pdf_extract import extract_pdf


def make_pdf(*pages: str) -> bytes:
    pdf = FPDF()
    pdf.set_font("Times", "", 11)
    for number, text in enumerate(pages, 1):
        pdf.add_page()
        pdf.start_section(f"Chapter {number}")
        pdf.multi_cell(0, 6, text)
    return bytes(pdf.output())


def locked(data: bytes, user: str, owner: str, algorithm: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(user, owner, algorithm=algorithm)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def with_content(data: bytes, page: int, content: bytes) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    stream = DecodedStreamObject()
    stream.set_data(content)
    writer.pages[page][NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_pages_labels_outline_and_places() -> None:
    content = extract_pdf(make_pdf("The first page.", "The second page."), "a.pdf")
    assert [[line.text for line in page] for page in content.lines] == [
        ["The first page."],
        ["The second page."],
    ]
    assert content.labels == ["1", "2"]
    assert [(entry.title, entry.page, entry.depth) for entry in content.outline] == [
        ("Chapter 1", 0, 0),
        ("Chapter 2", 1, 0),
    ]
    assert content.lines[1][0].size == pytest.approx(11)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_passwords(algorithm: str) -> None:
    data = locked(make_pdf("Secret words."), "open", "own", algorithm)
    for password in ("open", "own"):
        assert extract_pdf(data, "a.pdf", password).lines[0][0].text == "Secret words."
    with pytest.raises(EncryptedInput, match="needs a password") as caught:
        extract_pdf(data, "a.pdf")
    assert caught.value.hint is not None
    assert "--password" in caught.value.hint
    with pytest.raises(EncryptedInput, match="does not open"):
        extract_pdf(data, "a.pdf", "wrong")


def test_owner_locked_opens_by_itself_even_with_a_wrong_password() -> None:
    data = locked(make_pdf("Free words."), "", "own", "AES-256")
    for password in (None, "wrong"):
        assert extract_pdf(data, "a.pdf", password).lines[0][0].text == "Free words."


@pytest.mark.parametrize("data", [b"%PDF-1.7\nnothing", b"%PDF-1.4\n" + b"\0" * 5000])
def test_damage_is_one_error_with_a_hint(data: bytes) -> None:
    with pytest.raises(DamagedInput) as caught:
        extract_pdf(data, "a.pdf")
    assert caught.value.hint


def test_a_cut_off_file_ends_in_text_or_one_of_our_errors() -> None:
    data = make_pdf("Some words.", "And more.")
    for share in (0.3, 0.6, 0.9):
        try:
            content = extract_pdf(data[: int(share * len(data))], "a.pdf")
        except (DamagedInput, NoTextInput) as error:
            outcome = error.message
        else:
            outcome = str(content.num_pages)
        assert outcome


def test_chatter_of_the_library_reaches_neither_stream(capfd: pytest.CaptureFixture[str]) -> None:
    content = extract_pdf(make_pdf("Words.")[:-6], "a.pdf")
    assert content.lines[0][0].text == "Words."
    assert capfd.readouterr() == ("", "")


def test_a_page_with_too_many_commands_is_left_out_and_named() -> None:
    huge = b"0 0 m 1 1 l S\n" * (pdf_pypdf.MAX_CONTENT_BYTES // 14 + 1)
    content = extract_pdf(with_content(make_pdf("One.", "Two.", "Three."), 1, huge), "a.pdf")
    assert [bool(page) for page in content.lines] == [True, False, True]
    assert "drawing commands" in content.failed_pages[1]


FAKE_WORKER = """
import json, sys, time, os
request = json.loads(sys.stdin.buffer.readline())
sys.stdin.buffer.read()
def say(**answer):
    print(json.dumps(answer), flush=True)
if request["first_page"] == 0:
    say(answer="opened", num_pages=4, labels=list("1234"), metadata={}, outline=[], warnings=[])
for index in range(request["first_page"], 4):
    if index in BAD:
        MISBEHAVE
    say(answer="page", index=index, lines=[["text", index, 0, 0, 1]], picture=False)
say(answer="end")
"""


Install = Callable[[set[int], str], None]


@pytest.fixture
def misbehaving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Replace the worker by one that misbehaves on the pages named."""

    def install(bad: set[int], deed: str) -> None:
        script = FAKE_WORKER.replace("BAD", repr(bad)).replace("MISBEHAVE", deed)
        (tmp_path / "fake_worker.py").write_text(script)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(pdf_process, "WORKER", "fake_worker")

    return install


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("time.sleep(600)", "longer than"),
        ("os._exit(9)", "crashes"),
        ("print('{', flush=True)", "crashes"),
    ],
)
def test_a_page_that_hangs_or_crashes_costs_that_page_alone(
    misbehaving: Install, deed: str, reason: str
) -> None:
    misbehaving({1, 3}, deed)
    content = extract_pdf(b"", "a.pdf", limits=Limits(open_seconds=5, page_seconds=0.5))
    assert [bool(page) for page in content.lines] == [True, False, True, False]
    assert sorted(content.failed_pages) == [1, 3]
    assert all(reason in text for text in content.failed_pages.values())


def test_too_many_lost_pages_end_it(misbehaving: Install) -> None:
    misbehaving({0, 1, 2, 3}, "os._exit(9)")
    with pytest.raises(InputTooLarge, match="too many pages"):
        extract_pdf(b"", "a.pdf", limits=Limits(num_lost_pages=2))


def test_memory_is_bounded() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux limits the address space of a process")
    code = (
        "from infini_cli.reading.pdf_worker import limit_memory\n"
        "limit_memory(2**29)\n"
        "bytearray(2**30)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"MemoryError" in result.stderr
