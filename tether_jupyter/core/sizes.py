"""Sizes and times as people read them."""

from __future__ import annotations

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def human(count: float) -> str:
    """Return a number of bytes in decimal units, as hubs and shops give them: `4.68 GB`."""
    size, unit = float(count), 0
    # 999.5 and more would be rounded to four digits.
    while abs(size) >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    if unit == 0:
        return f"{int(size)} bytes"
    return f"{size:.{2 if size < 9.995 else 1 if size < 99.95 else 0}f} {UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a time in at most two units: `1 h 05 min`, `3 min 20 s`, `8 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole} s"
