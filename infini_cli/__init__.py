"""infini: read whole books in constant memory, then summarise them and answer questions."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("infini-cli")
