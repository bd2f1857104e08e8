"""Gives frames their `.tether` when their library is there, without loading it.

pandas, polars and dask have no entry points for accessors: somebody must call them. `watch` registers with
those that are loaded, and looks out for the rest: a finder before all others notes that one of three modules
is looked for, leaves the loading to whom it belongs, and registers when the module is complete. For any other
module it costs one look into a set, and it takes itself away when there is nothing left to wait for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

LIBRARIES = ("pandas", "polars", "dask.dataframe")


class Arrival:
    """A finder that finds nothing itself: it lets the others find, and hears when the module is loaded."""

    def __init__(self, names: Sequence[str]) -> None:
        self.waiting = set(names)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the next finder says of a module that is waited for, to be told of its loading."""
        if name not in self.waiting:
            return None
        for finder in sys.meta_path:
            look = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or look is None else look(name, path, target)
            if spec is not None:
                self._listen(name, spec)
                return spec
        return None

    def _listen(self, name: str, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        load = getattr(loader, "exec_module", None)
        if load is None or not hasattr(loader, "__dict__"):
            return

        def exec_module(module: ModuleType) -> None:
            # The loader is this module's own; it shall look as if nobody had been here.
            vars(loader).pop("exec_module", None)
            load(module)
            self._arrived(name)

        loader.exec_module = exec_module

    def _arrived(self, name: str) -> None:
        self.waiting.discard(name)
        if not self.waiting and self in sys.meta_path:
            sys.meta_path.remove(self)
        register(name)


def watch() -> None:
    """Register with each library that is loaded, now, and with the others when they are."""
    if any(isinstance(finder, Arrival) for finder in sys.meta_path):
        return
    absent = [name for name in LIBRARIES if name not in sys.modules]
    if absent:
        # Before the list is walked: one of them may be on its way in another thread.
        sys.meta_path.insert(0, Arrival(absent))
    for name in LIBRARIES:
        if name not in absent:
            register(name)


def register(name: str) -> None:
    """Give a library's frames their `.tether`; log what goes wrong, for no import may fail because of it."""
    try:
        import_module("tether_jupyter.frames.accessor").register(name)
    except Exception as reason:  # noqa: BLE001 - whatever another version of a library makes of it
        import logging

        log = logging.getLogger("tether.frames")
        log.warning("%s has no `.tether`: %s: %s", name, type(reason).__name__, reason)
