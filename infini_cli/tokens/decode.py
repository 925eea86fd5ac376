"""Text of tokens as they come, never half a character."""

from __future__ import annotations

from infini_cli.tokens.tokenizer import Tokenizer

_REPLACEMENT = "\ufffd"


class StreamDecoder:
    """Turns the tokens of one text into pieces of it, one token at a time.

    A character may be spread over several tokens; it is held back until it is
    whole. The pieces, joined, are what decoding all tokens at once gives.

    Args:
        tokenizer: of the model that writes.
        skip_special: leave markers out.
    """

    def __init__(self, tokenizer: Tokenizer, *, skip_special: bool = True) -> None:
        self._tokenizer = tokenizer
        self._skip_special = skip_special
        # The tokens given out last, then those held back: some decoders treat the
        # first token of a text differently, so the new ones are decoded after others.
        self._ids: list[int] = []
        self._num_given = 0

    def push(self, id: int) -> str:
        """Take a token; give the text that is now whole, possibly none."""
        self._ids.append(id)
        return self._advance(whole_only=True)

    def flush(self) -> str:
        """Give what was held back, at the end of the text."""
        return self._advance(whole_only=False)

    def _advance(self, *, whole_only: bool) -> str:
        given = self._decode(self._ids[: self._num_given])
        text = self._decode(self._ids)
        # A character that is not whole yet decodes to a replacement character.
        if len(text) <= len(given) or (whole_only and text.endswith(_REPLACEMENT)):
            return ""
        del self._ids[: self._num_given]
        self._num_given = len(self._ids)
        return text[len(given) :]

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special=self._skip_special)
