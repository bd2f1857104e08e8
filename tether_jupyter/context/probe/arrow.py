"""Tables on Arrow: polars and pyarrow. They keep the number of nulls; ranges may be of a part."""

from __future__ import annotations

from typing import Any

from .safe import instance_dict, loaded, read, type_text
from .tables import SCAN, WIDTH, cell, chosen, grid, left, own, rows_for, without_data
from .text import cut, secret


def polars_frame(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a polars DataFrame, or a subclass's as polars keeps it."""
    inner = (instance_dict(x) or {}).get("_df")
    # Of the plain class from here on: no subclass has a say.
    table = plain_polars(cls, "_df", inner)
    found["shape"] = shape = [int(size) for size in table.shape]
    if how.brief:
        return
    found["memory"] = int(table.estimated_size())
    entries: list[dict[str, Any]] = []
    found["columns"] = entries
    names = table.columns
    heads: list[tuple[str, list[str]]] = []
    for place, name in chosen(names, how):
        values = table.to_series(place)
        entry = {"name": cut(name, 80), "dtype": without_data(str(values.dtype))}
        entries.append(entry)
        hidden = secret(name)
        if not how.clock.late():
            entry.update(polars_column(values, how.ranges and not hidden))
        count = rows_for(how)
        if count and len(heads) < WIDTH:
            heads.append((name, ["…"] * min(count, shape[0]) if hidden else polars_cells(values, count)))
    left(found, len(names), how)
    if heads:
        found["rows"] = grid(heads)


def plain_polars(cls: Any, name: str, inner: Any) -> Any:
    """Return a polars object of the plain class around what another one keeps."""
    made = object.__new__(cls)
    object.__setattr__(made, name, inner)
    return made


def polars_series(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a polars Series."""
    values = plain_polars(cls, "_s", (instance_dict(x) or {}).get("_s"))
    found["shape"] = [len(values)]
    found["dtype"] = without_data(str(values.dtype))
    if how.brief:
        return
    found["memory"] = int(values.estimated_size())
    hidden = secret(values.name) or how.hidden
    found.update(polars_column(values, how.ranges and not hidden))
    if rows_for(how) and not hidden:
        found["rows"] = grid([(values.name or "value", polars_cells(values, rows_for(how)))])


def polars_column(values: Any, ranges: bool) -> dict[str, Any]:
    """Return nulls and range of a polars column. It keeps the number of nulls."""
    told: dict[str, Any] = {"nulls": int(values.null_count())}
    dtype = values.dtype
    if ranges and (dtype.is_numeric() or dtype.is_temporal()) and len(values):
        part = values if len(values) <= SCAN else values.gather_every(-(-len(values) // SCAN))
        told.update(span(part.min(), part.max(), len(part), len(values)))
    return told


def span(low: Any, high: Any, seen: int, length: int) -> dict[str, Any]:
    """Return the ends of a range, and how many values they are of if not of all."""
    if low is None:
        return {}
    told: dict[str, Any] = {"min": cell(low), "max": cell(high)}
    return told if seen == length else {**told, "range_of": seen}


def polars_cells(values: Any, count: int) -> list[str]:
    """Return the first values of a polars column as text."""
    return [cell(item) for item in values.head(count).to_list()]


def arrow_table(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a pyarrow Table or RecordBatch."""
    schema = read(cls, "schema", x)
    shape = read(cls, "shape", x)
    found["shape"] = [int(size) for size in shape]
    if how.brief:
        return
    found["memory"] = int(read(cls, "nbytes", x))
    pick = read(cls, "column", x)
    heads: list[tuple[str, list[str]]] = []
    entries: list[dict[str, Any]] = []
    found["columns"] = entries
    for place, _ in chosen(schema.names, how):
        field, values = schema.field(place), pick(place)
        strange = not own(field.type, "pyarrow")
        kind = type_text(type(field.type)) if strange else cut(str(field.type), 80)
        entry = {"name": cut(field.name, 80), "dtype": kind}
        entries.append(entry)
        hidden = secret(field.name)
        if not how.clock.late():
            entry.update(arrow_column(values, field.type, how.ranges and not hidden and not strange))
        count = min(rows_for(how), shape[0])
        if rows_for(how) and len(heads) < WIDTH:
            heads.append((field.name, ["…"] * count if hidden or strange else arrow_cells(values, count)))
    left(found, len(schema), how)
    if heads:
        found["rows"] = grid(heads)


def arrow_array(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a pyarrow Array or ChunkedArray."""
    kind = read(cls, "type", x)
    strange = not own(kind, "pyarrow")
    found["shape"] = [int(read(cls, "__len__", x)())]
    found["dtype"] = type_text(type(kind)) if strange else cut(str(kind), 80)
    if how.brief:
        return
    found["memory"] = int(read(cls, "nbytes", x))
    ranges = how.ranges and not strange and not how.hidden
    found.update(arrow_column(x, kind, ranges))
    if ranges and rows_for(how):
        found["rows"] = grid([("value", arrow_cells(x, rows_for(how)))])


def arrow_column(values: Any, kind: Any, ranges: bool) -> dict[str, Any]:
    """Return nulls and range of an Arrow column. It keeps the number of nulls."""
    told: dict[str, Any] = {"nulls": int(values.null_count)}
    compute, types = loaded("pyarrow.compute"), loaded("pyarrow.types")
    if not ranges or "min_max" not in compute or not types or not len(values):
        return told
    if types["is_integer"](kind) or types["is_floating"](kind) or types["is_temporal"](kind):
        part = values.slice(0, SCAN)
        ends = compute["min_max"](part)
        told.update(span(ends["min"].as_py(), ends["max"].as_py(), len(part), len(values)))
    return told


def arrow_cells(values: Any, count: int) -> list[str]:
    """Return the first values of an Arrow column as text."""
    return [cell(item) for item in values.slice(0, count).to_pylist()]
