"""Sets of characters, and how they are spelled inside a JSON text."""

from __future__ import annotations

import re
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
"""Code points as sorted ranges that do not touch, both ends included."""

LAST = 0x10FFFF
CHARACTER = r'(?:[^"\\\x00-\x1f\x7f]|\\["\\bfnrt])'
"""One character of a text as answers spell it: each text has one spelling, so equal keys look equal.

Control characters without a short escape cannot be written, nor can half of a surrogate pair.
"""
SHORT = {0x22: '"', 0x5C: "\\", 0x08: "b", 0x0C: "f", 0x0A: "n", 0x0D: "r", 0x09: "t"}
RAW_EXCEPT = ((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F), (0xD800, 0xDFFF))


def union(*parts: Ranges) -> Ranges:
    """Return the characters of any part."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for part in parts for pair in part):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(part: Ranges) -> Ranges:
    """Return the characters that are not in a part."""
    found, start = [], 0
    for low, high in part:
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        found.append((start, LAST))
    return tuple(found)


def common(one: Ranges, other: Ranges) -> Ranges:
    """Return the characters of both parts."""
    return complement(union(complement(one), complement(other)))


def of(characters: Iterable[str]) -> Ranges:
    """Return the ranges of some characters."""
    return union(*(((ord(character), ord(character)),) for character in characters))


def ranges(*pairs: tuple[int, int]) -> Ranges:
    """Return ranges from pairs in any order."""
    return union(tuple(pairs))


SPECIAL = re.compile("[^A-Za-z0-9_ ]")
DIGIT = ranges((0x30, 0x39))
WORD = union(DIGIT, ranges((0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
LETTERS = ranges(
    (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2AF), (0x400, 0x481), (0x48A, 0x52F), (0x5D0, 0x5EA),
    (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
)  # fmt: skip
NOT_ASCII = ranges((0x80, LAST))
SPACE = union(
    ranges((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    ranges((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
OTHER_DIGITS = ranges((0x660, 0x2FFF), (0xA620, 0xABFF), (0xFF10, 0x1F2FF), (0x1FB00, LAST))
"""Where Unicode has its other digits, generously measured."""
CLASSES: dict[str, tuple[Ranges, Ranges]] = {
    "d": (DIGIT, union(DIGIT, OTHER_DIGITS)),
    "w": (union(WORD, LETTERS), union(WORD, NOT_ASCII)),
    "s": (SPACE, SPACE),
}
"""For each class of `re`: characters that are surely in it, and all that may be.

What `\\w` takes depends on the Unicode that Python was built with, so an answer keeps to the sure ones, and
to what is surely not in it where it must not match.
"""


def raw(part: Ranges) -> str:
    """Return a class of regular expressions for characters; empty for none."""
    inner = "".join(point(low) if low == high else f"{point(low)}-{point(high)}" for low, high in part)
    return f"[{inner}]" if inner else ""


def point(code: int) -> str:
    """Return one character for regular expressions, so that nothing in it has a meaning there."""
    character = chr(code)
    return character if character.isascii() and character.isalnum() else f"\\x{{{code:x}}}"


def escaped(text: str) -> str:
    """Return a text for regular expressions, to be taken as it is."""
    return SPECIAL.sub(lambda found: point(ord(found.group())), text)


def spelled(part: Ranges) -> str:
    """Return a regular expression for one character of a set inside a JSON text; empty for none.

    Characters that answers cannot write are left out.
    """
    plain = raw(common(part, complement(RAW_EXCEPT)))
    short = [letter for code, letter in SHORT.items() if any(low <= code <= high for low, high in part)]
    parts = [plain] if plain else []
    if short:
        parts.append(r"\\[" + "".join(point(ord(letter)) for letter in short) + "]")
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})" if parts else ""
