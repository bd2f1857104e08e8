"""Tables of pandas and dask. Of a long column a part is looked at, and how long that part is gets told."""

from __future__ import annotations

import re
from typing import Any

from . import arrays
from .arrays import COLUMNS, LAZY, is_null, listed, number, statistics, thin
from .safe import attribute, exactly, instance_dict, origin, type_text
from .text import cut, label, secret, short

ROWS = {"samples": 5, "values": 20}
WIDTH = 12
CELL = 32
# A row of a small table takes about as many characters.
LINE = 40
SCAN = 100_000
SEARCHED = 20_000
# The type of polars has its values, whatever signs these have; it may stand inside of a list's or a record's.
ENUM = re.compile(r"""\bEnum\((?:[^()'"]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*\)?""")


def rows_for(how: Any) -> int:
    """Return how many rows there is room for, if the level allows any."""
    if not how.ranges:
        return 0
    room: int = how.room
    return min(ROWS[how.level], max(0, room // LINE - 1))


def own(x: Any, library: str) -> bool:
    """Say whether an object's class is a library's own, and not somebody's."""
    return origin(type(x)) == library


def frame(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a pandas DataFrame, or a subclass's as pandas keeps it."""
    manager: Any = (instance_dict(x) or {}).get("_mgr")
    if not own(manager, "pandas"):
        return
    names, index = manager.axes
    if not own(names, "pandas"):
        found["note"] = "its columns have an index of its own kind: not looked into"
        return
    found["shape"] = [rows_of(index, manager), len(names)]
    if how.brief:
        return
    found["index"] = index_text(index)
    memory = sum(int(held.nbytes) for held in (block.values for block in manager.blocks) if plain_array(held))
    found["memory"] = memory
    entries: list[dict[str, Any]] = []
    found["columns"] = entries
    shown: list[tuple[str, Any]] = []
    for place, name in chosen(labels_of(names, SEARCHED if how.only else COLUMNS), how):
        values = manager.iget_values(place)
        entry: dict[str, Any] = {"name": name, "dtype": dtype_text(values)}
        entries.append(entry)
        shown.append((name, values))
        if not how.clock.late():
            entry.update(column(values, how.ranges and not secret(name)))
    left(found, len(names), how)
    count = rows_for(how)
    if count:
        heads = [("", labels_of(index, count))]
        heads += [(name, cells(values, count, secret(name))) for name, values in shown[:WIDTH]]
        found["rows"] = grid(heads)


def chosen(labels: list[str], how: Any) -> list[tuple[int, str]]:
    """Return the columns to be told with their places: the first ones, or the one that was asked for.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    if how.only is None:
        return list(enumerate(labels[:COLUMNS]))
    return [(labels.index(how.only), how.only)]


def left(found: dict[str, Any], count: int, how: Any) -> None:
    """Note how many columns are not told, where all were asked for."""
    if how.only is None and count > len(found["columns"]):
        found["columns_left"] = count - len(found["columns"])


def rows_of(index: Any, manager: Any) -> int:
    """Return how many rows there are; of somebody's own index, as many as the first column has."""
    if own(index, "pandas"):
        return len(index)
    return next((int(b.values.shape[-1]) for b in manager.blocks if plain_array(b.values)), 0)


def series(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a pandas Series."""
    manager: Any = (instance_dict(x) or {}).get("_mgr")
    if not own(manager, "pandas"):
        return
    index, values = manager.axes[0], manager.blocks[0].values
    found["shape"] = [rows_of(index, manager)]
    found["dtype"] = dtype_text(values)
    if how.brief:
        return
    found["index"] = index_text(index)
    if plain_array(values):
        found["memory"] = int(values.nbytes)
    hidden = secret(label((instance_dict(x) or {}).get("_name"))) or how.hidden
    found.update(column(values, how.ranges and not hidden))
    count = rows_for(how)
    if count:
        found["rows"] = grid([("", labels_of(index, count)), ("value", cells(values, count, hidden))])


def index(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a pandas Index; somebody's subclass only by its type."""
    if not own(x, "pandas"):
        return
    found["shape"] = [len(x)]
    found["index"] = index_text(x)
    if how.brief:
        return
    if type_text(type(x)) not in ("pandas.MultiIndex", "pandas.RangeIndex"):
        found["dtype"] = dtype_text(x.array)
        found.update(column(x.array, how.ranges))
    if how.ranges:
        found["value"] = cut("[" + ", ".join(labels_of(x, rows_for(how))) + "]", how.room)


def plain_array(values: Any) -> bool:
    """Say whether a column is numpy's or one of pandas' own arrays: only these are asked anything."""
    return exactly(values, "numpy.ndarray") or own(values, "pandas")


def dtype_text(values: Any) -> str:
    """Return the name of a column's type."""
    dtype = values.dtype if plain_array(values) else attribute(values, "_dtype")
    if not plain_array(values) or foreign_arrow(dtype):
        return type_text(type(values))
    return without_data(str(dtype))


def without_data(dtype: str) -> str:
    """Return the text of a type without the values that some write into it."""
    dtype = ENUM.sub("Enum", dtype)
    return cut(re.sub(r"^Sparse\[(\w+),.*", r"Sparse[\1]", dtype), 80)


def foreign_arrow(dtype: Any) -> bool:
    """Say whether it is an Arrow type that somebody wrote in Python."""
    inner = (instance_dict(dtype) or {}).get("pyarrow_dtype")
    return inner is not None and not own(inner, "pyarrow")


def index_text(x: Any) -> str:
    """Return an index's kind, and its names where it has some."""
    kind = type_text(type(x)).rpartition(".")[2]
    if not own(x, "pandas"):
        return type_text(type(x))
    names = [label(name) for name in x.names if name is not None]
    return cut(f"{kind} ({', '.join(names)})" if names else kind, 120)


def labels_of(x: Any, most: int) -> list[str]:
    """Return the first labels of an index."""
    return [label(item) for item in list(x[:most])] if own(x, "pandas") else ["?"] * min(most, 3)


def column(values: Any, ranges: bool) -> dict[str, Any]:
    """Return nulls and range of a column."""
    if not plain_array(values):
        return {}
    if exactly(values, "numpy.ndarray"):
        return statistics(values, ranges) if not arrays.mapped(values) else {}
    if foreign_arrow(values.dtype):
        return {}
    # From here on it is pandas' own: its attributes are safe to ask for.
    chunks: Any = getattr(values, "_pa_array", None)
    if own(chunks, "pyarrow"):
        return {"nulls": int(chunks.null_count)}
    if type_text(type(values)).rpartition(".")[2] in ("DatetimeArray", "TimedeltaArray"):
        told = statistics(values._ndarray, ranges)
        return {**told, **{end: dated(values, told[end]) for end in ("min", "max") if end in told}}
    mask = getattr(values, "_mask", None)
    if exactly(mask, "numpy.ndarray"):
        return masked(values._data, mask, ranges)
    part = values if len(values) <= SCAN else values[:SCAN]
    told = {"nulls": int(part.isna().sum())}
    return told if len(part) == len(values) else {**told, "nulls_of": len(part)}


def masked(data: Any, mask: Any, ranges: bool) -> dict[str, Any]:
    """Return nulls and range of a column with a mask."""
    part, hidden = thin(data), thin(mask)
    told: dict[str, Any] = {"nulls": int(hidden.sum())}
    partly = len(part) < len(data)
    if partly:
        told["nulls_of"] = len(part)
    valid = part[~hidden]
    if ranges and len(valid) and valid.dtype.kind in "iuf":
        told["min"], told["max"] = number(valid.min()), number(valid.max())
        if partly:
            told["range_of"] = len(part)
    return told


def dated(values: Any, text: str) -> str:
    """Return a date as people write it: without a time that is midnight, and with its zone."""
    day, _, clock = text.partition("T")
    clock = clock.rstrip("0").rstrip(".") if "." in clock else clock
    zone = " UTC" if getattr(values.dtype, "tz", None) is not None else ""
    return (f"{day} {clock}" if clock.strip("0:") else day) + zone


def cells(values: Any, count: int, hidden: bool) -> list[str]:
    """Return the first values of a column as text."""
    if hidden:
        return ["…"] * min(count, len(values))
    if not plain_array(values) or foreign_arrow(values.dtype):
        return ["?"] * count
    head = values[:count]
    return [cell(item) for item in (listed(head) if exactly(head, "numpy.ndarray") else list(head))]


def cell(x: Any) -> str:
    """Return one value as it stands in a table."""
    if is_null(x):
        return "null"
    if type(x) is str:
        return cut(x.replace("\n", "⏎"), CELL)
    if type(x) is float:
        return f"{x:.6g}"
    return short(x, CELL, 2)


def grid(heads: list[tuple[str, list[str]]]) -> str:
    """Return columns under their names as a text table."""
    lines = max(len(values) for _, values in heads)
    wide = []
    for name, values in heads:
        entries = [cut(name, CELL), *(cut(value, CELL) for value in values)]
        most = max(map(len, entries))
        wide.append([entry.rjust(most) for entry in entries] + [" " * most] * (lines - len(values)))
    return "\n".join("  ".join(part[line] for part in wide).rstrip() for line in range(lines + 1))


def lazy(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe what only computing would tell."""
    found["note"] = LAZY


def dask_frame(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a dask DataFrame by the schema that it keeps, if it keeps one."""
    found["note"] = LAZY
    if how.brief:
        return
    expression = (instance_dict(x) or {}).get("_expr")
    meta = (instance_dict(x) or {}).get("_meta", (instance_dict(expression) or {}).get("_meta"))
    if not exactly(meta, "pandas.DataFrame"):
        return
    manager: Any = (instance_dict(meta) or {}).get("_mgr")
    if own(manager, "pandas"):
        names = labels_of(manager.axes[0], SEARCHED if how.only else COLUMNS)
        found["columns"] = [
            {"name": name, "dtype": dtype_text(manager.iget_values(place))}
            for place, name in chosen(names, how)
        ]
        left(found, len(manager.axes[0]), how)
