"""pandas: rows of frames and series, and answers as columns of the types that hold nulls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from tether_jupyter.client.fitting import text_of
from tether_jupyter.client.schemas import Field
from tether_jupyter.frames.columns import Columns
from tether_jupyter.frames.results import Outcome
from tether_jupyter.frames.sources import VALUE, apart, named_once

DTYPES = {"int": "Int64", "float": "Float64", "bool": "boolean"}
DTYPES |= {"date": "datetime64[s]", "datetime": "datetime64[us]"}


class PandasSource:
    """A DataFrame, or a Series, whose values are called `value` and by its own name."""

    def __init__(self, rows: Any) -> None:
        self._given = rows
        self._series = rows.ndim == 1
        self._labels: list[Any] = [rows.name] if self._series else list(rows.columns)
        own = [str(label) for label in self._labels if label is not None]
        self.columns: list[str] = list(dict.fromkeys([VALUE, *own])) if self._series else own

    def rows(self, names: Sequence[str] | None) -> Iterator[Mapping[str, Any]]:
        names = self.columns if names is None else names
        if self._series:
            for value in self._given.tolist():
                yield dict.fromkeys(names, value)
            return
        places = {str(label): place for place, label in enumerate(self._labels)}
        held = [self._given.iloc[:, places[name]].tolist() for name in names]
        for row in zip(*held, strict=True) if held else ([] for _ in range(len(self._given))):
            yield dict(zip(names, row, strict=True))

    def check(self, columns: Columns, read: tuple[str, ...]) -> None:
        if not self._series:
            named_once(self.columns, read)
            columns.check(read)

    def build(self, columns: Columns, outcome: Outcome) -> Any:
        pandas = import_module("pandas")
        shown = outcome.shown
        whole = len(shown) == len(self._given)
        given = self._given if whole else self._given.iloc[shown]
        # Before pandas 3, whoever writes to a shallow copy writes to the given one.
        shallow = whole and major() >= 3
        built = pandas.DataFrame(index=given.index) if self._series else given.copy(deep=not shallow)
        for name, values in [*outcome.cells.items(), (columns.error, outcome.errors)]:
            field = columns.fields.get(name, Field(name))
            held = apart(values[n] for n in shown)
            if field.kind == "str":
                # pandas reads bytes as UTF-8, which what stood in Base64 need not be.
                held = [text_of(value) if isinstance(value, (bytes, bytearray)) else value for value in held]
            made = pandas.Series(held, index=given.index, dtype=dtype(field))
            # By its values: labels of the index may stand twice.
            built[name] = made.array
        return built


def major() -> int:
    """Return the first part of pandas' version."""
    return int(import_module("pandas").__version__.partition(".")[0])


def dtype(field: Field) -> Any:
    """Return the type of a column that holds a field's values, and nulls."""
    if field.kind == "str":
        # pandas 3 has a type for text by itself; before, this one came closest.
        return "str" if major() >= 3 else "string"
    if field.kind == "choice":
        # A JSON schema may say one twice.
        return import_module("pandas").CategoricalDtype(list(dict.fromkeys(field.choices)))
    return DTYPES.get(field.kind, "object")
