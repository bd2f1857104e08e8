"""Templates: ``[a|b]`` is a choice (it nests), ``{name}`` a shared choice, ``$x`` a name to fill in.

The text is expanded first and filled last. Everything done to the sentence in between (see
rough.py) therefore never touches a name, and the answer stays exact.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

CHOICE = re.compile(r"\[([^\[\]]*)\]")
MACRO = re.compile(r"\{([a-z_]+)\}")
SLOT = re.compile(r"\$([a-zA-Z])")
BRACKETS = str.maketrans("⟦⟧⦃⦄", "[]{}")  # literal brackets in a template

CODES = "AWT"  # slots that are no names: what a word stands for, a type

Spans = list[tuple[int, int, bool]]
"""Where an answer holds something of the question, and whether it is copied from there."""

macros: dict[str, str] = {}


def expand(template: str, rng: random.Random) -> str:
    """Resolve shared and local choices until none is left; literal brackets are ``⟦⟧ ⦃⦄``."""
    text = MACRO.sub(lambda m: "[" + macros[m[1]] + "]", template)
    while "[" in text:
        text, found = CHOICE.subn(lambda m: rng.choice(m[1].split("|")), text)
        if not found:
            raise ValueError(f"unbalanced brackets in template: {template!r}")
        if "{" in text:
            text = MACRO.sub(lambda m: "[" + macros[m[1]] + "]", text)
    return text.translate(BRACKETS)


def fill(template: str, names: Mapping[str, str]) -> str:
    """Put the names into their slots; unknown slots stay as they are."""
    return SLOT.sub(lambda m: names.get(m[1], m[0]), template)


def fill_spans(template: str, names: Mapping[str, str]) -> tuple[str, Spans]:
    """Like fill, and say where the names are (their tokens weigh double in training)."""
    text, spans, position = "", [], 0
    for match in SLOT.finditer(template):
        text += template[position : match.start()]
        value = names.get(match[1], match[0])
        spans.append((len(text), len(text) + len(value), match[1] not in CODES))
        text += value
        position = match.end()
    return text + template[position:], spans


def slots(template: str) -> set[str]:
    """The slot letters a template uses."""
    return set(SLOT.findall(template))
