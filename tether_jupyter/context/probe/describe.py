"""One variable as a plain dictionary: found by its genuine type, told by the level."""

from __future__ import annotations

import functools
from collections import deque
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from . import arrays, arrow, plain, tables
from .safe import Clock, among, class_name, genuine, is_a, is_class, module_name, mro, namespace, type_text
from .text import HIDDEN, NAME_CUT, PLAIN, cut, secret

NEVER = 9
CODE = (FunctionType, MethodType, BuiltinFunctionType)

BUILTIN: dict[type, Any] = {
    str: plain.text,
    bytes: plain.text,
    bytearray: plain.text,
    dict: plain.mapping,
    list: plain.sequence,
    tuple: plain.sequence,
    set: plain.sequence,
    frozenset: plain.sequence,
    deque: plain.sequence,
    int: plain.scalar,
    float: plain.scalar,
    complex: plain.scalar,
    Enum: plain.scalar,
    FunctionType: plain.function,
    MethodType: plain.function,
    functools.partial: plain.partial,
    **dict.fromkeys(PLAIN, plain.scalar),
}

BUILTIN_BY_ID = {id(cls): teller for cls, teller in BUILTIN.items()}

# By top package and class name; the class must be what that package really holds.
LIBRARY: dict[tuple[str, str], Any] = {
    ("pandas", "DataFrame"): tables.frame,
    ("pandas", "Series"): tables.series,
    ("pandas", "Index"): tables.index,
    ("pandas", "Timestamp"): plain.scalar,
    ("pandas", "Timedelta"): plain.scalar,
    ("pandas", "Period"): plain.scalar,
    ("polars", "DataFrame"): arrow.polars_frame,
    ("polars", "Series"): arrow.polars_series,
    ("polars", "LazyFrame"): tables.lazy,
    ("numpy", "ndarray"): arrays.ndarray,
    ("numpy", "generic"): plain.scalar,
    ("xarray", "DataArray"): arrays.data_array,
    ("xarray", "Dataset"): arrays.dataset,
    ("torch", "Tensor"): arrays.tensor,
    ("torch", "Module"): arrays.module,
    ("pyarrow", "Table"): arrow.arrow_table,
    ("pyarrow", "RecordBatch"): arrow.arrow_table,
    ("pyarrow", "Array"): arrow.arrow_array,
    ("pyarrow", "ChunkedArray"): arrow.arrow_array,
    ("dask", "Array"): arrays.dask_array,
    ("dask", "DataFrame"): tables.dask_frame,
    ("dask", "Series"): tables.lazy,
    ("dask", "Index"): tables.lazy,
    ("dask", "Scalar"): tables.lazy,
    ("dask", "Bag"): tables.lazy,
    ("dask", "Delayed"): tables.lazy,
    ("sklearn", "BaseEstimator"): plain.estimator,
    ("pydantic", "BaseModel"): plain.model,
    ("matplotlib", "Figure"): plain.figure,
}
TABLES = (tables.frame, arrow.polars_frame, arrow.arrow_table, tables.dask_frame)
NAMES = {name for _, name in LIBRARY}


class How:
    """How a variable is to be told.

    Parameters
    ----------
    level:
        `schema`, `samples` or `values`.
    room:
        The most characters of its value; with none it is told in a line, and no data is looked at.
    hidden:
        Whether its name says that it is a secret.
    only:
        The one column of a table that was asked for.
    """

    def __init__(
        self, level: str, clock: Clock, room: int, hidden: bool = False, only: str | None = None
    ) -> None:
        self.level = level
        self.clock = clock
        self.room = room
        self.hidden = hidden
        self.only = only
        self.brief = room <= 0
        self.ranges = level in ("samples", "values") and not hidden


def describe(
    name: str, x: Any, level: str, clock: Clock, room: int = 1_000, only: str | None = None
) -> dict[str, Any]:
    """Return a variable's name and type, and what its kind has to tell at that level.

    None of the object's own code runs: what it is gets decided by its genuine type.
    """
    cls = type(x)
    found: dict[str, Any] = {"name": cut(name, NAME_CUT), "type": type_text(cls)}
    how = How(level, clock, room, secret(name), only)
    try:
        tell(found, x, cls, how)
    except Exception as reason:  # noqa: BLE001 - it may change under the look of another thread
        found["note"] = f"not looked into: {class_name(type(reason))}"
    if how.hidden:
        found["note"] = HIDDEN
        for key in ("value", "rows", "fields", "length", "min", "max"):
            found.pop(key, None)
    return found


def tell(found: dict[str, Any], x: Any, cls: type, how: How) -> None:
    """Find what knows about the object, and let it tell."""
    if is_class(x):
        plain.klass(found, x, cls, how)
        return
    for base in mro(cls):
        teller = BUILTIN_BY_ID.get(id(base))
        if teller is None and class_name(base) in NAMES:
            teller = LIBRARY.get((module_name(base).partition(".")[0], class_name(base)))
            teller = teller if teller is not None and genuine(base) else None
        if teller is None and type(namespace(base).get("__dataclass_fields__")) is dict:
            teller = plain.dataclass
        if teller is not None:
            teller(found, x, base, how)
            return
    plain.record(found, x, cls, how)


def of_library(x: Any) -> bool:
    """Say whether it is a table, an array or a model of a library."""
    return any(
        class_name(base) in NAMES
        and (module_name(base).partition(".")[0], class_name(base)) in LIBRARY
        and genuine(base)
        for base in mro(type(x))
    )


def has_columns(x: Any) -> bool:
    """Say whether it is a table of which one column can be told."""
    return any(
        LIBRARY.get((module_name(base).partition(".")[0], class_name(base))) in TABLES and genuine(base)
        for base in mro(type(x))
    )


def has_column(x: Any, name: str) -> bool:
    """Say whether a table has a column of that name."""
    return bool(describe("", x, "schema", Clock(0), only=name).get("columns"))


def order_of(x: Any) -> int:
    """Return when an object is to be told: data first, code last, modules (`NEVER`) not at all."""
    if is_a(x, ModuleType):
        return NEVER
    return 1 if among(type(x), CODE) or is_class(x) else 0
