"""What stands behind `df.tether`."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.frames import mapping


class Accessor:
    """A prompt over the rows of this frame or series: see `map`."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def map(self, prompt: Any, **options: Any) -> Any:
        return mapping.map(self._rows, prompt, **options)


class LazyAccessor:
    """What a lazy frame answers: its rows are not there yet."""

    def __init__(self, rows: Any) -> None:
        pass

    def map(self, prompt: Any, **options: Any) -> Any:
        """Raise: a lazy frame has no rows to ask about."""
        raise InvalidRequest(
            "A lazy frame has no rows yet. Collect it first: `frame.collect().tether.map(…)`."
        )


def show_signature() -> None:
    """Let `df.tether.map` show the parameters and the help of `map`, which are written once."""
    shape = inspect.signature(mapping.map)
    first, *rest = shape.parameters.values()
    own = first.replace(name="self", annotation=inspect.Parameter.empty)
    vars(Accessor)["map"].__signature__ = shape.replace(parameters=[own, *rest])
    Accessor.map.__doc__ = mapping.map.__doc__


show_signature()


def register(name: str) -> None:
    """Register with a library that is loaded: `pandas`, `polars` or `dask.dataframe`."""
    library: Any = sys.modules[name]
    if name == "polars":
        for kind, register_namespace, accessor in (
            (library.DataFrame, library.api.register_dataframe_namespace, Accessor),
            (library.Series, library.api.register_series_namespace, Accessor),
            (library.LazyFrame, library.api.register_lazyframe_namespace, LazyAccessor),
        ):
            if not hasattr(kind, "tether"):
                register_namespace("tether")(accessor)
        return
    extensions: Any = library.api.extensions if name == "pandas" else extensions_of_dask()
    if not hasattr(library.DataFrame, "tether"):
        extensions.register_dataframe_accessor("tether")(Accessor)
    if not hasattr(library.Series, "tether"):
        extensions.register_series_accessor("tether")(Accessor)


def extensions_of_dask() -> Any:
    """Return the module in which dask registers accessors."""
    from importlib import import_module

    return import_module("dask.dataframe.extensions")
