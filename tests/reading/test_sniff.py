from __future__ import annotations

import contextlib
import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.errors import DamagedInput, InfiniError, NoTextInput, UnsupportedFormat
from infini_cli.reading.sniff import Format, sniff


def archive(**entries: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in entries.items():
            file.writestr(name.replace("__", "/"), text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"%PDF-1.7\n", "-", Format.PDF),
        (b"mail header\n" * 20 + b"%PDF-1.4", "a.txt", Format.PDF),
        (archive(mimetype="application/epub+zip"), "-", Format.EPUB),
        (archive(**{"META-INF__container.xml": "<x/>"}), "a.zip", Format.EPUB),
        (b"<!DOCTYPE html><p>x", "-", Format.HTML),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- c --><html>", "-", Format.HTML),
        ("<html><p>x".encode("utf-16"), "-", Format.HTML),
        (b"<p>bare", "a.HTM", Format.HTML),
        (archive(**{"word__document.xml": "x"}), "a.zip", Format.DOCX),
        (archive(mimetype="application/vnd.oasis.opendocument.text"), "a.txt", Format.ODT),
        (archive(**{"a.fb2": "x"}), "a.zip", Format.FB2),
        (b"\0" * 60 + b"BOOKMOBI", "a.txt", Format.MOBI),
        (b"{\\rtf1 x}", "a.txt", Format.RTF),
        (b"<?xml version='1.0'?><FictionBook>", "a.xml", Format.FB2),
        ("<?xml version='1.0'?><FictionBook>".encode("utf-16"), "-", Format.FB2),
        (b"plain", "a.md", Format.MARKDOWN),
        (b"---\ntitle: A\n---\ntext", "-", Format.MARKDOWN),
        (b"# A\n\n## B\n\n## C\n", "-", Format.MARKDOWN),
        (b"# A\n\n[x](y) **z**\n", "stdin", Format.MARKDOWN),
        (b"# A\n\n## B\n\n## C\n", "a.txt", Format.TEXT),
        (b"It was a dark night.\n\n* * *\n\n# 4 was empty", "-", Format.TEXT),
        ("Gr\u00fc\u00dfe".encode("cp1252"), "a", Format.TEXT),
        ("It was".encode("utf-16-le"), "a", Format.TEXT),
        (b"<sigh> he said, <html> is not his thing", "-", Format.TEXT),
    ],
)
def test_format_is_told(data: bytes, name: str, expected: Format) -> None:
    assert sniff(data, name) is expected


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (archive(**{"xl__workbook.xml": "x"}), "Excel"),
        (archive(mimetype="application/vnd.oasis.opendocument.graphics"), "OpenDocument"),
        (archive(**{"a.txt": "x"}), "zip archive"),
        (archive(**{"a.fb2": "x", "b.fb2": "x"}), "zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Microsoft"),
        (gzip.compress(b"text"), "gzip"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\0" * 257 + b"ustar", "tar"),
        (bytes(range(256)) * 4, "binary"),
    ],
)
def test_other_formats_are_named_with_a_hint(data: bytes, what: str) -> None:
    with pytest.raises(UnsupportedFormat, match=what) as caught:
        sniff(data, "book.txt")
    assert caught.value.hint


def test_damaged_zip_and_cut_off_epub() -> None:
    whole = archive(mimetype="application/epub+zip", **{"META-INF__container.xml": "<x/>"})
    assert sniff(whole[: len(whole) // 2], "a.epub") is Format.EPUB
    with pytest.raises(DamagedInput, match="zip"):
        sniff(b"PK\x03\x04 nothing", "a.zip")


@pytest.mark.parametrize("data", [b"", b" \r\n\t\n", b"\0\0\0"])
def test_nothing_is_no_text(data: bytes) -> None:
    with pytest.raises(NoTextInput):
        sniff(data, "a.txt")


@given(
    st.sampled_from([b"", b"PK\x03\x04", b"%PDF-", b"<html", b"\xff\xfe", b"---\n"]),
    st.binary(max_size=300),
    st.text(max_size=20),
)
def test_only_errors_of_our_own_on_any_bytes(start: bytes, rest: bytes, name: str) -> None:
    with contextlib.suppress(InfiniError):
        assert sniff(start + rest, name) in Format


def test_many_comments_take_no_time() -> None:
    assert sniff(b"<!-- a -->" * 1000 + b"x", "a") is Format.TEXT
    assert sniff(b"<!-- a -->" * 1000 + b"<html>", "a") is Format.HTML
