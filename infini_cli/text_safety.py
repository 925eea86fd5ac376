r"""Make text from outside harmless on a terminal.

Titles, file names and what a model writes may hold control characters. On a terminal these move
the cursor, rename the window, or, through the bidirectional overrides, show text in another
order than it has. Files and pipes get text as it is; only terminals get it cleaned.
"""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"

# Whole escape sequences go first, so that `\x1b[31m` leaves no `[31m` behind. What is left of a
# sequence that was cut in two is harmless: the escape character itself never survives.
_SEQUENCES = re.compile(
    r"""
    (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]                 # control sequence
  | (?: \x1b[\]PX^_] | [\x90\x98\x9d-\x9f] )                # string: window title, clipboard, ...
    [^\x07\x1b\x80-\x9f]{0,4096} (?: \x07 | \x1b\\ | \x9c )
  | \x1b [ -/]* [0-~]                                       # anything shorter
    """,
    re.VERBOSE,
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u202a-\u202e\u2066-\u2069"  # bidirectional embeddings, overrides, isolates
    "\ufff9-\ufffb"  # interlinear annotation
    "]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")


def clean_text(text: str) -> str:
    """Remove what a terminal would act on; line breaks and tabs stay.

    Args:
        text: anything, untrusted.
    """
    text = _SEQUENCES.sub("", text)
    text = _LINE_ENDS.sub("\n", text)
    return _SURROGATES.sub(REPLACEMENT, _CONTROLS.sub("", text))


def clean_line(text: str) -> str:
    """Clean a title, a file name or a message and make it one line.

    Args:
        text: anything, untrusted.
    """
    return _BLANKS.sub(" ", clean_text(text)).strip()
