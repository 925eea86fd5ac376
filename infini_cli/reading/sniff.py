"""Tell what kind of file some bytes are, by content first and by name second."""

from __future__ import annotations

import io
import re
import zipfile
from enum import StrEnum
from pathlib import PurePath

from infini_cli.errors import DamagedInput, EncryptedInput, NoTextInput, UnsupportedFormat


class Format(StrEnum):
    """A format that infini reads."""

    EPUB = "epub"
    PDF = "pdf"
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    DOCX = "docx"
    ODT = "odt"
    RTF = "rtf"
    FB2 = "fb2"
    MOBI = "mobi"


READABLE = (
    "infini reads EPUB, PDF, text, Markdown, HTML, DOCX, ODT, RTF, FB2 and, through calibre, MOBI"
)
_HEAD_BYTES = 1024
_SAMPLE_BYTES = 64 * 1024
_MARKDOWN_SUFFIXES = {".md", ".markdown", ".mdown", ".mkd", ".mkdn"}
_HTML_SUFFIXES = {".html", ".htm", ".xhtml", ".xht"}
# Atomic: what a comment took it keeps, or many comments could be split in endless ways.
_HTML_START = re.compile(
    rb"^\s*(?:<\?xml[^>]*\?>\s*)?(?>(?:<!--.*?-->\s*)*)<(?:!doctype\s+html|html|head|body)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_MARKDOWN_HEADING = re.compile(r"^#{1,6} +\S", re.MULTILINE)
_MARKDOWN_SIGN = re.compile(
    r"^(?:[*+-] +\S|\d+\. +\S|> +\S|```)|\[[^\]\n]+\]\([^)\s]+\)|\*\*[^*\n]+\*\*", re.MULTILINE
)
_FRONT_MATTER = re.compile(r"\A---\n(?:[\w-]+:.*\n|[ \t-].*\n|\n){1,60}?(?:---|\.\.\.)\n")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# Signature, where it stands, what it is, what to do about it.
_CONVERT = "convert it first, for example with `ebook-convert book.{0} book.epub`"
_SIGNATURES: tuple[tuple[bytes, int, str, str], ...] = (
    (b"\x1f\x8b", 0, "a gzip archive", "unpack it first, with `gunzip`"),
    (b"BZh", 0, "a bzip2 archive", "unpack it first, with `bunzip2`"),
    (b"\xfd7zXZ\x00", 0, "an xz archive", "unpack it first, with `unxz`"),
    (b"\x28\xb5\x2f\xfd", 0, "a zstd archive", "unpack it first, with `unzstd`"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7-Zip archive", "unpack it first"),
    (b"Rar!\x1a\x07", 0, "a RAR archive or comic book", "unpack it first"),
    (b"ustar", 257, "a tar archive", "unpack it first, with `tar -xf`"),
    (b"TPZ", 0, "a Kindle book (Topaz)", _CONVERT.format("azw")),
    (b"\xeaDRMION\xee", 0, "a Kindle book (KFX) with digital rights management", READABLE),
    (b"ITSF", 0, "a compiled help file (CHM)", _CONVERT.format("chm")),
    (
        b"AT&TFORM",
        0,
        "a DjVu book",
        "convert it first, for example with `djvutxt book.djvu book.txt`",
    ),
    (
        _OLE,
        0,
        "an old Microsoft Office document",
        "save it as text or PDF first",
    ),
    (b"%!PS", 0, "a PostScript document", "convert it first, for example with `ps2pdf`"),
    (
        b"\x89PNG\r\n\x1a\n",
        0,
        "a picture (PNG)",
        "recognise its text first, for example with `tesseract`",
    ),
    (
        b"\xff\xd8\xff",
        0,
        "a picture (JPEG)",
        "recognise its text first, for example with `tesseract`",
    ),
    (b"GIF8", 0, "a picture (GIF)", "recognise its text first, for example with `tesseract`"),
    (b"II*\x00", 0, "a picture (TIFF)", "recognise its text first, for example with `tesseract`"),
    (b"MM\x00*", 0, "a picture (TIFF)", "recognise its text first, for example with `tesseract`"),
    (b"ID3", 0, "a sound file (MP3)", READABLE),
    (b"OggS", 0, "a sound file (Ogg)", READABLE),
    (b"ftyp", 4, "a film or sound file (MPEG-4)", READABLE),
    (b"\x7fELF", 0, "a program", READABLE),
    (b"SQLite format 3\x00", 0, "an SQLite database", READABLE),
)


def sniff(data: bytes, name: str) -> Format:
    """Tell the format of a file.

    Args:
        data: the whole file.
        name: its name; only its suffix is used, and only between formats that
            are all text.

    Raises:
        UnsupportedFormat: it is none that infini reads.
        DamagedInput: it begins like a zip archive and is not a whole one.
        EncryptedInput: it is an Office document with a password.
        NoTextInput: it is empty.
    """
    if not data.strip(b" \t\r\n\0"):
        raise NoTextInput(
            f"`{name}` is empty" if not data else f"`{name}` holds nothing but blanks"
        )
    if b"%PDF-" in data[:_HEAD_BYTES]:
        return Format.PDF
    if data.startswith(_ZIP):
        return _sniff_zip(data, name)
    if data.startswith(b"BOOKMOBI", 60):
        return Format.MOBI
    if data.lstrip().startswith(b"{\\rtf"):
        return Format.RTF
    if data.startswith(_OLE) and _LOCKED_OFFICE in data:
        raise EncryptedInput(
            f"`{name}` is an Office document with a password", hint="save it again without one"
        )
    for signature, offset, what, hint in _SIGNATURES:
        if data.startswith(signature, offset):
            raise UnsupportedFormat(f"`{name}` is {what}", hint=hint)
    sample = data[:_SAMPLE_BYTES]
    if _is_binary(sample):
        raise UnsupportedFormat(f"`{name}` is binary data of an unknown kind", hint=READABLE)
    suffix = PurePath(name).suffix.lower()
    if b"<FictionBook" in _narrow(sample)[:_HEAD_BYTES]:
        return Format.FB2
    if suffix in _HTML_SUFFIXES or _HTML_START.match(_narrow(sample)):
        return Format.HTML
    if suffix in _MARKDOWN_SUFFIXES or (not suffix and _looks_like_markdown(sample)):
        return Format.MARKDOWN
    return Format.TEXT


def _sniff_zip(data: bytes, name: str) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            kind = _declared_type(archive)
    # zipfile raises these, and more, on archives that are cut off or forged.
    except (
        zipfile.BadZipFile,
        ValueError,
        OSError,
        NotImplementedError,
        EOFError,
        RuntimeError,
    ) as error:
        if b"application/epub+zip" in data[:_HEAD_BYTES]:
            return Format.EPUB  # its reader says what is broken
        raise DamagedInput(
            f"`{name}` is a damaged zip archive: {error}", hint="fetch or copy the file again"
        ) from error
    if kind == "application/epub+zip" or "META-INF/container.xml" in names:
        return Format.EPUB
    if kind.startswith("application/vnd.oasis.opendocument.text"):
        return Format.ODT
    if kind.startswith("application/vnd.oasis.opendocument"):
        raise UnsupportedFormat(
            f"`{name}` is an OpenDocument file without a text", hint="save it as PDF first"
        )
    if any(entry.startswith("word/") for entry in names):
        return Format.DOCX
    if sum(entry.lower().endswith(".fb2") for entry in names) == 1:
        return Format.FB2
    for prefix, what, hint in (
        ("xl/", "an Excel workbook", READABLE),
        ("ppt/", "a PowerPoint presentation", "save it as PDF first"),
        ("Index/", "an Apple iWork document", "export it as PDF or EPUB first"),
    ):
        if any(entry.startswith(prefix) for entry in names):
            raise UnsupportedFormat(f"`{name}` is {what}", hint=hint)
    raise UnsupportedFormat(
        f"`{name}` is a zip archive, not a book", hint="unpack it and read what it holds"
    )


def _declared_type(archive: zipfile.ZipFile) -> str:
    """Return the archive's `mimetype` entry, empty if it has none that can be read."""
    try:
        with archive.open("mimetype") as entry:
            return entry.read(100).decode("ascii", "replace").strip()
    except (
        KeyError,
        zipfile.BadZipFile,
        ValueError,
        OSError,
        NotImplementedError,
        EOFError,
        RuntimeError,
    ):
        return ""
    except Exception as error:  # zlib.error is no OSError
        if type(error).__module__ in {"zlib", "lzma", "bz2"}:
            return ""
        raise


def _is_binary(sample: bytes) -> bool:
    """Tell data from text: zero bytes outside UTF-16 and UTF-32, or many control characters."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return False
    narrow = _narrow(sample)
    # Files that were cut or padded by old programs may end in a few zeros.
    if narrow.count(0) > len(narrow) // 1000 + 1:
        return True
    controls = sum(
        narrow.count(code) for code in range(1, 32) if code not in b"\t\n\r\f\v\x1a\x1b\b"
    )
    return controls > len(narrow) // 50


def _narrow(sample: bytes) -> bytes:
    """Return UTF-16 of Latin text as one byte a character, anything else as it is."""
    if sample.startswith(b"\xff\xfe"):
        return sample[2::2]
    if sample.startswith(b"\xfe\xff"):
        return sample[3::2]
    even, odd, half = sample[0::2].count(0), sample[1::2].count(0), len(sample) // 2
    if half > 1 and odd > 0.6 * half and even < 0.05 * half:
        return sample[0::2]
    if half > 1 and even > 0.6 * half and odd < 0.05 * half:
        return sample[1::2]
    return sample.removeprefix(b"\xef\xbb\xbf")


def _looks_like_markdown(sample: bytes) -> bool:
    """Ask for several signs, or front matter: novels have stray `#` and `*`."""
    text = _narrow(sample).decode("utf-8", "replace").replace("\r\n", "\n")
    if _FRONT_MATTER.match(text):
        return True
    num_headings = len(_MARKDOWN_HEADING.findall(text))
    return num_headings >= 3 or (num_headings >= 1 and len(_MARKDOWN_SIGN.findall(text)) >= 2)
