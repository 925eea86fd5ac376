"""Read mutants of small files: each ends as it should or as an error with a hint, in bounded time.

Books of every format, model files and book memories.

    python -m tests.reading.fuzz [--mutants NUMBER] [--seed NUMBER] [--kind NAME ...]

The same seed gives the same mutants. What fails is printed with its number, and the file is kept
in `--keep FOLDER` if one is given. Exit code 1 if anything failed.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import FrameType

from infini_cli.errors import InfiniError
from infini_cli.reading import read_book
from tests.reading.build import chapter, line, make_epub, make_zip, nav, ncx
from tests.reading.build_documents import (
    RAIN,
    WORD,
    make_docx,
    make_odt,
    open_heading,
    open_paragraph,
    story_fb2,
    story_rtf,
    word_paragraph,
)
from tests.reading.test_pdf_extract import make_pdf
from tests.store import weights_files

MAX_SECONDS = 20
MAX_MEMORY_BYTES = 4 * 2**30
ZIPPED = frozenset({"epub", "docx", "odt"})
MEMBER_SHARE = 0.7
"""Of mutants of archives: those of which only a file inside is changed."""
# What parsers are known to stumble over.
NASTY: tuple[bytes, ...] = (
    b"<",
    b">",
    b"&",
    b"&#0;",
    b"&#x110000;",
    b"&undefined;",
    b"</",
    b"<![CDATA[",
    b"<!--",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\x1b[2J",
    b"../../etc/passwd",
    b"%00",
    b"://[",
    b"-1",
    b"0",
    b"99999999999999999999",
    b"{",
    b"}",
    b"\\",
    b"\\u",
    b"\\'",
    b"\\bin99 ",
    b"\\fonttbl",
    b"<<",
    b">>",
    b"[",
    b"1 0 R",
    b"stream",
    b"/Length",
    b"#",
    b"---\n",
    b"```",
    b" " * 1000,
    b"(" * 500,
    b"<b>" * 500,
)


def base_files() -> dict[str, bytes]:
    """Make a small book of every kind, with as many of its features as fit."""
    book = {
        "a.xhtml": chapter("Drizzle", 'It <i>rained</i>.<a epub:type="noteref" href="#n">1</a>'),
        "b.xhtml": chapter("Flood", "<table><tr><td>a</td><td>b</td></tr></table>red<br/>blue"),
        "nav.xhtml": nav(
            line("Drizzle", "a.xhtml", line("More", "a.xhtml#x")) + line("F", "b.xhtml")
        ),
        "toc.ncx": ncx([("Drizzle", "a.xhtml"), ("Flood", "b.xhtml#y")]),
    }
    note = f'<w:footnotes xmlns:w="{WORD}"><w:footnote w:id="2"><w:p/></w:footnote></w:footnotes>'
    words = word_paragraph("Rain", "Title") + word_paragraph("A", "Mine") + word_paragraph("*B* c")
    table = f"<w:tbl><w:tr><w:tc>{word_paragraph('x')}</w:tc></w:tr></w:tbl>"
    opened = (
        open_heading("A")
        + open_paragraph("b *c*")
        + open_heading("B", 2)
        + ("<text:list><text:list-item><text:p>d<text:s/></text:p></text:list-item></text:list>")
    )
    markdown = b"---\ntitle: Rain\nauthor: A\n---\n# One\n\nIt *rained*.\n\n# Two\n\n- a\n\n> c\n"
    text = b"RAIN\n\nby Ann Author\n\n" + b"".join(
        b"CHAPTER %d\n\nIt rained on the\nhouse and the fox.\n\n" % number for number in range(1, 5)
    )
    return {
        "epub": make_epub(book, toc=' toc="i3"'),
        "docx": make_docx(words + table, parts={"word/footnotes.xml": note}),
        "odt": make_odt(opened),
        "rtf": story_rtf(RAIN),
        "fb2": story_fb2(RAIN),
        "html": b"<html><body><h1>A</h1><p>It rained.</p><h1>B</h1><ul><li>c</ul></body></html>",
        "md": markdown,
        "txt": text,
        "pdf": make_pdf("Chapter 1\n\nIt rained.", "Chapter 2\n\nIt poured."),
    }


def mutants(kind: str, base: bytes, seed: int) -> Iterator[bytes]:
    """Give mutants without end, always the same ones for a seed."""
    number = 0
    while True:
        chance = random.Random(f"{seed} {kind} {number}")
        yield mutate(kind, base, chance, partial(_mutate_bytes, chance=chance))
        number += 1


def mutate(
    kind: str, data: bytes, chance: random.Random, mutate_bytes: Callable[[bytes], bytes]
) -> bytes:
    """Change a file, or a part of it so that the rest stays whole.

    Args:
        kind: of file.
        data: the file, a whole one.
        chance: decides which part.
        mutate_bytes: changes that part.

    Raises:
        Exception: the file is not whole, so that its parts cannot be told.
    """
    if kind in weights_files.KINDS and chance.random() < weights_files.HEADER_SHARE:
        return weights_files.mutate_header(kind, data, chance, mutate_bytes)
    if kind in ZIPPED and chance.random() < MEMBER_SHARE:
        return _mutate_member(data, chance, mutate_bytes)
    return mutate_bytes(data)


def _mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    mutant = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(mutant) + 1)
        end = min(len(mutant), at + chance.choice((1, 2, 8, 64, 512)))
        deed = chance.randrange(6)
        if deed == 0:
            mutant[at:end] = chance.randbytes(end - at)
        elif deed == 1:
            del mutant[at:end]
        elif deed == 2:
            mutant[at:at] = mutant[at:end] * chance.choice((1, 2, 50))
        elif deed == 3:
            mutant[at:at] = chance.choice(NASTY)
        elif deed == 4:
            mutant[at:end] = chance.choice(NASTY)
        elif chance.random() < 0.3:
            del mutant[at:]
    return bytes(mutant)


def _mutate_member(
    data: bytes, chance: random.Random, mutate_bytes: Callable[[bytes], bytes]
) -> bytes:
    """Change one file of an archive, which stays whole."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    chosen = chance.choice(sorted(members))
    content = members[chosen]
    assert isinstance(content, bytes)
    members[chosen] = mutate_bytes(content)
    return make_zip(members)


@dataclass(frozen=True, slots=True)
class Finding:
    """A mutant that ended as none may.

    Attributes:
        kind: of file.
        number: of the mutant.
        data: the mutant.
        what: traceback or time.
    """

    kind: str
    number: int
    data: bytes
    what: str


def try_mutants(
    kind: str, seed: int, num_mutants: int, say: Callable[[str], None] = lambda _: None
) -> tuple[list[Finding], Counter[str]]:
    """Read mutants of one kind of file.

    Returns:
        What failed, and how often each outcome came.
    """
    if kind not in weights_files.KINDS:
        return _try_mutants(kind, base_files()[kind], _read_book, seed, num_mutants, say)
    with tempfile.TemporaryDirectory(prefix="infini-fuzz-") as folder:
        os.environ["INFINI_HOME"] = str(Path(folder) / "home")
        files = weights_files.WeightsFiles(Path(folder))
        return _try_mutants(kind, files.base[kind], files.read, seed, num_mutants, say)


def _read_book(kind: str, data: bytes) -> None:
    read_book(data, name=f"book.{kind}")


def _try_mutants(
    kind: str,
    base: bytes,
    read: Callable[[str, bytes], None],
    seed: int,
    num_mutants: int,
    say: Callable[[str], None],
) -> tuple[list[Finding], Counter[str]]:
    findings: list[Finding] = []
    outcomes: Counter[str] = Counter()
    wanted = islice(mutants(kind, base, seed), num_mutants)
    for number, data in enumerate(wanted):
        begun = time.monotonic()
        try:
            with_time_limit(partial(read, kind, data))
            outcome, what = "read", ""
        except InfiniError as error:
            outcome, what = type(error).__name__, "" if error.hint else "an error without a hint"
        except (Exception, MemoryError, RecursionError):
            outcome, what = "failure", traceback.format_exc()
        if time.monotonic() - begun > MAX_SECONDS:
            what = what or f"it took {time.monotonic() - begun:.0f} seconds"
        outcomes[outcome] += 1
        if what:
            findings.append(Finding(kind, number, data, what))
            say(f"{kind} {number}: {what}")
    return findings, outcomes


def with_time_limit(function: Callable[[], object]) -> None:
    """Call a function; where the system can, stop it when it takes too long."""
    if not hasattr(signal, "SIGALRM"):
        function()
        return

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"it takes longer than {MAX_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        function()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def limit_memory(kind: str) -> None:
    """Bound this process's memory, so that a mutant that fills it is a finding.

    With a model nothing is bounded: torch alone takes more addresses than all it will ever fill.
    """
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    bound = most if kind in weights_files.KINDS else MAX_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (bound, most))


def peak_bytes() -> int:
    """Give the most memory that this process and its children have held, each by itself."""
    try:
        import resource
    except ImportError:
        return 0
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in who) * 1024


def main() -> int:
    """Run from the command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=2000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    kinds = [*base_files(), *weights_files.KINDS]
    parser.add_argument("--kind", action="append", choices=kinds)
    parser.add_argument("--keep", type=Path, help="folder for the files that fail")
    arguments = parser.parse_args()
    failed = 0
    for kind in arguments.kind or kinds:
        limit_memory(kind)
        begun, peak = time.monotonic(), peak_bytes()
        findings, outcomes = try_mutants(kind, arguments.seed, arguments.mutants, print)
        seconds = time.monotonic() - begun
        grown = (peak_bytes() - peak) >> 20
        print(
            f"{kind}: {dict(outcomes.most_common())} in {seconds:.1f} s, peak {grown} MiB higher",
            flush=True,
        )
        failed += len(findings)
        for finding in findings if arguments.keep else ():
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / f"{finding.number}.{finding.kind}").write_bytes(finding.data)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
