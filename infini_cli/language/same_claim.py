"""Whether a sentence claims what the place it is from claims; in English.

Of sentences that have a place's words in its order some are false all the same, and show it: who
"he" is was got wrong, and the pronouns that are left changed to fit; what was asked, denied or
supposed is stated; what somebody says of "me" or "you" is told of another.
"""

from __future__ import annotations

import re

from infini_cli.language.narration import (
    SELF,
    acts_on_himself,
    begins_with_narrator,
    mentions_narrator,
)
from infini_cli.language.stems import words

_GENDERS = (
    frozenset({"he", "him", "his", "himself"}),
    frozenset({"she", "her", "hers", "herself"}),
)
_SPEAKERS = frozenset(
    words("i me my mine myself we us our ours ourselves you your yours yourself yourselves")
)
_SUPPOSED = frozenset(
    words(
        "almost cannot could hardly if may maybe might nearly neither never no nobody none nor not "
        "nothing perhaps should though unless whether without would"
    )
)
_CONTRACTED = re.compile(
    r"\w['\u2019]d\s+(?:(?:already|always|ever|just|never|not|only|\w+ly)\s+)*(\w+)", re.IGNORECASE
)
_PARTICIPLE = re.compile(
    "better|brought|bought|caught|come|cut|felt|fought|found|got|had|heard|held|hit|kept|left|lost|"
    "made|met|paid|put|read|run|said|sat|sent|slept|sold|spent|stood|taught|thought|told|won|"
    r"\w*(?:ed|en|ne|wn)",
    re.IGNORECASE,
)
"""After "I'd" for "I had"; else that is "I would"."""
_QUESTIONS = frozenset("?\uff1f")


def same_claim(sentence: str, source: str, told: str = "") -> bool:
    """Tell whether a sentence can be what its source claims.

    Not if it has a pronoun of a gender that the source has not, if one of them denies or supposes
    otherwise than the other, if the source asks, or if somebody speaks of himself or to another in
    it and not in the sentence. A sentence on a narrator is from one who speaks of himself, as "I"
    where the sentence begins with him.

    Args:
        sentence: what is claimed.
        source: its place.
        told: of the place what a narrator tells; empty where the text has none.
    """
    in_sentence, in_source = _words(sentence), _words(source)
    if mentions_narrator(sentence):
        if not of_himself(source, told) or acts_on_himself(sentence):
            return False
        if begins_with_narrator(sentence) and "i" not in _words(told):
            return False
        in_source -= SELF
    changes_gender = any(in_sentence & gender and not in_source & gender for gender in _GENDERS)
    return not (
        changes_gender
        or (in_sentence ^ in_source) & _SUPPOSED
        or (in_source - in_sentence) & _SPEAKERS
        or _QUESTIONS & set(source) - set(sentence)
    )


def of_himself(text: str, told: str) -> bool:
    """Tell whether a narrator speaks of himself in a text, to nobody and of nobody beside him.

    Args:
        text: what he and others say.
        told: of it what he tells.
    """
    speakers = _words(text) & _SPEAKERS
    return bool(speakers) and speakers <= SELF and speakers == _words(told) & _SPEAKERS


def claims_by_itself(text: str) -> bool:
    """Tell whether a text asks nothing, and nobody speaks of himself or to another in it."""
    return not (_words(text) & _SPEAKERS or asks(text))


def asks(text: str) -> bool:
    """Tell whether a text asks something."""
    return bool(_QUESTIONS & set(text))


def _words(text: str) -> frozenset[str]:
    """Give its words, `don't` as `not`, `I'm` as `i` and `I'd go` with a `would`."""
    found = [word.replace("\u2019", "'") for word in words(text)]
    plain = {"not" if word.endswith("n't") else word.partition("'")[0] for word in found}
    if any(not _PARTICIPLE.fullmatch(word) for word in _CONTRACTED.findall(text)):
        plain.add("would")
    return frozenset(plain)
