"""Sentences of the book itself that can stand in a summary.

Notes that are to be trusted are few. What the book itself says is true. What somebody in it says
need not be, but tells what happened as often: it may stand where nobody speaks to anybody in it.
"""

from __future__ import annotations

import re

from infini_cli.grounding.book_sentences import Sentence
from infini_cli.language.sentences import stands_alone

MIN_WORDS, MAX_WORDS = 8, 40
_PAIRS = (("\u201c", "\u201d"), ("\u00ab", "\u00bb"), ("\u300c", "\u300d"), ("\u201e", "\u201c"))
_SPEECH = frozenset('"' + "".join(map("".join, _PAIRS)))
"""What somebody says leans on who says it to whom."""
_BEGINS_SPEECH = ("'", "\u2018", "\u2013", "\u2014", "-")
_WHOLE = re.compile(r"[^\W_a-z].*[.!?\u2026\u3002\uff01\uff1f][)\]'\u2019]*", re.DOTALL)
"""Begins like a sentence and ends like one: no heading, no half of one that a page cut."""
_SPEAKER = re.compile(r"\b(?:I|me|my|mine|we|us|our|ours)\b")
_LISTENER = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)


def quote(sentence: Sentence) -> str:
    """Write a sentence as a quotation."""
    return f"\u201c{sentence.text}\u201d"


def can_be_quoted(sentence: Sentence) -> bool:
    """Tell whether a sentence can be read where it is not surrounded by its book."""
    text = sentence.text
    return (
        MIN_WORDS <= len(text.split()) <= MAX_WORDS
        and stands_alone(text)
        and _WHOLE.fullmatch(text) is not None
        and not text.startswith(_BEGINS_SPEECH)
        and not _SPEECH & set(text)
        and _LISTENER.search(text) is None
        and (_SPEAKER.search(text) is None or not _is_in_speech(sentence))
    )


def _is_in_speech(sentence: Sentence) -> bool:
    """Tell whether somebody began to speak earlier in the paragraph and has not ended."""
    before = sentence.block.text[: sentence.start]
    if before.count('"') % 2:
        return True
    return any(before.rfind(first) > before.rfind(last) for first, last in _PAIRS)
