"""A text that has grown: whether the old one is its beginning, and where to go on reading."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from infini_cli.errors import UsageError
from infini_cli.reading.book import Block, Book, Chapter
from infini_cli.store.book_memory import BookMemory, Identity
from infini_cli.tokens.segments import SegmentPlan

MAX_SHOWN = 60
"""Characters of a text in a message."""


def check_growth(old: Book, new: Book) -> None:
    """Compare the texts of blocks, by hash, until one differs.

    Only the last block of the old text may have grown; after it anything may follow.

    Args:
        old: its kept chapters are what was read.
        new: its kept chapters are what is to be read.

    Raises:
        UsageError: the old text is not the beginning of the new one.
    """
    blocks = iter(_blocks(new))
    before = list(_blocks(old))
    for index, (chapter, block) in enumerate(before):
        now = next(blocks, None)
        if now is None:
            raise _differs(f"the old text goes on where the new one ends: {_shown(block)}", chapter)
        other = now[1]
        is_last = index == len(before) - 1
        if now[0].label != chapter.label:
            raise _differs(f"in the new text it stands in chapter {now[0].label}", chapter, block)
        if _sha256(other) == _sha256(block) or (is_last and other.text.startswith(block.text)):
            continue
        raise _differs(f"{_shown(block)} is now {_shown(other)}", chapter, block)


def continued(
    old: BookMemory, identity: Identity, book: Book, plan: SegmentPlan
) -> BookMemory | None:
    """Give the state from which a grown text is read on; None: from the beginning.

    It is the last point before the old text's last chapter at which notes were written: what
    comes after it is read again, so that segments and batches of notes are those that reading
    the new text at once would have.

    Args:
        old: what was read.
        identity: of the new reading.
        book: the new text.
        plan: of the new text.
    """
    point = old.before
    if (
        point is None
        or identity.recipe != old.identity.recipe
        or plan.prefix_sha256(point.num_segments) != point.plan
    ):
        return None
    return BookMemory(
        identity,
        book,
        point.memory,
        point.num_segments,
        len(plan.segments),
        point.num_tokens,
        plan.num_tokens,
        tuple(note for note in old.notes if note.segment < point.num_segments),
        point,
    )


def _blocks(book: Book) -> Iterator[tuple[Chapter, Block]]:
    return ((chapter, block) for chapter in book.kept_chapters for block in chapter.blocks)


def _sha256(block: Block) -> bytes:
    return hashlib.sha256(block.text.encode("utf-8", "surrogatepass")).digest()


def _shown(block: Block) -> str:
    text = " ".join(block.text.split())
    return f'"{text[:MAX_SHOWN]}{"..." if len(text) > MAX_SHOWN else ""}"'


def _differs(what: str, chapter: Chapter, block: Block | None = None) -> UsageError:
    place = f"chapter {chapter.label}" + (f", block {block.id}" if block is not None else "")
    return UsageError(
        f"the memory's text is not the beginning of this one: {place}: {what}",
        hint="leave `--append` away to read it whole",
    )
