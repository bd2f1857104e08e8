"""`{name}` in a question: filled in where such a variable exists, left as typed everywhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tether_jupyter.errors import InvalidRequest

MAX_VALUE = 20_000

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

# IPython keeps inputs and outputs under these names.
HISTORY = re.compile(r"_+$|_i?\d+$|_i+$|_[oid]h$|__\w*__$")


def fill(text: str, variables: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the text with its placeholders filled in, and the names that were.

    Parameters
    ----------
    variables:
        The user's own variables. `str()` of a value takes its place, cut at 20,000 characters.

    Raises
    ------
    InvalidRequest
        A value cannot be turned into text.
    """
    filled: list[str] = []

    def replace(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or name not in variables:
            return found[0]
        if name not in filled:
            filled.append(name)
        return as_text(name, variables[name])

    return PATTERN.sub(replace, text), filled


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


def own_variables(shell: Any) -> dict[str, Any]:
    """Return what the user named, without what IPython put there."""
    hidden = shell.user_ns_hidden
    return {
        name: value
        for name, value in shell.user_ns.items()
        if not HISTORY.match(name) and not (name in hidden and hidden[name] is value)
    }
