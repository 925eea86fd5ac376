"""Archives that would cost more than any book."""

from __future__ import annotations

import io
import zipfile

import pytest

from infini_cli.errors import InputTooLarge
from infini_cli.reading import limits
from infini_cli.reading.limits import check_archive, read_member
from tests.reading.build import make_zip


def open_zip(members: dict[str, str | bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(make_zip(members)))


def test_a_book_passes() -> None:
    with open_zip({"a": "text " * 1000}) as archive:
        check_archive(archive, "a.epub")
        assert len(read_member(archive, "a")) == 5000


def test_what_packs_like_no_text_is_refused() -> None:
    with (
        open_zip({"a": bytes(limits.RATIO_FREE_BYTES + 1)}) as archive,
        pytest.raises(InputTooLarge, match="zip bomb"),
    ):
        check_archive(archive, "a.epub")


def test_small_files_may_pack_well() -> None:
    with open_zip({"a": bytes(limits.RATIO_FREE_BYTES // 2)}) as archive:
        check_archive(archive, "a.epub")


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 100)
    with open_zip({"a": "x" * 60, "b": "x" * 60}) as archive, pytest.raises(InputTooLarge):
        check_archive(archive, "a.epub")


def test_number_of_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MEMBERS", 1)
    with open_zip({"a": "", "b": ""}) as archive, pytest.raises(InputTooLarge):
        check_archive(archive, "a.epub")


def test_size_of_a_member_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MEMBER_BYTES", 10)
    with open_zip({"a": "x" * 11}) as archive, pytest.raises(InputTooLarge):
        read_member(archive, "a")


def test_a_member_that_lies_about_its_size_is_damaged() -> None:
    data = bytearray(make_zip({"a": b"x" * 5000}))
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.index(mark) + offset
        data[place : place + 4] = (10).to_bytes(4, "little")
    with (
        zipfile.ZipFile(io.BytesIO(bytes(data))) as archive,
        pytest.raises(zipfile.BadZipFile),
    ):
        read_member(archive, "a")
