"""Whether a stream gets colours; meaning is never in the colour alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from typing import TextIO


class ColorChoice(StrEnum):
    """What `--color` may be."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal; closed and missing streams are none."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError, OSError):
        return False


def is_dumb(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether the terminal says that it can neither colour nor move the cursor."""
    environment = os.environ if environment is None else environment
    return environment.get("TERM", "") in ("dumb", "unknown")


def wants_color(
    stream: TextIO, choice: ColorChoice, environment: Mapping[str, str] | None = None
) -> bool:
    """Decide whether to colour what goes to a stream.

    The option is asked first, then NO_COLOR, then FORCE_COLOR, then the stream. As their
    conventions say, a variable that is set but empty counts as unset.

    Args:
        stream: where the text goes.
        choice: the option `--color`.
        environment: variables; those of the process if not given.
    """
    environment = os.environ if environment is None else environment
    if choice is not ColorChoice.AUTO:
        return choice is ColorChoice.ALWAYS
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return environment["FORCE_COLOR"] != "0"
    return is_terminal(stream) and not is_dumb(environment)
