"""Bounds on what a book may cost to read: an archive can hold a thousand times its size."""

from __future__ import annotations

import zipfile

from infini_cli.errors import InputTooLarge

MAX_UNPACKED_BYTES = 500 * 1024 * 1024
MAX_MEMBER_BYTES = 50 * 1024 * 1024
"""The longest novels are 3 MiB, and a tree in memory is ten times its file."""
MAX_RATIO = 200
"""Text packs ten to one; only a bomb packs two hundred to one."""
RATIO_FREE_BYTES = 10 * 1024 * 1024
MAX_MEMBERS = 20_000
MAX_NESTING = 2_000


def check_archive(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an archive that would unpack to more than any book holds.

    Raises:
        InputTooLarge: in size, ratio or number of files.
    """
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise InputTooLarge(f"`{name}` holds {len(members)} files", hint="this is no book")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES:
        raise InputTooLarge(
            f"`{name}` unpacks to {unpacked // 2**20} MiB", hint="at most 500 MiB are read"
        )
    if unpacked > RATIO_FREE_BYTES and unpacked > MAX_RATIO * max(packed, 1):
        raise InputTooLarge(f"`{name}` is packed like a zip bomb", hint="this is no book")


def read_member(archive: zipfile.ZipFile, member: str) -> bytes:
    """Unpack one file, no more of it than the bound: a header may lie about the size.

    Raises:
        KeyError: there is no such file.
        InputTooLarge: it is larger than any chapter.
        OSError, zipfile.BadZipFile, and what the decompressors raise: it is damaged.
    """
    with archive.open(member) as file:
        data = file.read(MAX_MEMBER_BYTES + 1)
    if len(data) > MAX_MEMBER_BYTES:
        raise InputTooLarge(
            f"`{member}` is larger than {MAX_MEMBER_BYTES // 2**20} MiB", hint="this is no book"
        )
    return data
