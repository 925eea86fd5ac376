"""What a model writes that is not about the book: template tokens, instructions, announcements.

A small model sometimes says again what it was told ("Write plain, complete sentences"), announces
what it is about to do ("Here is a summary of the chapter:"), or writes the words that begin and
end turns. None of that is the book's. Book text itself never goes through here.
"""

from __future__ import annotations

import re
from functools import cache

from infini_cli.language.sentences import split_sentences
from infini_cli.tasks import prompts

ECHO_WORDS = 7
"""So many words in a row that an instruction has too are an echo of it; books have fewer, "from
the first to the last" for one. A whole instruction is an echo however short."""
BEGINNING_WORDS = 4
"""A sentence that begins as an instruction of at least so many words does is an echo as well."""

_TOKENS = re.compile(
    r"<\|[^|<>]{1,40}\|>"  # <|im_end|>
    r"|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
    r"|\[/?INST\]|<</?SYS>>"
    r"|^\s*#{2,3} ?(?:instruction|response|input)s?\b:?",
    re.IGNORECASE | re.MULTILINE,
)
_ROLE = re.compile(r"^(?:system|user|assistant|model)\s*(?::|\n)\s*", re.IGNORECASE)
_MARKUP = re.compile(r"^(?:#{1,6}\s+|[-*\u2022]\s+|\d{1,3}[.)]\s+)|\*\*|__")
_ASSENT = re.compile(
    r"^(?:sure|certainly|absolutely|of course|okay|ok|great|no problem)\b\s*(?:thing)?"
    r"(?:[!,.:\u2014-]+\s*|$)",
    re.IGNORECASE,
)
_ANNOUNCEMENT = re.compile(
    r"^(?:here(?:'s|\u2019s| is| are)|below is|the following is|this is)\s+"
    r"(?:an?|the|my|your|one)?\s*(?:[\w-]+\s+){0,3}(?:summary|summaries|sentence|paragraph|"
    r"version|note|notes|overview|answer)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:(?:short |brief |final |chapter )?summary|notes?(?: \d+)?|answer|part \d+)\s*:\s*",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"^(?:in|throughout|at the (?:beginning|start|end) of)\s+(?:this|these|the)\s+"
    r"(?:(?:first|second|next|last|final|given|following)\s+)?"
    r"(?:chapter|part|passage|section|text|excerpt|notes?|summary|story|book)s?"
    r"(?:\s+of\s+(?:the|this|a)\s+(?:book|story|novel|text))?\s*,\s*",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"^(?:this|these|the)\s+(?:chapter|part|passage|section|text|excerpt|summary|notes?)"
    r"(?:\s+of\s+(?:the|this|a)\s+(?:book|story|novel))?\s+"
    r"(?:describes?|tells?(?: us)?|says?|explains?|shows?|states?)\s+(?:that|how)\s+",
    re.IGNORECASE,
)
_OF_NOTES = re.compile(
    r"^(?:this|these|the)\s+(?:(?:given|above|following)\s+)?(?:notes|passages?|excerpts?)\s+"
    r"(?:(?:is|are)\s+about|(?:describe|discusse|detail|provide|outline|cover|mention|"
    r"summari[sz]e|contain)s?|discuss|focus(?:es)?\s+on)\s",
    re.IGNORECASE,
)
"""What the model was shown and not what it tells: nothing can be made of the rest."""
_READER = re.compile(
    r"^(?:by the end of (?:this|the) (?:part|chapter|passage), )?the reader\s+"
    r"(?:has\s+|have\s+)?(?:learns?|learnt|learned|knows?|finds? out|discovers?|is told)\s+that\s+",
    re.IGNORECASE,
)
_AND_THAT = re.compile(r"\s+and that\s+", re.IGNORECASE)
_LONGEST_ANNOUNCEMENT = 160
_LETTER = re.compile(r"[^\W\d_]")
_WORDS = re.compile(r"\w+(?:['\u2019]\w+)?")


def clean_text(text: str, told: tuple[str, ...] = ()) -> str:
    """Clean every sentence of a text; those of which nothing is left go. Paragraphs stay.

    Args:
        text: what a model wrote.
        told: instructions that it was given besides the usual ones.
    """
    paragraphs = re.split(r"\n\s*\n", _ROLE.sub("", _without_tokens(text, "").strip()))
    cleaned = (
        " ".join(
            sentence
            for start, end in split_sentences(paragraph)
            if (sentence := clean_sentence(paragraph[start:end], told))
        )
        for paragraph in paragraphs
    )
    return "\n\n".join(paragraph for paragraph in cleaned if paragraph)


def clean_sentence(text: str, told: tuple[str, ...] = ()) -> str:
    """Take off a sentence what is not about the book.

    Args:
        text: a sentence that a model wrote.
        told: instructions that it was given besides the usual ones.

    Returns:
        What is left, on one line; empty if nothing is.
    """
    text = whole = _without_turns(text)
    before = None
    while before != text:  # "Sure! Here is a summary: In this chapter, ..."
        before = text
        text = _without_turns(_take_off(_MARKUP.sub("", text).strip()))
    if not _LETTER.search(text) or is_echo(text, told):
        return ""
    return text[0].upper() + text[1:] if text != whole else text


def is_echo(text: str, told: tuple[str, ...] = ()) -> bool:
    """Tell whether a sentence says an instruction again, a usual one or one of those given."""
    words, known = _words(text), _instructions(told)
    begins = any(words[: len(i)] == i for i in known if len(i) >= BEGINNING_WORDS)
    return begins or words in known or not _runs(words).isdisjoint(_instruction_runs(told))


def _without_turns(text: str) -> str:
    """Take off what begins and ends turns; what is left on one line."""
    return " ".join(_ROLE.sub("", _without_tokens(text, " ").strip()).split())


def _without_tokens(text: str, instead: str) -> str:
    """Take template tokens out, those too that appear where others were taken out."""
    before = None
    while before != text:
        before, text = text, _TOKENS.sub(instead, text)
    return text


def _take_off(text: str) -> str:
    if _ANNOUNCEMENT.match(text):
        colon = text.find(":", 0, _LONGEST_ANNOUNCEMENT)
        return text[colon + 1 :].strip() if colon >= 0 else ""
    if _OF_NOTES.match(text) and not _TELLS.match(text):
        return ""
    for opening in (_ASSENT, _LABEL, _PLACE, _TELLS, _READER):
        match = opening.match(text)
        if match is not None:
            rest = text[match.end() :].strip()
            # "The reader learns that Orla wakes, and that it rains."
            return _AND_THAT.sub(" and ", rest) if opening is _READER else rest
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(text))


def _runs(words: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    last = len(words) - ECHO_WORDS
    return frozenset(words[start : start + ECHO_WORDS] for start in range(last + 1))


@cache
def _instructions(told: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Give the words of every sentence of every instruction, without what is filled in."""
    texts = [value for name, value in vars(prompts).items() if name.isupper()] + list(told)
    pieces = [piece for text in texts for piece in re.split(r"\{\w+\}", text)]
    sentences = [piece[start:end] for piece in pieces for start, end in split_sentences(piece)]
    return frozenset(words for sentence in sentences if (words := _words(sentence)))


@cache
def _instruction_runs(told: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(run for words in _instructions(told) for run in _runs(words))
