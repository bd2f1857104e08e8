"""Where the Python is in an answer: its fenced blocks, and the prose around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PYTHON = frozenset({"python", "python3", "py", "py3", "ipython", "ipython3"})
OPENING = re.compile(r"^([ \t]*)(`{3,}+|~{3,}+)[ \t]*+\{?\.?([\w.+#-]*+)([^`]*+)$")
"""No repeat gives anything back: a line that ends with a backtick would be walked again for each sign."""


@dataclass(frozen=True, slots=True)
class Code:
    """A block of Python, without its fence and its indentation."""

    text: str


def blocks(text: str) -> Iterator[str | Code]:
    """Yield the parts of an answer in order: prose, with blocks of other languages in it, and Python.

    A block that is not closed was cut while it was written: it is not ready to run, and stays with the prose.
    """
    prose: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    below = closings(lines)
    at = 0
    while at < len(lines):
        opening = OPENING.match(lines[at])
        end = closing(lines, at, opening[2], below) if opening else None
        if opening is None or end is None:
            prose.append(lines[at])
            at += 1
            continue
        if opening[3].lower() in PYTHON:
            if "\n".join(prose).strip():
                yield "\n".join(prose).strip("\n")
            prose = []
            if code := dedented(lines[at + 1 : end], opening[1]).strip("\n"):
                yield Code(code)
        else:
            prose += lines[at : end + 1]
        at = end + 1
    if "\n".join(prose).strip():
        yield "\n".join(prose).strip("\n")


def closings(lines: list[str]) -> dict[str, list[int]]:
    """Return for each line the longest fence that closes a block there or below, by what it is made of."""
    longest = {sign: [0] * (len(lines) + 1) for sign in "`~"}
    for number in range(len(lines) - 1, -1, -1):
        bare = lines[number].strip()
        for sign, below in longest.items():
            below[number] = max(below[number + 1], 0 if bare.strip(sign) else len(bare))
    return longest


def closing(lines: list[str], opening: int, ticks: str, below: dict[str, list[int]]) -> int | None:
    """Return the line that closes the block which begins at one.

    A block that is not closed is known from `closings`, and not looked for: an answer may open thousands.
    """
    if below[ticks[0]][opening + 1] < len(ticks):
        return None
    for number in range(opening + 1, len(lines)):
        bare = lines[number].strip()
        if len(bare) >= len(ticks) and not bare.strip(ticks[0]):
            return number
    return None


def dedented(lines: list[str], indent: str) -> str:
    """Return the lines of a block without the indentation of its fence."""
    width = len(indent.expandtabs(4))
    if not width:
        return "\n".join(lines)
    out = []
    for line in lines:
        head = line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4)
        out.append(head[min(width, len(head)) :] + line.lstrip(" \t"))
    return "\n".join(out)
