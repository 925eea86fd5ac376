"""Questions about a book as a whole, answered from the notes that were written on all of it.

"What is it about?" and "How does it end?" have no passage. They have an answer in the notes that
`infini summarize` and `infini read` keep: sentences from every stretch of the book.
"""

from __future__ import annotations

from infini_cli.grounding.support import reliable
from infini_cli.grounding.trust import keep_trusted
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, Note
from infini_cli.tasks.book_reader import kept_notes
from infini_cli.tasks.choose import choose_notes
from infini_cli.tasks.model import Model
from infini_cli.tasks.parts import Part, note_parts
from infini_cli.tasks.salience import Salience

OVERVIEW_WORDS = 400


def find_overview(book: Book, book_memory: BookMemory | None, model: Model) -> list[Part]:
    """Give sentences on all of a book, in reading order; none where there are no notes on it.

    Args:
        book: what is asked about.
        book_memory: what was read of it; None looks for what an earlier run kept.
        model: whose notes they are.
    """
    notes: tuple[Note, ...] = book_memory.notes if book_memory is not None else ()
    notes = notes or kept_notes(book, model)
    if not notes:
        return []
    usable = reliable(notes)
    # Where none is to be trusted, what they say is still more than nothing.
    parts = note_parts(keep_trusted(usable, model.min_trust) or usable)
    return choose_notes(parts, Salience(book, notes), OVERVIEW_WORDS)
