"""Archives that would cost more than any book."""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields, replace

import pytest

from infini_cli.errors import InputTooLarge, UsageError
from infini_cli.reading import limits
from infini_cli.reading.limits import (
    MIB,
    VARIABLES,
    Limits,
    check_archive,
    limits_from,
    read_member,
)
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


def test_size_is_bounded() -> None:
    with open_zip({"a": "x" * 60, "b": "x" * 60}) as archive:
        with pytest.raises(InputTooLarge) as caught:
            check_archive(archive, "a.epub", Limits(unpacked_bytes=100))
        assert "INFINI_MAX_UNPACKED_MIB" in str(caught.value.hint)
        check_archive(archive, "a.epub", Limits(unpacked_bytes=120))


def test_number_of_files_is_bounded() -> None:
    with open_zip({"a": "", "b": ""}) as archive, pytest.raises(InputTooLarge):
        check_archive(archive, "a.epub", Limits(num_members=1))


def test_size_of_a_member_is_bounded() -> None:
    with open_zip({"a": "x" * 11}) as archive, pytest.raises(InputTooLarge):
        read_member(archive, "a", Limits(member_bytes=10))


def test_every_bound_that_can_be_set_is_one() -> None:
    names = {field.name for field in fields(Limits)}
    assert set(VARIABLES.values()) < names
    environment = dict.fromkeys(VARIABLES, "0.5")
    for variable, name in VARIABLES.items():
        expected = MIB // 2 if name.endswith("_bytes") else 0.5
        assert getattr(limits_from(environment), name) == expected
        assert replace(limits_from({variable: "0.5"}), **{name: 1}) == replace(  # type: ignore[arg-type]
            Limits(), **{name: 1}
        )


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan", "inf"])
def test_a_bound_is_a_positive_number(text: str) -> None:
    with pytest.raises(UsageError, match="INFINI_MAX_FILE_MIB"):
        limits_from({"INFINI_MAX_FILE_MIB": text})
    assert limits_from({"INFINI_MAX_FILE_MIB": " "}) == Limits()


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
