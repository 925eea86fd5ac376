"""Parse XML that nobody vouches for: no entities of its own, no network, repaired where broken."""

from __future__ import annotations

from lxml import etree


def parse_document(content: bytes, name: str) -> tuple[etree._Element | None, tuple[str, ...]]:
    """Parse XML that is text and not only a list of files, and say where it is broken.

    Args:
        content: the file; pictures inside it may be larger than 10 MB.
        name: how to call it.

    Returns:
        What could be read, None if it is nothing; warnings.
    """
    parser = _parser(huge=True)
    root = _parse(content, parser)
    errors = [entry.line for entry in parser.error_log if entry.level_name != "WARNING"]
    if root is None or not errors:
        return root, ()
    return root, (f"`{name}` is broken in line {errors[0]}, and text behind it may be missing",)


def parse_xml(content: bytes) -> etree._Element | None:
    """Parse XML as far as it goes. None if nothing is left."""
    return _parse(content, _parser(huge=False))


def _parser(*, huge: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=huge,
    )


def _parse(content: bytes, parser: etree.XMLParser) -> etree._Element | None:
    try:
        return etree.fromstring(content, parser) if content.strip() else None
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
