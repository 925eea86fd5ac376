"""Decode plain text: which encoding a file is in, and its characters.

The order is byte order mark, UTF-8 (strict, or with a few damaged bytes), what the file
declares, Windows-1252, and a statistical guess last: on short or accented texts the guess
is wrong more often than the tradition of Western files.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from infini_cli.errors import DamagedInput, UsageError

# The longer marks first: UTF-32-LE begins with the mark of UTF-16-LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What the web calls Latin-1 or ASCII is Windows-1252, with quotes and dashes in place of controls.
_LATIN1_LABELS = {"iso8859-1", "ascii"}
_SAMPLE_BYTES = 256 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
MARK = "\ufeff"
MIN_LETTERS_PER_LOSS = 20
"""Letters beyond ASCII that are right for one that is broken, in a file that is still UTF-8."""
_DECLARATION_BYTES = 2048
_DECLARED = re.compile(
    rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)|<meta[^>]*charset\s*=\s*["']?([\w.:-]+)""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Decoded:
    r"""Text and how it was decoded.

    Attributes:
        text: the characters, without any byte order mark, line ends as `\\n`.
        encoding: what it was decoded with, in Python's naming.
        warnings: characters lost, one line each.
    """

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, *, override: str | None = None, declared: str | None = None) -> Decoded:
    """Decode a text file.

    Args:
        data: the file.
        override: the encoding that the user names; nothing else is tried.
        declared: the encoding that the file names for itself, if it does.

    Raises:
        UsageError: `override` is no encoding.
        DamagedInput: the file is not in the encoding that the user names.
    """
    if override is not None:
        return _decode_as(data, override)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, "replace")
            return _decoded(text, encoding, lost=text.count("\ufffd"))
    for encoding in _candidates(data, declared):
        try:
            return _decoded(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            if encoding == "utf-8" and (nearly := _nearly_utf8(data)) is not None:
                return _decoded(nearly, encoding, lost=nearly.count("\ufffd"))
    encoding = _guess(data)
    text = data.decode(encoding, "replace")
    return _decoded(text, encoding, lost=text.count("\ufffd"))


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding an HTML or XML file names for itself in its first lines."""
    match = _DECLARED.search(data[:_DECLARATION_BYTES])
    return (match[1] or match[2]).decode("ascii", "replace") if match is not None else None


def text_encoding(label: str) -> str | None:
    """Return Python's name of a character encoding, None if there is none of that name."""
    try:
        info = codecs.lookup(label.strip())
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    # Codecs such as `zip` or `rot13` turn bytes into bytes or text into text.
    return info.name if info._is_text_encoding else None


def _candidates(data: bytes, declared: str | None) -> list[str]:
    candidates = ["utf-8"]
    if (wide := _unmarked_utf16(data)) is not None:
        candidates.insert(0, wide)
    if declared and (encoding := text_encoding(declared)) is not None:
        candidates.append("cp1252" if encoding in _LATIN1_LABELS else encoding)
    return [*candidates, "cp1252"]


def _nearly_utf8(data: bytes) -> str | None:
    """Decode UTF-8 of which a few bytes are damaged; None if most are of another encoding."""
    text = data.decode("utf-8", "replace")
    num_lost = text.count("\ufffd")
    num_wide = sum(not character.isascii() for character in text) - num_lost
    return text if num_wide >= MIN_LETTERS_PER_LOSS * num_lost else None


def _unmarked_utf16(data: bytes) -> str | None:
    """Recognise UTF-16 without a mark by the zero bytes of its Latin letters."""
    sample = data[:4096]
    if len(sample) < 4 or len(data) % 2:
        return None
    zeros_even, zeros_odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if zeros_odd > 0.6 * half and zeros_even < 0.05 * half:
        return "utf-16-le"
    if zeros_even > 0.6 * half and zeros_odd < 0.05 * half:
        return "utf-16-be"
    return None


def _guess(data: bytes) -> str:
    """Ask charset-normalizer; Latin-1, which never fails, if it has no idea."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    return best.encoding if best is not None else "latin-1"


def _decode_as(data: bytes, label: str) -> Decoded:
    encoding = text_encoding(label)
    if encoding is None:
        raise UsageError(
            f"there is no encoding `{label}`",
            hint="utf-8, cp1252, latin-1, utf-16, mac-roman, koi8-r, ...",
        )
    try:
        return _decoded(data.decode(encoding), encoding)
    except UnicodeError as error:
        raise DamagedInput(
            f"the text is not in the encoding `{encoding}`: {error}",
            hint="leave out `--encoding` to let infini find it",
        ) from error


def _decoded(text: str, encoding: str, *, lost: int = 0) -> Decoded:
    # Joined files carry a mark at every seam.
    text = text.replace(MARK, "").replace("\r\n", "\n").replace("\r", "\n")
    # Lone surrogates, which some codecs let through, can be written to no file.
    if _SURROGATE.search(text):
        text = text.encode("utf-8", "replace").decode("utf-8")
    warnings = (f"{lost:,} characters could not be decoded as {encoding}",) if lost else ()
    return Decoded(text, encoding.removesuffix("-sig"), warnings)
