"""Text to token ids and back, over the `tokenizers` library.

The text of a book is data. A book that says `<|im_start|>` says those
characters and never starts a turn, so `encode` knows no markers; only
`encode_template` does, for text that the model's own chat template wrote.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import AddedToken

from infini_cli.errors import ModelIncompatible

# Unset, the library warns after every fork; "true" can hang a forked child, and gains little.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PIECE_LENGTH = 50_000
"""Characters encoded at once: the library needs about 100 bytes a character."""

_CONTEXT = 256
"""Characters on either side of a cut that are looked at to see that it changes nothing."""

_SEARCH = 8_192
"""How far back from the end of a piece a cut is looked for, in characters."""

_MAX_TRIES = 16
"""Cuts of each kind that are tried in one search."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class Encoded(NamedTuple):
    """Token ids with the characters each stands for; several tokens may share one character."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


class Tokenizer:
    """A model's tokenizer: never truncates, never pads, never adds a token.

    Args:
        inner: a tokenizer of the library; it is taken over and changed.
        sha256: hash of the file it came from, hexadecimal.
        eos_ids: tokens that end what the model writes.
        bos_token: text of the marker that begins a document, where there is one.
        eos_token: text of the marker that ends one.
    """

    def __init__(
        self,
        inner: tokenizers.Tokenizer,
        *,
        sha256: str,
        eos_ids: frozenset[int] = frozenset(),
        bos_token: str | None = None,
        eos_token: str | None = None,
    ) -> None:
        inner.no_truncation()
        inner.no_padding()
        # A post-processor adds markers and trims offsets; nothing here wants either.
        inner.post_processor = None
        # Files call some markers ordinary (`<tool_call>`); only blank ones stand for text.
        inner.add_special_tokens(
            [_as_special(token) for token in _added_tokens(inner) if token.content.strip()]
        )
        inner.encode_special_tokens = True
        self._inner = inner
        self.sha256 = sha256
        self.eos_ids = eos_ids
        self.bos_token = bos_token
        self.eos_token = eos_token
        self.marker_ids = frozenset(
            id for id, token in inner.get_added_tokens_decoder().items() if token.special
        )
        # The token for the unknown may be a marker too; text that is unknown is still text.
        unknown = _unknown_id(inner)
        self._forbidden_ids = np.array(sorted(self.marker_ids - {unknown}), dtype=np.int32)
        if inner.truncation is not None or inner.padding is not None:
            raise AssertionError("the tokenizer still truncates or pads")

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """Load `tokenizer.json`, and the names of its markers from the configurations beside it.

        Raises:
            ModelIncompatible: there is no `tokenizer.json`, or it cannot be read.
        """
        path = folder / "tokenizer.json"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelIncompatible(
                f"no `tokenizer.json` in `{folder}`",
                hint="infini needs a model folder with a fast tokenizer",
            ) from error
        try:
            inner = tokenizers.Tokenizer.from_buffer(data)
        except Exception as error:  # the library raises plain exceptions
            raise ModelIncompatible(f"cannot read `{path}`: {error}") from error
        config = read_json(folder / "tokenizer_config.json")
        eos_token = marker_text(config.get("eos_token"))
        eos_ids = set(_eos_ids(read_json(folder / "config.json")))
        eos_ids.update(_eos_ids(read_json(folder / "generation_config.json")))
        if eos_token is not None and (eos_id := inner.token_to_id(eos_token)) is not None:
            eos_ids.add(eos_id)
        return cls(
            inner,
            sha256=hashlib.sha256(data).hexdigest(),
            eos_ids=frozenset(eos_ids),
            bos_token=marker_text(config.get("bos_token")),
            eos_token=eos_token,
        )

    @property
    def num_tokens(self) -> int:
        """Size of the vocabulary, markers included."""
        return self._inner.get_vocab_size(with_added_tokens=True)

    def token_id(self, token: str) -> int | None:
        """Look up a token by its text; None if there is none such."""
        return self._inner.token_to_id(token)

    def encode(self, text: str) -> list[int]:
        """Encode text as data, whole: no marker, nothing added, nothing cut."""
        ids: list[int] = []
        for piece, _ in self._pieces(text):
            ids.extend(self._encode_piece(piece).ids.tolist())
        return ids

    def encode_with_offsets(self, text: str) -> Encoded:
        """Encode text as data, with the character offsets of each token in it."""
        parts: list[Encoded] = []
        for piece, start in self._pieces(text):
            ids, starts, ends = self._encode_piece(piece)
            parts.append(Encoded(ids, starts + np.int32(start), ends + np.int32(start)))
        if not parts:
            return _encoded([], [])
        return Encoded(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.ends for part in parts]),
        )

    def encode_template(self, text: str) -> list[int]:
        """Encode text of a chat template: its markers become their tokens. Never for user text."""
        self._inner.encode_special_tokens = False
        try:
            return self._inner.encode(text, add_special_tokens=False).ids
        finally:
            self._inner.encode_special_tokens = True

    def decode(self, ids: list[int], *, skip_special: bool = True) -> str:
        """Write ids as text; bytes that are no UTF-8 become U+FFFD.

        Args:
            ids: token ids.
            skip_special: leave markers out.
        """
        return self._inner.decode(ids, skip_special_tokens=skip_special)

    def _pieces(self, text: str) -> Iterator[tuple[str, int]]:
        """Cut a long text where cutting changes no token; yield pieces and their offsets."""
        if _SURROGATES.search(text):
            text = _SURROGATES.sub("\ufffd", text)
        start = 0
        while start < len(text):
            end = self._next_cut(text, start)
            yield text[start:end], start
            start = end

    def _next_cut(self, text: str, start: int) -> int:
        limit = start + PIECE_LENGTH
        while limit < len(text):
            for position in _candidates(text, max(start + 1, limit - _SEARCH), limit):
                if self._cut_is_exact(text, start, position):
                    return position
            limit += PIECE_LENGTH
        return len(text)

    def _cut_is_exact(self, text: str, start: int, position: int) -> bool:
        """See whether the tokens around a position stay the same when the text is cut there.

        Tokenizers differ in which side of a line break belongs to, so this is measured.
        """
        left = text[max(start, position - _CONTEXT) : position]
        right = text[position : position + _CONTEXT]
        apart = [*self._ids(left), *self._ids(right)]
        return self._ids(left + right) == apart

    def _ids(self, text: str) -> list[int]:
        return self._inner.encode(text, add_special_tokens=False).ids

    def _encode_piece(self, text: str) -> Encoded:
        encoding = self._inner.encode(text, add_special_tokens=False)
        encoded = _encoded(encoding.ids, encoding.offsets)
        forbidden = np.isin(encoded.ids, self._forbidden_ids)
        return self._spell_out(text, encoded, forbidden) if forbidden.any() else encoded

    def _spell_out(self, text: str, encoded: Encoded, forbidden: NDArray[np.bool_]) -> Encoded:
        """Encode the text of forbidden tokens character by character.

        Some vocabularies spell a marker as one ordinary token (`<s>` in a unigram model).
        """
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for index, (id, start, end) in enumerate(zip(*encoded, strict=True)):
            if not forbidden[index]:
                ids.append(int(id))
                offsets.append((int(start), int(end)))
                continue
            for position in range(start, end):
                character = self._ids(text[position])
                ids.extend(character)
                offsets.extend([(position, position + 1)] * len(character))
        return _encoded(ids, offsets)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent file is an empty one.

    Raises:
        ModelIncompatible: the file holds no JSON object.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelIncompatible(f"cannot read `{path}`: {error}") from error
    if not isinstance(value, dict):
        raise ModelIncompatible(f"`{path}` holds no JSON object")
    return value


def marker_text(value: object) -> str | None:
    """Give the text of a marker, which configurations write as a string or as an object."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) and value else None


def _eos_ids(config: dict[str, Any]) -> list[int]:
    value = config.get("eos_token_id")
    values = value if isinstance(value, list) else [value]
    return [id for id in values if isinstance(id, int) and not isinstance(id, bool)]


def _added_tokens(inner: tokenizers.Tokenizer) -> list[AddedToken]:
    return list(inner.get_added_tokens_decoder().values())


def _as_special(token: AddedToken) -> AddedToken:
    return AddedToken(
        token.content,
        single_word=token.single_word,
        lstrip=token.lstrip,
        rstrip=token.rstrip,
        normalized=token.normalized,
        special=True,
    )


def _unknown_id(inner: tokenizers.Tokenizer) -> int | None:
    token = getattr(inner.model, "unk_token", None)
    return inner.token_to_id(token) if token else None


def _encoded(ids: list[int], offsets: list[tuple[int, int]]) -> Encoded:
    spans = np.array(offsets, dtype=np.int32).reshape(-1, 2)
    return Encoded(np.array(ids, dtype=np.int32), spans[:, 0].copy(), spans[:, 1].copy())


def _candidates(text: str, start: int, end: int) -> Iterator[int]:
    """Yield places to cut, the last paragraph breaks first, then line breaks, then spaces."""
    for pattern in (r"\n{2,}(?=\S)", r"\n(?=\S)", r" (?=\w)"):
        matches = list(re.finditer(pattern, text[start:end]))[-_MAX_TRIES:]
        for match in reversed(matches):
            # After the break, before it, and inside it: which is exact depends on the tokenizer.
            last = start + match.end()
            first = start + match.start()
            yield from dict.fromkeys((last, first, last - 1))
