"""Long texts of a notebook's file without their middles, which nobody would be shown: before they are parsed.

Jupyter writes a notebook with a line for each value, and a text as a list with a line for each of its lines.
So a line break in the file stands between values, never in one. What is laid out otherwise stays whole; where
somebody has taken pains to mix both ways, words of that notebook may stand in another of its cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONG = 192 * 1024
"""Bytes from which on a text loses its middle."""
KEPT = 48 * 1024
"""Bytes that stay at either end: more than is ever shown of one output or one cell."""
STEP = 64 * 1024
SAMPLE = 16 * 1024
LONGEST_ESCAPE = 12
"""Bytes of `\\ud83d\\ude00`."""
FARTHEST = 4_096
OTHER_BRACKETS = 1_000
"""Brackets in a list's texts after which it is looked through as if there were many more."""

TEXT = re.compile(rb' *(?:"(?!image/)[^"\\]{1,120}": ?)?"')
ITEM = re.compile(rb'( +)"')
NOTE = re.compile(r"\[… (?:about (?P<lines>[\d,]+) lines, )?(?P<bytes>[\d,]+) bytes left out …\]")

Cut = tuple[int, int, bytes]
"""From where to where, and what stands there instead."""


def found(raw: bytes) -> Iterator[Cut]:
    """Yield the middles of the long texts in a notebook's file, in order."""
    at = 0
    while len(raw) - at >= LONG:
        newline = raw.rfind(b"\n", at, at + STEP)
        if newline < 0:
            # `at` begins a line, or all of the file is one: a single text, if it is any.
            end = raw.find(b"\n", at + STEP)
            end = len(raw) if end < 0 else end
            cut = in_text(raw, at, end)
        else:
            cut, end = in_list(raw, at, newline + 1)
        if cut is not None:
            yield cut
        at = max(end, newline + 1)


def in_text(raw: bytes, start: int, end: int) -> Cut | None:
    """Return the middle of a line that is one text; `None` if it is none, or short."""
    if end - start < LONG or not TEXT.match(raw, start):
        return None
    first, last = between_letters(raw, start + KEPT), between_letters(raw, end - KEPT)
    if first < 0 or last < 0:
        return None
    return first, last, f"\\n{noted(last - first)}\\n".encode()


def between_letters(raw: bytes, at: int) -> int:
    """Return the next place that is in no escape and no letter of several bytes; -1 if none is near."""
    for place in range(at, min(at + FARTHEST, len(raw))):
        if raw[place] & 0xC0 != 0x80 and raw.find(b"\\", place - LONGEST_ESCAPE, place) < 0:
            return place
    return -1


def in_list(raw: bytes, least: int, at: int) -> tuple[Cut | None, int]:
    """Return the middle of the list of texts that has a line at `at`, if it is long, and where it ends."""
    item = ITEM.match(raw, at)
    if item is None:
        return None, at
    indent = item[1]
    opening = raw.rfind(b"[\n" + indent + b'"', least, at)
    # Jupyter indents by one, other tools by two or four.
    step = len(indent) - len(indent_of(raw, opening)) if opening >= 0 else 0
    if step <= 0:
        return None, at
    end = end_of_list(raw, b"\n" + indent[step:] + b"]", at)
    if end < 0:
        # Nothing tells where such lists end: to look for it once more at each of them would take hours.
        return None, len(raw)
    if end - opening < LONG:
        return None, end
    between = b'",\n' + indent + b'"'
    first = raw.rfind(between, opening, opening + KEPT)
    last = raw.find(between, end - KEPT, end)
    if first < 0 or last < 0:
        return None, end
    first, last = first + 3, last + 3
    lines = sum(raw.count(b"\n", place, place + SAMPLE) for place in samples(first, last))
    about = round((last - first) * lines / (SAMPLE * len(samples(first, last))))
    return (first, last, indent + f'"{noted(last - first, about)}\\n",\n'.encode()), end


def end_of_list(raw: bytes, ending: bytes, at: int) -> int:
    """Return where the line of a closing bracket begins; -1 if there is none.

    To look for one byte is eight times faster than to look for several, unless it is there too often.
    """
    place = at
    for _ in range(OTHER_BRACKETS):
        place = raw.find(b"]", place) + 1
        if not place:
            return -1
        if raw.endswith(ending, at, place):
            return place - len(ending)
    return raw.find(ending, place - len(ending))


def samples(first: int, last: int) -> range:
    """Return places, evenly apart, at which to count lines: to count all takes longer than the rest."""
    return range(first, last - SAMPLE, max(SAMPLE, (last - first) // 8))


def indent_of(raw: bytes, at: int) -> bytes:
    """Return the blanks that a line begins with."""
    start = raw.rfind(b"\n", 0, at) + 1
    line = raw[start:at]
    return line[: len(line) - len(line.lstrip(b" "))]


def noted(size: int, lines: int | None = None) -> str:
    """Return what stands in place of a middle."""
    counted = f"about {lines:,} lines, " if lines is not None else ""
    return f"[… {counted}{size:,} bytes left out …]"


def lines_in(text: str) -> int:
    """Return about how many lines the gaps of a text stand for."""
    return sum(number(note["lines"]) for note in notes(text))


def bytes_in(text: str) -> int:
    """Return how many bytes of the file the gaps of a text stand for."""
    return sum(number(note["bytes"]) for note in notes(text))


def notes(text: str) -> Iterator[re.Match[str]]:
    return NOTE.finditer(text) if " bytes left out …]" in text else iter(())


def number(figures: str | None) -> int:
    return int((figures or "0").replace(",", "")[:18] or 0)


def without(text: str) -> tuple[str, int]:
    """Return a text without its gaps, and how many bytes of the file they stand for."""
    gone = bytes_in(text)
    return (NOTE.sub("", text), gone) if gone else (text, 0)


def left_out(text: str, more: int = 0) -> str:
    """Return the note on a part of a text that is not told, with the gaps in it and so many bytes more."""
    more += bytes_in(text)
    if more:
        return f"[… about {len(text) + more:,} characters left out …]"
    return f"[… {len(text):,} characters left out …]"
