"""Names for a batch's outputs: readable, never the same for two books, the same every time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infini_cli.text_safety import clean_line

MAX_STEM_CHARACTERS = 80
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[\ud800-\udfff]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


def name_outputs(
    books: Sequence[Path], folder: Path, suffix: str, known: Mapping[str, str]
) -> dict[Path, str]:
    """Name the output of every book.

    A book keeps the name that it had before. A new one is called after its file; where that
    name is taken, its format, its folder and at last a hash of its path tell it apart. Files
    that no batch wrote are not overwritten.

    Args:
        books: the inputs, none twice.
        folder: for the outputs.
        suffix: of the names.
        known: names by absolute path, from earlier runs.
    """
    names: dict[Path, str] = {}
    taken = {name.casefold() for name in known.values()}
    for path in books:
        before = known.get(str(path.absolute()))
        if before is not None and before == Path(before).name and before.endswith(suffix):
            names[path] = before
            continue
        for stem in _stems(path):
            name = f"{stem}{suffix}"
            # Some file systems do not tell upper from lower case.
            if name.casefold() not in taken and not (folder / name).exists():
                break
        names[path] = name
        taken.add(name.casefold())
    return names


def _stems(path: Path) -> Iterator[str]:
    yield _safe(path.stem)
    yield _safe(f"{path.stem}-{path.suffix.lstrip('.')}")
    yield _safe(f"{path.absolute().parent.name}-{path.stem}")
    digest = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
    for length in (8, 64):
        yield f"{_safe(path.stem)[: MAX_STEM_CHARACTERS - 1]}-{digest[:length]}"


def _safe(stem: str) -> str:
    """Make a name that every file system takes; it never begins with a dot or a dash."""
    name = _UNSAFE.sub("_", clean_line(stem))[:MAX_STEM_CHARACTERS].strip(" .-")
    return f"_{name}" if not name or _RESERVED.match(name) else name
