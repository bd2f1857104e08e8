"""The conversation for viewers that know no widgets: GitHub, nbconvert, a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tether_jupyter.core import inert
from tether_jupyter.widget import rows as states
from tether_jupyter.widget.rows import Row

MAX_CHARACTERS = 64 * 1024
NOTHING = "Tether's chat, with nothing said yet. Run the cell to talk."
SIGNS = re.compile(r"([\\`*_\[\]<>!$~|&#])")
OLDER = "The beginning of the conversation is left out."


def markdown(rows: Sequence[Row]) -> str:
    """Return the conversation as Markdown that shows and loads nothing but its own text."""
    return _laid_out(rows, _rich)


def plain(rows: Sequence[Row]) -> str:
    """Return the conversation as plain text."""
    return _laid_out(rows, _bare)


def _laid_out(rows: Sequence[Row], form: Callable[[Row], str]) -> str:
    parts: list[str] = []
    room = MAX_CHARACTERS
    for row in reversed(rows):
        part = form(row)
        room -= len(part) + 2
        if room < 0:
            parts.append(OLDER)
            break
        parts.append(part)
    return "\n\n".join(reversed(parts)) if parts else NOTHING


def _rich(row: Row) -> str:
    if row["role"] == "user":
        lines = _escaped(inert.plain(row["text"])).split("\n")
        return "\n".join([f"> **You:** {lines[0]}", *(f"> {line}" for line in lines[1:])])
    line = _under(row)
    return "\n\n".join(
        filter(None, [inert.markdown(row["text"].rstrip()), f"*{_escaped(line)}*" if line else ""])
    )


def _bare(row: Row) -> str:
    if row["role"] == "user":
        return f"You: {inert.plain(row['text'])}"
    return "\n".join(filter(None, [inert.plain(row["text"].rstrip()), _under(row)]))


def _under(row: Row) -> str:
    """Return the line under an answer, and why it has no end."""
    problem = row.get("problem") or {}
    ending = {states.INTERRUPTED: "interrupted", states.WRITING: "not complete"}.get(row["state"])
    return " · ".join(filter(None, [row.get("line"), problem.get("message"), ending]))


def _escaped(text: str) -> str:
    """Return text as Markdown in which every sign means itself."""
    return SIGNS.sub(r"\\\1", text)
