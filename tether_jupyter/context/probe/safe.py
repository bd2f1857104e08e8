"""Reading objects through their real types, so that none of their own code runs.

`type(x)` cannot be spoofed, and what C wrote into a type (`__mro__`, `__dict__`, slots) is read through
`type` itself. `x.name`, `len(x)`, `x == y`, `isinstance(x, ...)` and `repr(x)` may all be somebody's code, or
start a computation: they are for exact builtin types alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

LEVELS = ("schema", "samples", "values")
_mro = type.__dict__["__mro__"].__get__
_namespace = type.__dict__["__dict__"].__get__
_name = type.__dict__["__name__"].__get__
_qualname = type.__dict__["__qualname__"].__get__
_module_dict: Any = vars(ModuleType)["__dict__"].__get__
MISSING: Any = object()


class Clock:
    """A budget of time: so much work of this thread, and four times that by the wall.

    While a cell computes, this thread gets a part of the interpreter's time; waiting for it is no work.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun = time.perf_counter()
        self._work = time.thread_time()

    def spent(self) -> float:
        """Seconds by the wall since the beginning."""
        return time.perf_counter() - self.begun

    def late(self, part: float = 1.0) -> bool:
        """Say whether that part of the budget is used up."""
        most = self.seconds * part
        return time.thread_time() - self._work > most or self.spent() > 4 * most


def mro(cls: type) -> tuple[type, ...]:
    """Return a class's ancestors, itself first, whatever its metaclass says."""
    return _mro(cls)  # type: ignore[no-any-return]


def namespace(cls: type) -> Any:
    """Return a class's own names: a read-only mapping."""
    return _namespace(cls)


def among(cls: type, classes: Iterable[type]) -> bool:
    """Say whether it is one of those classes. `in`, `==` and a dictionary's key would ask its metaclass."""
    return any(cls is one for one in classes)


def is_class(x: Any) -> bool:
    """Say whether it is a class."""
    return among(type, mro(type(x)))


def is_a(x: Any, cls: type) -> bool:
    """`isinstance`, without asking `__class__` or a metaclass."""
    return among(cls, mro(type(x)))


def class_name(cls: type) -> str:
    """Return a class's name within its module."""
    return str(_qualname(cls))


def module_name(cls: type) -> str:
    """Return the name of the module that a class says it is from, or nothing if it says no text."""
    found = namespace(cls).get("__module__")
    if found is None and cls is not type:
        # Types written in C have it in the dotted name.
        found = type.__dict__["__module__"].__get__(cls)
    return found if type(found) is str else ""


def loaded(module: str) -> dict[str, Any]:
    """Return the names of a module that is loaded, or none."""
    found = sys.modules.get(module)
    if found is None or not is_a(found, ModuleType):
        return {}
    return _module_dict(found)  # type: ignore[no-any-return]


def genuine(cls: type) -> bool:
    """Say whether a class is what its module's name holds: `__module__` alone can be written by anybody."""
    return loaded(module_name(cls)).get(str(_name(cls))) is cls


def origin(cls: type) -> str:
    """Return the top package of a genuine class, or nothing."""
    return module_name(cls).partition(".")[0] if genuine(cls) else ""


def exactly(x: Any, name: str) -> bool:
    """Say whether an object's class is the one that a library has under a dotted name."""
    module, _, last = name.rpartition(".")
    return loaded(module).get(last) is type(x)


def type_text(cls: type) -> str:
    """Return the name of a class as people write it: `int`, `pandas.DataFrame`, `app.Thing`."""
    module, name = module_name(cls), class_name(cls)[:120]
    if module in ("builtins", "__main__", ""):
        return name
    top = module.partition(".")[0]
    # Libraries show their classes at the top, whatever file they are written in.
    if top != module and loaded(top).get(name) is cls:
        module = top
    return module[:120] + "." + name


def instance_dict(x: Any) -> dict[str, Any] | None:
    """Return the real `__dict__` of an object, or `None` if it has none."""
    for cls in mro(type(x)):
        found = namespace(cls).get("__dict__")
        if type(found) is GetSetDescriptorType:
            try:
                kept = found.__get__(x, type(x))
            except (AttributeError, TypeError):
                return None
            return kept if type(kept) is dict else None
    return None


def slots(x: Any) -> dict[str, Any]:
    """Return what stands in an object's `__slots__`."""
    kept: dict[str, Any] = {}
    for cls in mro(type(x)):
        for name, found in list(namespace(cls).items())[:200]:
            if type(found) is MemberDescriptorType and name not in kept and type(name) is str:
                try:
                    kept[name] = found.__get__(x, type(x))
                except AttributeError:
                    continue
    return kept


def attribute(x: Any, name: str) -> Any:
    """Return what an object keeps under a name, in a slot or in its `__dict__`; else `MISSING`."""
    for cls in mro(type(x)):
        found = namespace(cls).get(name)
        if type(found) is MemberDescriptorType:
            try:
                return found.__get__(x, type(x))
            except AttributeError:
                return MISSING
    kept = instance_dict(x)
    return MISSING if kept is None else kept.get(name, MISSING)


def read(cls: type, name: str, x: Any) -> Any:
    """Return `x.name` as a trusted class defines it, whatever a subclass made of it.

    Raises
    ------
    AttributeError
        The class has no such name.
    """
    for base in mro(cls):
        found = namespace(base).get(name, MISSING)
        if found is MISSING:
            continue
        for kind in mro(type(found)):
            getter = namespace(kind).get("__get__")
            if getter is not None:
                return getter(found, x, type(x))
        return found
    kept = instance_dict(x)
    if kept is not None and name in kept:
        return kept[name]
    raise AttributeError(name)
