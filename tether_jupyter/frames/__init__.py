"""A prompt over rows: `df.tether.map(…)` for pandas, polars and dask, `tether_jupyter.map(…)` for the rest.

Importing this costs nothing to speak of. `frames.arrival` gives frames their `.tether` once their library is
there: at `import tether_jupyter` where it is loaded already, else the moment that it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_jupyter.frames.estimate import Estimate
    from tether_jupyter.frames.mapping import map  # noqa: A004 - what Python itself calls this
    from tether_jupyter.frames.results import Answers, DryRun

__all__ = ["Answers", "DryRun", "Estimate", "map"]

_HOMES = {"Answers": "results", "DryRun": "results", "Estimate": "estimate", "map": "mapping"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
