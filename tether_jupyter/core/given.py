"""What went along with a question, kept with it: so that it can be asked again as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tether_jupyter.core.history import GIVEN
from tether_jupyter.core.prompt import Section

MOST_GIVEN = 65_536
"""Characters of context that are kept with a question."""
KINDS = ("file", "cell", "variable", "error", "selection")
LOOKED_AT = ("cell", "variable", "error")
"""Kinds of what may come out of a kernel or a notebook."""
MOST = "values"
"""The level of what was looked at when nobody knows how much of it was shown."""


def remembered(seen: Mapping[str, Any], sections: Sequence[Section]) -> dict[str, Any]:
    """Return what is kept with a question of what went along with it: as the model saw it, and no more."""
    kept: dict[str, Any] = {"context": seen} if seen else {}
    if sections and fits(given := as_kept(sections)):
        kept[GIVEN] = given
    return kept


def named_in(data: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of what a question asked to see, whether it went along or was left out."""
    seen = data.get("context")
    told = seen if isinstance(seen, dict) else {}
    found = [item for key in ("items", "left_out") for item in told.get(key) or () if isinstance(item, dict)]
    return frozenset(str(item.get("name")) for item in found)


def as_kept(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Return pieces of context in the form in which they are kept: with the level of what was looked at."""
    return [
        {"kind": each.kind, "name": each.name, "text": each.text, "level": each.level}
        | ({"optional": each.optional} if each.optional else {})
        for each in sections
    ]


def fits(given: Any) -> bool:
    """Return whether there is room to keep it."""
    return len(json.dumps(given)) <= MOST_GIVEN


def given_with(data: Mapping[str, Any]) -> list[Section]:
    """Return the context that a question's data holds. What is not in its form is left out.

    Rows from before pieces had a level: what may have been looked at has the question's, or else the highest.
    """
    given, seen = data.get(GIVEN), data.get("context")
    before = seen.get("level") if isinstance(seen, dict) else None
    found: list[Section] = []
    for item in given if isinstance(given, list) else ():
        if not isinstance(item, dict) or item.get("kind") not in KINDS:
            continue
        kind, name, text = item["kind"], item.get("name", ""), item.get("text")
        if not (isinstance(name, str) and isinstance(text, str) and text):
            continue
        level = item.get("level", (before or MOST) if kind in LOOKED_AT else None)
        optional = item.get("optional")
        found.append(
            Section(
                kind,
                name,
                text,
                level if isinstance(level, str | None) else MOST,
                optional if isinstance(optional, int) else 0,
            )
        )
    return found
