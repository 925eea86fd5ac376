"""Small EPUBs, whole or broken in one chosen way."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
    ' version="1.0"><rootfiles><rootfile full-path="OEBPS/book.opf"'
    ' media-type="application/oebps-package+xml"/></rootfiles></container>'
)
METADATA = (
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Rain</dc:title>'
    "<dc:creator>Ann Author</dc:creator><dc:language>en</dc:language>"
    "<dc:identifier id='id'>urn:x:1</dc:identifier></metadata>"
)
XHTML = "application/xhtml+xml"
NCX = "application/x-dtbncx+xml"
TYPES = {"css": "text/css", "png": "image/png", "svg": "image/svg+xml", "ncx": NCX}


def page(body: str, *, title: str = "", attributes: str = "") -> str:
    """Write an XHTML document."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>{title}</title></head><body {attributes}>{body}</body></html>"
    )


def chapter(title: str, text: str = "It rained.", *, level: int = 2, attributes: str = "") -> str:
    """Write an XHTML document with a heading and a paragraph."""
    return page(f"<h{level}>{title}</h{level}><p>{text}</p>", attributes=attributes)


def nav(lines: str, *, kind: str = 'epub:type="toc"') -> str:
    """Write a navigation document around list items."""
    return page(f"<nav {kind}><ol>{lines}</ol></nav>")


def line(title: str, href: str, inner: str = "") -> str:
    """Write a line of a navigation document."""
    return f'<li><a href="{href}">{title}</a>{f"<ol>{inner}</ol>" if inner else ""}</li>'


def ncx(points: Iterable[tuple[str, str]]) -> str:
    """Write an EPUB 2 table of contents."""
    inner = "".join(
        f"<navPoint><navLabel><text>{title}</text></navLabel><content src='{href}'/></navPoint>"
        for title, href in points
    )
    return (
        '<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/">'
        f"<navMap>{inner}</navMap></ncx>"
    )


def package(items: str, spine: str, *, toc: str = "", metadata: str = METADATA) -> str:
    """Write a package document."""
    return (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"'
        f' unique-identifier="id">{metadata}<manifest>{items}</manifest>'
        f"<spine{toc}>{spine}</spine></package>"
    )


def make_epub(
    files: Mapping[str, str | bytes],
    *,
    spine: Sequence[str] | None = None,
    listed: Iterable[str] = (),
    not_linear: Iterable[str] = (),
    toc: str = "",
    opf: str | None = None,
    beside: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """Pack an EPUB.

    Args:
        files: path below `OEBPS/` to content; `nav.xhtml` is the navigation document.
        spine: paths in reading order; every XHTML file but the navigation if None.
        listed: paths that the manifest lists although they are not there.
        not_linear: paths that the spine marks `linear="no"`.
        toc: attribute of the spine.
        opf: the package document, in place of one written from the above.
        beside: files from the top of the archive, instead of or in addition to the usual.
    """
    paths = [*files, *listed]
    items = "".join(_item(number, path) for number, path in enumerate(paths))
    if spine is None:
        spine = [path for path in files if path.endswith("html") and path != "nav.xhtml"]
    numbers = {path: number for number, path in enumerate(paths)}
    references = "".join(
        f'<itemref idref="i{numbers.get(path, path)}"'
        + (' linear="no"/>' if path in set(not_linear) else "/>")
        for path in spine
    )
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": opf if opf is not None else package(items, references, toc=toc),
        **{f"OEBPS/{path}": content for path, content in files.items()},
        **(beside or {}),
    }
    return make_zip(members)


def make_zip(members: Mapping[str, str | bytes]) -> bytes:
    """Pack files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in members.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def _item(number: int, path: str) -> str:
    suffix = path.rpartition(".")[2]
    properties = ' properties="nav"' if path == "nav.xhtml" else ""
    kind = TYPES.get(suffix, XHTML)
    return f'<item id="i{number}" href="{path}" media-type="{kind}"{properties}/>'
