"""Where rows come from and answers go: what every kind of frame offers a run, and plain Python's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from types import NoneType
from typing import Any, Protocol

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.frames.columns import Columns
from tether_jupyter.frames.results import Answers, Outcome

VALUE = "value"


class Source(Protocol):
    """Rows of any kind."""

    @property
    def columns(self) -> Sequence[str]:
        """What a prompt may name."""

    def rows(self, names: Sequence[str] | None) -> Iterator[Mapping[str, Any]]:
        """Yield each row's values under these names, or all that it has."""

    def check(self, columns: Columns, read: tuple[str, ...]) -> None:
        """Raise `InvalidRequest` where the answers cannot stand beside what the prompt reads."""

    def build(self, columns: Columns, outcome: Outcome) -> Any:
        """Return the rows that were asked about with their answers."""


class ListSource:
    """Any iterable: of dicts, of objects with fields, or of plain values."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = [as_mapping(row) for row in rows]
        # What some rows lack is found when a prompt reads it.
        self.columns = list(dict.fromkeys(name for row in self._rows for name in row))

    def rows(self, names: Sequence[str] | None) -> Iterator[Mapping[str, Any]]:
        for number, row in enumerate(self._rows):
            if lacking := [name for name in names or () if name not in row]:
                raise InvalidRequest(f"Row {number} has no `{lacking[0]}`. Give every row one, or None.")
            yield row

    def check(self, columns: Columns, read: tuple[str, ...]) -> None:
        """Answers stand in a list of their own."""

    def build(self, columns: Columns, outcome: Outcome) -> Answers:
        shown = outcome.shown
        return Answers(apart(outcome.values[n] for n in shown), (outcome.errors[n] for n in shown))


def as_mapping(row: Any) -> Mapping[str, Any]:
    """Return a row's values by name; a plain value is called `value`."""
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items()}
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    if isinstance(row, tuple) and hasattr(row, "_asdict"):
        return dict(row._asdict())
    fields = getattr(type(row), "model_fields", None)
    if isinstance(fields, Mapping):
        return {name: getattr(row, name) for name in fields}
    return {VALUE: row}


def apart(values: Iterable[Any]) -> list[Any]:
    """Return answers of which no two are the same list or object: rows that ask the same share one.

    Whoever writes into a row's answer is not to write into the others'.
    """
    found: list[Any] = []
    seen: set[int] = set()
    for value in values:
        is_mutable = not isinstance(value, (str, int, float, NoneType))
        found.append(deepcopy(value) if is_mutable and id(value) in seen else value)
        if is_mutable:
            seen.add(id(value))
    return found


def named_once(names: Sequence[str], read: tuple[str, ...]) -> None:
    """Raise `InvalidRequest` where a name that the prompt reads stands for several columns."""
    for name in read:
        if names.count(name) > 1:
            raise InvalidRequest(f"Several columns are called `{name}`. Rename all but one.")
