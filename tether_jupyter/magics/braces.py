"""`{name}` in a question: filled in where such a variable exists, left as typed everywhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.magics.names import as_kept

MAX_VALUE = 200_000
INSIDE = 4_000
"""Characters of values that stand in the question itself; a server takes 10,000 of a question at most."""

# Left to right, the first that fits wins: an f-string is somebody's code; a brace behind another one, a
# dollar, an index, an exponent or a TeX command is no placeholder.
PATTERN = re.compile(
    r"""
    (?P<code>\b(?:[fF][rR]?|[rR][fF])(?:'{3}.*?'{3}|"{3}.*?"{3}|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    | (?P<tex>\\[A-Za-z]+\*?(?:\[[^\]\n]*\]|\{[^{}\n]*\})+)
    | (?<![{$_^])\{(?P<name>[^\W\d]\w*)\}(?!\})
    """,
    re.VERBOSE | re.DOTALL,
)


def fill(text: str, variables: Mapping[str, Any]) -> tuple[str, list[str], dict[str, str]]:
    """Return the text with its placeholders filled in, the names that were, and the values beside the text.

    Parameters
    ----------
    variables:
        The user's own variables. `str()` of a value takes its place. Where that is long, the name does, and
        the value, cut at 200,000 characters, goes along as context: there is room for it, and a budget.

    Raises
    ------
    InvalidRequest
        A value cannot be turned into text.
    """
    filled: list[str] = []
    beside: dict[str, str] = {}
    room = INSIDE

    def replace(found: re.Match[str]) -> str:
        name = as_kept(found["name"] or "")
        if name not in variables:
            return found[0]
        if name not in filled:
            filled.append(name)
        value = as_text(name, variables[name])
        nonlocal room
        if len(value) > room:
            beside[name] = value
            return f"`{name}`"
        room -= len(value)
        return value

    return PATTERN.sub(replace, text), filled, beside


def as_text(name: str, value: Any) -> str:
    """Return a variable's value as the model is to read it."""
    try:
        text = str(value)
    except Exception as reason:  # noqa: BLE001
        # It is the user's own `__str__`, which may raise anything.
        raise InvalidRequest(
            f"The variable `{name}` cannot be turned into text: {type(reason).__name__}."
        ) from None
    if len(text) <= MAX_VALUE:
        return text
    return f"{text[:MAX_VALUE]}\n… (the first {MAX_VALUE:,} of {len(text):,} characters of {name})"
