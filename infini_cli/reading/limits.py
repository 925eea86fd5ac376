"""Bounds on what a book may cost to read: an archive can hold a thousand times its size."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from infini_cli.errors import InputTooLarge, UsageError

MIB = 1 << 20
MAX_RATIO = 200
"""Text packs ten to one; only a bomb packs two hundred to one."""
RATIO_FREE_BYTES = 10 * MIB
MAX_NESTING = 2_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one book; `VARIABLES` names those that a user can set.

    Attributes:
        file_bytes: of the file.
        unpacked_bytes: of an archive, unpacked, or of a folder of HTML files.
        member_bytes: of one file in it. The longest novels are 3 MiB, and a tree in memory is ten
            times its file.
        num_members: files in it.
        open_seconds: for opening a PDF and reading its outline.
        page_seconds: for one page of a PDF.
        pdf_memory_bytes: of the process that reads a PDF.
        num_lost_pages: pages of a PDF that may hang or crash before it is refused.
        convert_seconds: for calibre, which converts Kindle books.
    """

    file_bytes: int = 1024 * MIB
    unpacked_bytes: int = 500 * MIB
    member_bytes: int = 50 * MIB
    num_members: int = 20_000
    open_seconds: float = 30.0
    page_seconds: float = 10.0
    pdf_memory_bytes: int = 3072 * MIB
    num_lost_pages: int = 4
    convert_seconds: float = 300.0


DEFAULT_LIMITS = Limits()
VARIABLES = {
    "INFINI_MAX_FILE_MIB": "file_bytes",
    "INFINI_MAX_UNPACKED_MIB": "unpacked_bytes",
    "INFINI_MAX_MEMBER_MIB": "member_bytes",
    "INFINI_MAX_PDF_MEMORY_MIB": "pdf_memory_bytes",
    "INFINI_MAX_PDF_OPEN_SECONDS": "open_seconds",
    "INFINI_MAX_PDF_PAGE_SECONDS": "page_seconds",
    "INFINI_MAX_CONVERT_SECONDS": "convert_seconds",
}
"""Environment variables, and the bounds that they set."""


def limits_from(environment: Mapping[str, str]) -> Limits:
    """Give the bounds, as far as the environment sets them.

    Raises:
        UsageError: a variable is no positive number.
    """
    bounds: dict[str, float] = {}
    for variable, field in VARIABLES.items():
        if not (text := environment.get(variable, "").strip()):
            continue
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            raise UsageError(
                f"{variable} is `{text}`, not a positive number", hint=f"unset {variable}"
            )
        bounds[field] = int(number * MIB) if field.endswith("_bytes") else number
    return Limits(**bounds)  # type: ignore[arg-type]


def raised_by(field: str) -> str:
    """Give the hint that names the variable which sets a bound."""
    variable = next(name for name, set_field in VARIABLES.items() if set_field == field)
    return f"if you trust the file, set {variable} higher"


def check_archive(archive: zipfile.ZipFile, name: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse an archive that would unpack to more than any book holds.

    Raises:
        InputTooLarge: in size, ratio or number of files.
    """
    members = archive.infolist()
    if len(members) > limits.num_members:
        raise InputTooLarge(f"`{name}` holds {len(members)} files", hint="this is no book")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > limits.unpacked_bytes:
        raise InputTooLarge(
            f"`{name}` unpacks to {unpacked / MIB:,.1f} MiB, more than "
            f"{limits.unpacked_bytes / MIB:,.1f}",
            hint=raised_by("unpacked_bytes"),
        )
    if unpacked > RATIO_FREE_BYTES and unpacked > MAX_RATIO * max(packed, 1):
        raise InputTooLarge(f"`{name}` is packed like a zip bomb", hint="this is no book")


def read_member(archive: zipfile.ZipFile, member: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Unpack one file, no more of it than the bound: a header may lie about the size.

    Raises:
        KeyError: there is no such file.
        InputTooLarge: it is larger than any chapter.
        OSError, zipfile.BadZipFile, and what the decompressors raise: it is damaged.
    """
    with archive.open(member) as file:
        data = file.read(limits.member_bytes + 1)
    if len(data) > limits.member_bytes:
        raise InputTooLarge(
            f"`{member}` is larger than {limits.member_bytes // MIB} MiB",
            hint=raised_by("member_bytes"),
        )
    return data
