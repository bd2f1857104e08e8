"""polars: rows of frames and series, and answers as columns of a schema's own types."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from tether_jupyter.client.fitting import text_of, whole
from tether_jupyter.client.schemas import Field
from tether_jupyter.frames.columns import Columns
from tether_jupyter.frames.results import Outcome
from tether_jupyter.frames.sources import VALUE


class PolarsSource:
    """A DataFrame, or a Series, whose values are called `value` and by its own name."""

    def __init__(self, rows: Any) -> None:
        self._given = rows
        self._series = isinstance(rows, import_module("polars").Series)
        if self._series:
            self.columns: list[str] = list(dict.fromkeys([VALUE, *([rows.name] if rows.name else [])]))
        else:
            self.columns = list(rows.columns)

    def rows(self, names: Sequence[str] | None) -> Iterator[Mapping[str, Any]]:
        names = self.columns if names is None else names
        if self._series:
            for value in self._given.to_list():
                yield dict.fromkeys(names, value)
            return
        if not names:
            yield from ({} for _ in range(len(self._given)))
            return
        for row in self._given.select(names).iter_rows():
            yield dict(zip(names, row, strict=True))

    def check(self, columns: Columns, read: tuple[str, ...]) -> None:
        if not self._series:
            columns.check(read)

    def build(self, columns: Columns, outcome: Outcome) -> Any:
        polars = import_module("polars")
        shown = outcome.shown
        made = []
        for name, values in [*outcome.cells.items(), (columns.error, outcome.errors)]:
            field = columns.fields.get(name, Field(name))
            held = [as_held(values[n], field) for n in shown]
            made.append(polars.Series(name, held, dtype=dtype(field), strict=True))
        if self._series:
            return polars.DataFrame(made)
        given = self._given if len(shown) == len(self._given) else self._given[shown]
        return given.with_columns(made)


def dtype(field: Field) -> Any:
    """Return the type of a column that holds a field's values; what has no form of its own is JSON text."""
    polars = import_module("polars")
    simple = {"int": polars.Int64, "float": polars.Float64, "bool": polars.Boolean, "date": polars.Date}
    if field.kind == "choice":
        # A JSON schema may say one twice.
        return polars.Enum(list(dict.fromkeys(field.choices)))
    if field.kind == "datetime":
        return polars.Datetime("us")
    if field.kind == "list":
        return polars.List(dtype(field.items) if field.items else polars.String)
    if field.kind == "object" and field.fields:
        return polars.Struct({inner.name: dtype(inner) for inner in field.fields})
    return simple.get(field.kind, polars.String)


def as_held(value: Any, field: Field) -> Any:
    """Return a value as its column holds it."""
    if value is None:
        return None
    if field.kind == "list":
        return [as_held(each, field.items) if field.items else as_json(each) for each in value]
    if field.kind == "object" and field.fields:
        return {inner.name: as_held(value.get(inner.name), inner) for inner in field.fields}
    if field.kind in ("dict", "any", "object"):
        return as_json(value)
    if field.kind == "str":
        return text_of(value)
    return float(value) if field.kind == "float" else value


def as_json(value: Any) -> str:
    """Return a value as JSON text."""
    return whole(json.dumps(value, ensure_ascii=False, default=str))
