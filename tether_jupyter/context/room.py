"""Room for what came with a question: what may be left out goes first, then files become shorter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from tether_jupyter.context.budget import (
    LEAST_PART,
    OVER,
    TAGS,
    Count,
    absent,
    measured,
    shortened,
)
from tether_jupyter.context.piece import Kind, Piece
from tether_jupyter.core.attached import shares
from tether_jupyter.core.prompt import Section

SOONER = {"cell": 3, "variable": 2, "error": 1}
"""How soon what was looked at is left out; what a caller sent goes along unless it says otherwise."""
NOTHING = "Not even its beginning fits into the model's window."


def brief(section: Section) -> Section:
    """Return an error without the frames of libraries: a page sends the traceback as it is shown."""
    if section.kind != "error":
        return section
    from tether_jupyter.context.tracebacks import reduced

    text = reduced("", "", [section.text])
    return replace(section, text=text) if 0 < len(text) < len(section.text) else section


def made_to_fit(
    sections: Sequence[Section], room: int, count: Count
) -> tuple[list[Section], list[dict[str, Any]]]:
    """Return the sections for which there is room, and what was left out or shortened, and why.

    What must go along stays whole even where that is too much: whoever asks is told, and decides.

    Parameters
    ----------
    room:
        Tokens that all of them may have together, with their tags.
    count:
        The model's tokenizer.
    """
    pieces = [Piece(cast("Kind", each.kind), each.name, each.text) for each in sections]
    sizes = measured(pieces, max(room, 0), count)
    over = sum(sizes) - room
    kept: dict[int, Section] = dict(enumerate(sections))
    left: list[dict[str, Any]] = []
    for at in sorted(kept, key=lambda at: -spare(sections[at])):
        if over <= 0 or not spare(sections[at]):
            break
        left.append(absent(pieces[at], sizes[at], OVER))
        over -= sizes[at]
        del kept[at]
    files = [at for at in kept if sections[at].kind == "file"]
    if over > 0 and files:
        rooms = shares([sizes[at] for at in files], max(0, sum(sizes[at] for at in files) - over))
        for at, most in zip(files, rooms, strict=True):
            if most >= sizes[at]:
                continue
            part = shortened(pieces[at], most, count) if most >= LEAST_PART + TAGS else None
            left.append(absent(pieces[at], sizes[at], part[2] if part else NOTHING))
            if part:
                kept[at] = replace(sections[at], text=part[0].text)
            else:
                del kept[at]
    return [kept[at] for at in sorted(kept)], left


def spare(section: Section) -> int:
    """Return how soon a section is left out; 0 where it must go along."""
    return section.optional or (SOONER.get(section.kind, 0) if section.level is not None else 0)
