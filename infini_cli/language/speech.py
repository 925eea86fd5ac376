"""Sentences that report what somebody says or thinks, and whether their source lets him say it.

Who says what is what a small model gets wrong most, since the words are right all the same.
"""

from __future__ import annotations

import re

from infini_cli.language.stems import stems

_VERBS = (
    "says? said insists? insisted asks? asked urges? urged tells? told replies reply replied "
    "answers? answered explains? explained thinks? thought wishes wish wished agrees? agreed"
).replace(" ", "|")
_TAGS = (
    f"{_VERBS}|announced?|muttered|grunted|snapped|added|continued|shouted|whispered|murmured|cried"
    "|went on"
)
_REPORT = re.compile(rf"\b(?:narrator|{_VERBS})\b")
_SPEAKER = re.compile(
    # A name or a noun with its article, perhaps what he does meanwhile, then that he speaks.
    r"(?:The |A |An )?(?P<name>[\w'\u2019-]+(?: [A-Z][\w'\u2019-]+)*)"
    r"(?: [\w ]{1,40})? (?:says?|said)\b"
)
QUOTED = ("\u201c[^\u201d]*\u201d?", "\u00ab[^\u00bb]*\u00bb?", '"[^"]*"?')
"""Patterns of a speech, by its marks. One that is not closed goes on to the end."""
_QUOTED = re.compile("|".join(QUOTED))
_PARAGRAPHS = re.compile(r"\n\s*\n")


def reports(sentence: str) -> bool:
    """Tell whether a sentence reports what somebody says or thinks, or a narrator; in English."""
    return _REPORT.search(sentence) is not None


def is_said_so(sentence: str, source: str) -> bool:
    """Tell whether the paragraph that a report is from says, beside the speech, that he speaks.

    Of reports in summaries of SQuALITY's dev stories, judged by reading, 7 of 8 such were true, of
    the others about half. What somebody thinks, asks or is told is never such.

    Args:
        sentence: a report.
        source: what it was written from.
    """
    found = _SPEAKER.match(sentence)
    if found is None or "narrator" in sentence:
        return False
    name = re.escape(found["name"].split()[-1])
    said = frozenset(stems(sentence[found.end() :]))
    paragraphs = _PARAGRAPHS.split(source)
    nearest = max(paragraphs, key=lambda text: _likeness(said, stems(text)))
    beside = _QUOTED.sub(" ", nearest)
    tag = rf"\b(?:{_TAGS}) (?:the )?{name}\b|\b{name}(?: \w+)?,? (?:{_TAGS})\b"
    return re.search(tag, beside) is not None


def _likeness(said: frozenset[str], words: list[str]) -> float:
    """Give how many words of a speech a paragraph has, long ones no better for their length."""
    return len(said & frozenset(words)) / float((len(words) + 20) ** 0.3)
