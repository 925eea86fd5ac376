"""How much of a book was read: a value that every result carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read, of what there is.

    A method without a model reads words and has no tokens: `tokens_read` and
    `num_tokens` are then None, `num_segments` is 0.

    Attributes:
        tokens_read: tokens that the model has read.
        num_tokens: tokens of the kept chapters.
        num_segments: segments they were read in.
        num_chapters: kept chapters.
        words_read: words that were read.
        num_words: words of the kept chapters.
    """

    tokens_read: int | None
    num_tokens: int | None
    num_segments: int
    num_chapters: int
    words_read: int
    num_words: int

    @classmethod
    def in_words(cls, num_words: int, num_chapters: int) -> Coverage:
        """Cover a book read whole by a method without a model."""
        return cls(None, None, 0, num_chapters, num_words, num_words)

    @property
    def dropped(self) -> int:
        """What was not read: tokens, or words where there are no tokens."""
        if self.tokens_read is not None and self.num_tokens is not None:
            return self.num_tokens - self.tokens_read
        return self.num_words - self.words_read

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "tokens_read": self.tokens_read,
            "num_tokens": self.num_tokens,
            "num_segments": self.num_segments,
            "num_chapters": self.num_chapters,
            "words_read": self.words_read,
            "num_words": self.num_words,
            "dropped": self.dropped,
        }
