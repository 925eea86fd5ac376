"""Numbers as people read them."""

from __future__ import annotations

import math


def size(num_bytes: int) -> str:
    """Say a number of bytes: `98.4 MB`, decimal units as disks and downloads use them."""
    value = float(num_bytes)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{num_bytes} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"


def duration(seconds: float) -> str:
    """Say a time: `0:07`, `12:40`, `1:02:09`; `?` where it is unknown."""
    if not math.isfinite(seconds) or seconds < 0:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rate(tokens_per_second: float) -> str:
    """Say a rate: `1,830 tokens/s`, with a decimal where it is small."""
    if not math.isfinite(tokens_per_second) or tokens_per_second <= 0:
        return ""
    digits = 1 if tokens_per_second < 20 else 0
    return f"{tokens_per_second:,.{digits}f} tokens/s"


def percent(done: float, total: float) -> int:
    """Give whole per cents, rounded down, so that 100 means finished."""
    return 0 if total <= 0 else min(100, int(100 * done / total))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Say a number of things: `1 book`, `22 books`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
