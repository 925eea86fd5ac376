"""Books that are zip archives: names as books spell them, bounded reads, a list of problems."""

from __future__ import annotations

import io
import posixpath
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from infini_cli.errors import EncryptedInput, InputError, damaged
from infini_cli.reading.limits import Limits, check_archive, read_member

READ_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What `zipfile` raises on members that are damaged or packed in unknown ways."""
_ENCRYPTED = 0x1


def resolve(base: str, href: str) -> str:
    """Give the path in the archive that a reference means; `..` never leads out of it.

    Args:
        base: path of the file that the reference stands in.
        href: the reference without its fragment, percent-encoding undone.
    """
    joined = posixpath.join("/", posixpath.dirname(base), href)
    return posixpath.normpath(joined).lstrip("/")


class BookArchive:
    """Files by name.

    Attributes:
        name: of the book's file, for messages.
        problems: what was missing or broken, one line each.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
        """Look at the archive's list of files.

        Raises:
            InputTooLarge: it would unpack to more than any book.
            EncryptedInput: it is a zip archive with a password.
        """
        check_archive(archive, name, limits)
        if any(member.flag_bits & _ENCRYPTED for member in archive.infolist()):
            raise EncryptedInput(
                f"`{name}` is an archive with a password", hint="unpack it and zip it without one"
            )
        self.name = name
        self.problems: list[str] = []
        self._archive, self._limits = archive, limits
        self._exact = set(archive.namelist())
        self._folded: dict[str, str] = {}
        for member in archive.namelist():
            self._folded.setdefault(_fold(member), member)
        for member in archive.namelist():
            self._folded.setdefault(_fold(unquote(member)), member)

    @property
    def members(self) -> list[str]:
        """The names of all files, in the archive's order; one may stand twice."""
        return self._archive.namelist()

    def find(self, path: str) -> str | None:
        """Give the archive's own spelling of a path, None if there is no such file.

        Percent-encoding left in, another case and another composition of accents are forgiven.
        """
        for spelling in (path, unquote(path)):
            if spelling in self._exact:
                return spelling
        return self._folded.get(_fold(path)) or self._folded.get(_fold(unquote(path)))

    def read(self, path: str) -> bytes:
        """Give a file's bytes, none if it is missing or damaged, which becomes a problem.

        Raises:
            InputTooLarge: it is larger than any chapter.
        """
        member = self.find(path)
        if member is None:
            self.problems.append(f"`{path}` is listed but not in the file")
            return b""
        try:
            return read_member(self._archive, member, self._limits)
        except READ_ERRORS:
            self.problems.append(f"`{path}` is damaged")
            return b""

    def with_suffix(self, suffix: str) -> list[str]:
        """Give the files whose names end so, those nearest the top first."""
        found = [member for member in self._exact if member.lower().endswith(suffix)]
        return sorted(found, key=lambda member: (member.count("/"), member))


@contextmanager
def open_archive(data: bytes, name: str, limits: Limits) -> Iterator[BookArchive]:
    """Open a book's archive, for as long as it is read.

    Raises:
        DamagedInput: it cannot be opened, or what is done with it meets damage.
        InputTooLarge: it would unpack to more than any book.
        EncryptedInput: it is a zip archive with a password.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield BookArchive(archive, name, limits)
    except InputError:
        raise
    except (*READ_ERRORS, ValueError) as error:
        raise damaged(name, "the archive cannot be opened") from error


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
