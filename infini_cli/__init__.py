"""infini: read whole books in constant memory, then summarise them and answer questions."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: the look-up is slow, and `--help` needs none."""
    if name == "__version__":
        from importlib.metadata import version

        return version("infini-cli")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
