"""Kindle books through calibre, in whose place stands a script."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from infini_cli.errors import DamagedInput, InputTooLarge, ProtectedInput, UnsupportedFormat
from infini_cli.reading import ReadOptions, read_book
from infini_cli.reading.limits import Limits
from infini_cli.reading.mobi import read_mobi
from tests.reading.build import chapter, make_epub

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script for POSIX")


def kindle(encryption: int = 0) -> bytes:
    """Write the header of a Kindle book with one record."""
    data = bytearray(200)
    data[60:68] = b"BOOKMOBI"
    data[76:78] = (1).to_bytes(2, "big")
    data[78:82] = (100).to_bytes(4, "big")
    data[112:114] = encryption.to_bytes(2, "big")
    return bytes(data)


def install(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program named `ebook-convert` where programs are looked for."""
    script = folder / "ebook-convert"
    script.write_text(f"#!{sys.executable}\nimport sys, time, pathlib\n{code}\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_without_calibre(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnsupportedFormat, match="Kindle") as caught:
        read_book(kindle())
    assert "install calibre" in str(caught.value.hint)


def test_with_calibre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made.epub"
    made.write_bytes(make_epub({"a.xhtml": chapter("Drizzle"), "b.xhtml": chapter("Flood")}))
    copy = (
        "assert sys.argv[1].endswith('.mobi')\n"
        f"pathlib.Path(sys.argv[2]).write_bytes(pathlib.Path({str(made)!r}).read_bytes())"
    )
    install(tmp_path, copy, monkeypatch)
    book = read_book(kindle(), name="rain.azw3")
    assert (book.title, book.format) == ("Rain", "mobi")
    assert [found.title for found in book.chapters] == ["Drizzle", "Flood"]


def test_locked_books_need_no_calibre(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProtectedInput, match="digital rights"):
        read_book(kindle(encryption=2))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sys.exit('calibre.ebooks.DRMError')", ProtectedInput),
        ("sys.exit('no such thing')", DamagedInput),
    ],
)
def test_calibre_fails(
    code: str, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, code, monkeypatch)
    with pytest.raises(error):
        read_book(kindle())


def test_calibre_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "time.sleep(600)", monkeypatch)
    with pytest.raises(InputTooLarge, match="longer"):
        read_mobi(kindle(), "a.mobi", ReadOptions(limits=Limits(convert_seconds=0.5)))


def test_a_header_that_is_cut_off_is_not_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for size in range(68, 120):
        with pytest.raises(UnsupportedFormat):
            read_book(kindle(encryption=0)[:size])
