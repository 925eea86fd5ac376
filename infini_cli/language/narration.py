"""Texts that one of their people tells: what he says of himself is told of "the narrator".

What stands in quotation marks is somebody's speech, and "I" in it is whoever speaks. Outside of
them it is the narrator, if the text has one: of 83 novels, cut into pages of 24,000 characters, the
31 that are told by one of their people have 2 to 8 words of himself in 100 there, 49 of the others
less than one. In English.
"""

from __future__ import annotations

import re
from collections import Counter

from infini_cli.language.speech import QUOTED
from infini_cli.language.stems import words

SELF = frozenset(words("i me my mine myself"))
MIN_SHARE = 0.015
"""Of the words outside of speech, for a text to have a narrator."""
MIN_WORDS = 100
"""Outside of speech; fewer may be a letter in a story."""
MIN_TURNS = 3
"""Paragraphs that begin with a name, for it to be a speaker's in a play."""
MAX_TURNS = 0.2
"""Of the paragraphs, those that begin with a speaker; a text with more is a play."""

_SELF = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Mm]yself)\b")
_PARAGRAPH = re.compile(r"(?:[^\n]|\n(?![ \t\r]*\n))+")
_SPEECH = (
    # A speech that goes on in the next paragraph is not closed in this one.
    *map(re.compile, QUOTED),
    # An apostrophe is the same character: the mark that ends a speech is followed by no letter.
    re.compile(r"(?<!\w)\u2018.*?(?:\u2019(?!\w)|$)", re.DOTALL),
    re.compile(r"(?<![\w'])'(?=\w).*?(?:[.,!?\u2014-]'(?!\w)|$)", re.DOTALL),
)
_PAIRS = (("\u201c", "\u201d"), ("\u00ab", "\u00bb"))
_BEGINS_SPEECH = ("\u2014", "\u2013", "-")
_SPEAKER = re.compile(r"\s*([A-Z][\w'\u2019-]*(?: [A-Z][\w'\u2019-]*)?)(?:[.:]\s|\s*\n|\s*$)")
_NARRATOR = re.compile(r"\b[Tt]he narrator(?:['\u2019]s)?\b")
_ACTS = re.compile(r"The narrator(?!['\u2019])\b")
_TO_HIMSELF = re.compile(
    r"The narrator(?!['\u2019])\b.*\b(?:at|by|for|from|of|on|to|with) the narrator(?!['\u2019])\b"
)
_GENDERS = (
    {"he": "the narrator", "him": "them", "his": "their", "himself": "themself"},
    {"she": "the narrator", "her": "their", "hers": "theirs", "herself": "themself"},
)
_OBJECTS = frozenset({"and", "as", "at", "but", "for", "from", "in", "on", "or", "to", "with"})
"""After which `her` before it was no possessive: "joins her and leaves"."""


def narration(text: str) -> str:
    """Give a text with spaces in the place of what somebody in it says; as long as it was."""
    return _PARAGRAPH.sub(lambda found: _without_speech(found[0]), text)


def without_frame(text: str) -> str:
    """Take the marks from a tale of many paragraphs: each opens a speech, and none closes it.

    What is said in the tale stands in other marks. The text stays as long as it was.
    """
    return _PARAGRAPH.sub(
        lambda found: found[0].replace("\u201c", " ", 1) if _is_of_tale(found[0]) else found[0],
        text,
    )


def is_tale(text: str) -> bool:
    """Tell whether most paragraphs open a speech that they do not close: one tells it all."""
    paragraphs = _PARAGRAPH.findall(text)
    return 2 * sum(map(_is_of_tale, paragraphs)) > len(paragraphs)


def has_narrator(text: str) -> bool:
    """Tell whether a text, a chapter for instance, is told by one of its people."""
    if _is_play(text):
        return False
    told = narration(text)
    num_words = len(told.split())
    return num_words >= MIN_WORDS and len(_SELF.findall(told)) >= MIN_SHARE * num_words


def _is_play(text: str) -> bool:
    """Tell whether many paragraphs begin with who speaks, and again with the same."""
    paragraphs = _PARAGRAPH.findall(text)
    speakers = Counter(found[1] for one in paragraphs if (found := _SPEAKER.match(one)))
    num_turns = sum(count for count in speakers.values() if count >= MIN_TURNS)
    return num_turns >= MAX_TURNS * len(paragraphs) > 0


def mentions_narrator(sentence: str) -> bool:
    """Tell whether a sentence tells of a narrator."""
    return _NARRATOR.search(sentence) is not None


def acts_on_himself(sentence: str) -> bool:
    """Tell whether a sentence begins with a narrator who does something to or with himself.

    Then who did it was mixed up: "The narrator stares at the narrator."
    """
    return _TO_HIMSELF.match(sentence) is not None


def begins_with_narrator(sentence: str) -> bool:
    """Tell whether a sentence begins with what a narrator does, and not with what is his."""
    return _ACTS.match(sentence) is not None


def without_narrator(sentence: str) -> str:
    """Take out the words that stand for "I", to compare the others with their source's."""
    return _NARRATOR.sub(" ", sentence)


def without_gender(sentence: str, source: str) -> str:
    """Take the gender from a narrator: a small model has every one a man.

    Pronouns of a gender that the source has not can be of nobody else, if they come after him.

    Args:
        sentence: that tells of a narrator.
        source: what it is from.
    """
    known = frozenset(words(source))
    found = _NARRATOR.search(sentence)
    if found is None:
        return sentence
    before, after = sentence[: found.end()], sentence[found.end() :]
    for others in _GENDERS:
        if not known & others.keys():
            after = _replace(after, others)
    return before + after


def _without_speech(paragraph: str) -> str:
    # A mark too many, and it is not known what is speech.
    if paragraph.lstrip().startswith(_BEGINS_SPEECH) or paragraph.count('"') % 2:
        return _blank(paragraph)
    for first, last in _PAIRS:
        # Where a page begins within a speech its end comes first.
        end = paragraph.find(last) + 1
        if end and first not in paragraph[:end]:
            paragraph = _blank(paragraph[:end]) + paragraph[end:]
    for speech in _SPEECH:
        paragraph = speech.sub(lambda found: _blank(found[0]), paragraph)
    return paragraph


def _is_of_tale(paragraph: str) -> bool:
    is_open = paragraph.count("\u201c") > paragraph.count("\u201d")
    return is_open and paragraph.lstrip().startswith("\u201c")


def _blank(text: str) -> str:
    return " " * len(text)


def _replace(sentence: str, others: dict[str, str]) -> str:
    def other(found: re.Match[str]) -> str:
        word = found[0].lower()
        new = others[word]
        if word == "her" and _is_object(sentence[found.end() :]):
            new = "them"
        return new[0].upper() + new[1:] if found[0][0].isupper() else new

    return re.sub(rf"\b(?:{'|'.join(others)})\b", other, sentence, flags=re.IGNORECASE)


def _is_object(after: str) -> bool:
    """Tell whether "her", before these words, is "them" and not "their"."""
    following = re.match(r"\s*([\w'\u2019-]+)", after)
    return following is None or following[1].lower() in _OBJECTS
