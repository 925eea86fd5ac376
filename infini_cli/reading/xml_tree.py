"""Parse XML that nobody vouches for: no entities of its own, no network, repaired where broken."""

from __future__ import annotations

import re

from lxml import etree

from infini_cli.reading.encoding import declared_encoding, decode

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# Characters that no XML may hold, and behind which the parser would read no further.
_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535))


def parse_document(
    content: bytes, name: str, *, encoding: str | None = None
) -> tuple[etree._Element | None, tuple[str, ...]]:
    """Parse XML that is text and not only a list of files, and say where it is broken.

    Args:
        content: the file; pictures inside it may be larger than 10 MB.
        name: how to call it.
        encoding: in place of what the file declares.

    Returns:
        What could be read, None if it is nothing; warnings.

    Raises:
        UsageError: `encoding` is none.
        DamagedInput: the file is not in the encoding that the user names.
    """
    parser = _parser(huge=True)
    decoded = decode(content, override=encoding, declared=declared_encoding(content))
    lost = tuple(f"`{name}`: {warning}" for warning in decoded.warnings)
    root = _parse(decoded.text, parser)
    errors = [entry.line for entry in parser.error_log if entry.level_name != "WARNING"]
    if root is None or not errors:
        return root, lost
    broken = f"`{name}` is broken in line {errors[0]}, and text behind it may be missing"
    return root, (*lost, broken)


def parse_xml(content: bytes) -> etree._Element | None:
    """Parse XML as far as it goes. None if nothing is left."""
    decoded = decode(content, declared=declared_encoding(content))
    return _parse(decoded.text, _parser(huge=False))


def _parser(*, huge: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=huge,
    )


def _parse(text: str, parser: etree.XMLParser) -> etree._Element | None:
    # The encoding that a declaration names was undone already.
    text = _DECLARATION.sub("", text.translate(_FORBIDDEN), count=1)
    try:
        return etree.fromstring(text.encode(), parser) if text.strip() else None
    except (etree.LxmlError, ValueError):
        return None


def local_name(element: etree._Element) -> str:
    """Give an element's name without its namespace; empty for an entity that was not resolved."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def first_text(root: etree._Element, path: str) -> str | None:
    """Give the text of the first element at a path, None if there is none or it is blank."""
    found = root.find(path)
    text = "".join(map(str, found.itertext())) if found is not None else ""
    return " ".join(text.split()) or None


def attribute(element: etree._Element, key: str) -> str:
    """Give an attribute whatever its namespace, empty if it is not there."""
    found = (value for name, value in element.items() if str(name).rpartition("}")[2] == key)
    return str(next(found, ""))
