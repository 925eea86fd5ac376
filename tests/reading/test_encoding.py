from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.errors import DamagedInput, UsageError
from infini_cli.reading.encoding import decode, text_encoding

FRENCH = "L\u2019\u00e9t\u00e9 o\u00f9 \u00c9tienne mangea des \u0153ufs \u2014 d\u00e9j\u00e0 vu."


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_french_comes_back_from_every_usual_encoding(encoding: str, named: str) -> None:
    decoded = decode(FRENCH.encode(encoding))
    assert (decoded.text, decoded.encoding, decoded.warnings) == (FRENCH, named, ())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_mark_is_recognised(encoding: str) -> None:
    decoded = decode(FRENCH.encode(encoding))
    assert (decoded.text, decoded.encoding) == (FRENCH, encoding)


def test_declaration_comes_before_windows_1252_and_latin1_means_windows_1252() -> None:
    russian = "\u041c\u043e\u0439 \u0434\u044f\u0434\u044f"
    assert decode(russian.encode("koi8-r"), declared="koi8-r").text == russian
    assert decode("\u201cA\u201d".encode("cp1252"), declared="iso-8859-1").encoding == "cp1252"


def test_utf8_wins_over_a_wrong_declaration() -> None:
    assert decode(FRENCH.encode(), declared="koi8-r").text == FRENCH


def test_detector_is_asked_only_when_windows_1252_has_no_such_byte() -> None:
    data = b"\x81\x8d\x8f" + "\u0414\u043e\u043c".encode("cp1251")
    assert decode(data).encoding not in {"utf-8", "cp1252"}


def test_override_is_obeyed_and_a_wrong_one_refused() -> None:
    assert decode(b"\xe9", override="cp1251").text == "\u0439"
    with pytest.raises(DamagedInput, match="utf-8"):
        decode(b"\xe9", override="utf-8")
    for label in ("klingon", "rot13", "zip", "a\0b"):
        with pytest.raises(UsageError):
            decode(b"a", override=label)


def test_marks_inside_and_foreign_line_ends_are_normalised() -> None:
    assert decode("a\r\nb\rc\ufeffd".encode()).text == "a\nb\ncd"


def test_lost_characters_are_counted() -> None:
    assert decode(b"\xef\xbb\xbfa\xff").warnings == (
        "1 characters could not be decoded as utf-8-sig",
    )


@given(st.binary())
def test_any_bytes_decode_to_text_that_can_be_written(data: bytes) -> None:
    decoded = decode(data)
    decoded.text.encode("utf-8")
    assert "\r" not in decoded.text
    assert text_encoding(decoded.encoding) is not None


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\ufeff\r\0")))
def test_utf8_round_trip(text: str) -> None:
    assert decode(text.encode()).text == text


def test_a_few_damaged_bytes_leave_utf8_what_it_is() -> None:
    text = "\u0414\u043e\u0436\u0434\u044c. " * 20
    data = text.encode()
    decoded = decode(data[:44] + b"\xff" + data[44:])
    assert decoded.encoding == "utf-8"
    assert decoded.text.replace("\ufffd", "") == text
    assert "1 characters" in decoded.warnings[0]
    assert decode("na\u00efve caf\u00e9".encode("cp1252")).encoding == "cp1252"
