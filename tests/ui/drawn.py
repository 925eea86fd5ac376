"""What a figure says."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree


def words(path: Path) -> str:
    """All that an SVG says: letters are drawn as shapes, with comments that give the text."""
    text = path.read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    return " ".join(part.split("-->")[0].strip() for part in text.split("<!--")[1:])
