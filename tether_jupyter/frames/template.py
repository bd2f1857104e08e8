"""Prompts from rows: `Classify: {text}`, or a function of the row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias

from tether_jupyter.client.fitting import whole
from tether_jupyter.errors import InvalidRequest

# An f-string is somebody's code; a brace behind another one, an exponent or a TeX command is no placeholder.
# A column's name may hold blanks and dots.
PATTERN = re.compile(
    r"""
    (?P<code>\b(?:[fF][rR]?|[rR][fF])(?:'{3}.*?'{3}|"{3}.*?"{3}|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    | (?P<tex>\\[A-Za-z]+\*?(?:\[[^\]\n]*\]|\{[^{}\n]*\})+)
    | (?<![{^])\{(?P<name>[^{}\n]+)\}(?!\})
    """,
    re.VERBOSE | re.DOTALL,
)
MARKS = ("$", "_")
"""Behind these, braces are a shell's, or an index in TeX, unless a column has that name: `user_{id}`."""
WORD = re.compile(r"[^\W\d]\w*")
MORE = re.compile(r"(.+?)\s*[.:!\[]")
SHOWN = 20
FUNCTION = "give a function of the row, such as `lambda row: f\"…{row['price']:.2f}\"`."

Prompt: TypeAlias = "str | Callable[[Row], str | None]"


class Row(dict[str, Any]):
    """A row, for a function that makes a prompt of it: `row["text"]`, or `row.text`."""

    def __getattribute__(self, name: str) -> Any:
        # A column may be called `items` or `values`: it comes before the dict's own method.
        if not name.startswith("_") and name in self:
            return self[name]
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Template:
    """A prompt with placeholders.

    Parameters
    ----------
    text:
        The prompt. `{column}` is filled in; other braces stay as they are.
    columns:
        What a row has, by the names that the prompt may use.

    Raises
    ------
    InvalidRequest
        It names a column that is not there, none at all, or wants more than a column's value.
    """

    def __init__(self, text: str, columns: Sequence[str]) -> None:
        self.parts: list[tuple[str, str | None]] = []
        known = set(columns)
        at = 0
        for found in PATTERN.finditer(text):
            name = found["name"]
            if name is None:
                continue
            if name in known:
                self.parts.append((text[at : found.start()], name))
                at = found.end()
            elif WORD.fullmatch(name):
                if not text.endswith(MARKS, 0, found.start()):
                    raise InvalidRequest(missing(name, columns))
            elif (base := MORE.match(name)) and base[1] in known:
                raise InvalidRequest(
                    f"`{{{name[:100]}}}` is no placeholder: between the braces stands a column's name and "
                    f"nothing else. To format a value, {FUNCTION}"
                )
        self.parts.append((text[at:], None))
        self.names = tuple(dict.fromkeys(name for _, name in self.parts if name is not None))
        if not self.names:
            raise InvalidRequest(
                f"The prompt names no column, so that every row would be asked the same. Write one in "
                f"braces: {listed(columns)}."
            )

    def fill(self, row: Mapping[str, Any]) -> str:
        """Return the prompt for a row. A null becomes no text."""
        return "".join(f"{text}{'' if name is None else as_text(row[name])}" for text, name in self.parts)

    def lacks(self, row: Mapping[str, Any]) -> bool:
        """Return whether anything that the prompt asks about is null."""
        return any(is_null(row[name]) for name in self.names)


def prompts(
    prompt: Prompt, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, skip_null: bool
) -> list[str | None]:
    """Return the prompt of each row; `None` for one that is not asked about.

    Parameters
    ----------
    rows:
        Each holds a value for every one of `columns`.
    skip_null:
        Do not ask about a row in which something that the prompt names is null, or whose prompt is empty.

    Raises
    ------
    InvalidRequest
        The prompt does not fit the columns, or a function returned no text. What a function raises stays.
    """
    if callable(prompt):
        return [sendable(made(prompt, row, number), skip_null) for number, row in enumerate(rows)]
    if not isinstance(prompt, str):
        raise InvalidRequest(f"The prompt must be a text or a function, not `{type(prompt).__name__}`.")
    template = Template(prompt, columns)
    return [
        None if skip_null and template.lacks(row) else sendable(template.fill(row), skip_null) for row in rows
    ]


def sendable(text: str | None, skip_empty: bool) -> str | None:
    """Return a prompt that can be sent: none where it is empty, without halves of characters."""
    return None if text is None or (skip_empty and not text.strip()) else whole(text)


def made(function: Callable[[Row], str | None], row: Mapping[str, Any], number: int) -> str | None:
    """Return what a function makes of a row."""
    try:
        text = function(Row(row))
    except Exception as reason:
        reason.add_note(f"This is the prompt's own function, at row {number}. Nothing was sent.")
        raise
    if text is not None and not isinstance(text, str):
        raise InvalidRequest(
            f"The prompt's function must return a text, or None for a row that is not asked about. At row "
            f"{number} it returned `{type(text).__name__}`."
        )
    return text


def missing(name: str, columns: Sequence[str]) -> str:
    """Return the words for a column that is not there."""
    near = get_close_matches(name, columns, 1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return (
        f"There is no column `{name[:100]}`.{hint} There is {listed(columns)}. For braces that are no "
        f"placeholder, {FUNCTION}"
    )


def listed(columns: Sequence[str]) -> str:
    """Return columns' names for a message, not more than fit."""
    shown = ", ".join(f"`{{{column[:80]}}}`" for column in columns[:SHOWN])
    left = len(columns) - SHOWN
    return f"{shown or 'none'} and {left} more" if left > 0 else shown or "none"


def as_text(value: Any) -> str:
    """Return a value as a model is to read it: no text for a null, JSON for what holds other values."""
    if isinstance(value, str):
        return value
    if is_null(value):
        return ""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    for way in ("tolist", "to_list"):
        if hasattr(value, way) and not isinstance(value, (list, tuple)):
            value = getattr(value, way)()
            break
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return json.dumps(value, ensure_ascii=False, default=as_json)
    return str(value)


def as_json(value: Any) -> Any:
    """Return what JSON can hold of a value: a set in an order that is the same in every process."""
    return sorted(value, key=repr) if isinstance(value, (set, frozenset)) else str(value)


def is_null(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    if isinstance(value, float):
        return value != value
    return type(value).__name__ in ("NAType", "NaTType")
