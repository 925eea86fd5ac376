"""Tell a book that is locked from one whose fonts alone are obfuscated."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from infini_cli.errors import ProtectedInput
from infini_cli.reading.archive import BookArchive, resolve
from infini_cli.reading.xml_tree import parse_xml

ENCRYPTION_PATH = "META-INF/encryption.xml"
FONT_ALGORITHMS = frozenset(
    {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
)
"""Obfuscation of fonts: the text stays readable."""


def check_protection(archive: BookArchive, text_paths: Iterable[str]) -> None:
    """Refuse a book whose chapters are encrypted.

    Encrypted pictures and sounds do not matter here, and a `rights.xml` alone proves nothing.

    Raises:
        ProtectedInput: a file that holds text is encrypted.
    """
    if archive.find(ENCRYPTION_PATH) is None:
        return
    root = parse_xml(archive.read(ENCRYPTION_PATH))
    if root is None:
        return
    texts = {archive.find(path) for path in text_paths} - {None}
    for entry in root.iter("{*}EncryptedData"):
        method = entry.find("{*}EncryptionMethod")
        target = entry.find(".//{*}CipherReference")
        if method is not None and method.get("Algorithm") in FONT_ALGORITHMS:
            continue
        uri = str(target.get("URI") or "") if target is not None else ""
        if archive.find(resolve("", unquote(uri))) in texts:
            raise ProtectedInput(
                f"`{archive.name}` is locked by digital rights management",
                hint="infini reads only books without such a lock",
            )
