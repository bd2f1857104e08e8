"""Python's own values, and objects by what they keep: dataclasses, models, estimators, functions."""

from __future__ import annotations

import itertools
from types import CodeType, FunctionType
from typing import Any

from .safe import exactly, instance_dict, mro, namespace, slots, type_text
from .text import cut, label, secret, short

FIELDS = 50
LOOKED_AT = 200
ROOM = {"samples": 120, "values": 1_000}


def text(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a string or bytes: the length, and the head."""
    found["length"] = cls.__len__(x)
    value(found, x, how)


def scalar(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a number, a date, a path: nothing but the type and the value."""
    value(found, x, how)


def value(found: dict[str, Any], x: Any, how: Any) -> None:
    """Note the value, where the level allows one."""
    if how.ranges and not how.brief:
        found["value"] = short(x, min(ROOM[how.level], how.room))


def sequence(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a list, a tuple or a set: how many, and of what types."""
    found["length"] = cls.__len__(x)
    names = namespace(type(x)).get("_fields")
    if cls is tuple and type(x) is not tuple and type(names) is tuple:
        items = list(itertools.islice(tuple.__iter__(x), FIELDS))
        found["fields"] = [
            {"name": label(name), "type": type_text(type(items[place]))}
            for place, name in enumerate(names[: len(items)])
        ]
    else:
        kinds: dict[str, None] = {}
        for item in list(itertools.islice(cls.__iter__(x), LOOKED_AT)):
            kinds[type_text(type(item))] = None
        if kinds:
            found["dtype"] = cut(
                ", ".join(itertools.islice(kinds, 5)) + (", …" if len(kinds) > 5 else ""), 120
            )
    value(found, x, how)


def mapping(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a dictionary: how many keys, the first of them, and their values' types."""
    found["length"] = dict.__len__(x)
    if not how.hidden and not how.brief:
        found["fields"] = [
            {"name": label(key), "type": type_text(type(item))}
            # In one go: another thread may add to it.
            for key, item in list(itertools.islice(dict.items(x), FIELDS))
        ]
    value(found, x, how)


def fields(found: dict[str, Any], kept: dict[str, Any], how: Any) -> None:
    """Note named values: their types, and the small ones among them where the level allows it."""
    if how.brief:
        return
    named = [
        (key, item) for key, item in list(itertools.islice(dict.items(kept), LOOKED_AT)) if type(key) is str
    ]
    found["fields"] = [{"name": cut(key, 80), "type": type_text(type(item))} for key, item in named[:FIELDS]]
    if how.ranges and not how.hidden and named:
        parts, room = [], min(ROOM[how.level], how.room)
        for key, item in named:
            shown = "…" if secret(key) else short(item, max(room, 8), 2)
            parts.append(f"{cut(key, 80)}={shown}")
            room -= len(parts[-1]) + 2
            if room <= 0:
                break
        found["value"] = cut(", ".join(parts), min(ROOM[how.level], how.room))


def dataclass(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a dataclass: the fields that it declares and has."""
    declared = namespace(cls).get("__dataclass_fields__")
    kept = {**slots(x), **(instance_dict(x) or {})}
    names = [name for name in declared if type(name) is str] if type(declared) is dict else []
    fields(found, {name: kept[name] for name in names if name in kept}, how)


def record(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe an object by the names that it keeps, and their types. Its values are its own affair."""
    kept = instance_dict(x)
    if kept and not how.brief:
        told: dict[str, Any] = {}
        shown = {k: v for k, v in list(kept.items())[:LOOKED_AT] if type(k) is str and not k.startswith("_")}
        fields(told, shown, how)
        if told["fields"]:
            found["fields"] = told["fields"]


def model(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a pydantic model: what it keeps."""
    fields(found, instance_dict(x) or {}, how)


def estimator(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe an estimator by scikit-learn's habit: parameters first, what it learned ends in `_`."""
    kept = {k: v for k, v in list((instance_dict(x) or {}).items())[:LOOKED_AT] if type(k) is str}
    learned = [k for k in kept if k.endswith("_") and not k.startswith("_")]
    fields(found, {k: v for k, v in kept.items() if not k.startswith("_") and not k.endswith("_")}, how)
    if not how.brief:
        found["fields"] += [{"name": cut(k, 80), "type": type_text(type(kept[k]))} for k in learned[:FIELDS]]
    found["note"] = "fitted" if learned else "not fitted"


def function(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a function by its signature; the defaults are told as being there."""
    inner = x if cls is FunctionType else x.__func__
    code = inner.__code__ if type(inner) is FunctionType else None
    if type(code) is not CodeType:
        return
    defaults = inner.__defaults__ or ()
    named = inner.__kwdefaults__ or {}
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    parts = []
    for place, name in enumerate(names[: code.co_argcount]):
        parts.append(f"{name}=…" if place >= code.co_argcount - len(defaults) else name)
        if place + 1 == code.co_posonlyargcount:
            parts.append("/")
    after = code.co_argcount + code.co_kwonlyargcount
    if code.co_flags & 0x04:
        parts.append("*" + code.co_varnames[after])
        after += 1
    elif code.co_kwonlyargcount:
        parts.append("*")
    parts += [f"{name}=…" if name in named else name for name in names[code.co_argcount :]]
    if code.co_flags & 0x08:
        parts.append("**" + code.co_varnames[after])
    start = "async " if code.co_flags & 0x80 else ""
    found["note"] = cut(f"{start}({', '.join(parts)})", 200)


def klass(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a class by its ancestors."""
    found["type"] = "class"
    above = [type_text(base) for base in mro(x)[1:4] if base is not object]
    if above:
        found["note"] = cut(f"of {', '.join(above)}", 200)


def figure(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a matplotlib figure by its size and the number of its axes."""
    kept = instance_dict(x) or {}
    points: Any = (instance_dict(kept.get("bbox_inches")) or {}).get("_points")
    if exactly(points, "numpy.ndarray") and points.shape == (2, 2):
        wide, high = (points[1] - points[0]).tolist()
        found["note"] = f"{wide:g} × {high:g} inches"
    axes = kept.get("_localaxes")
    if type(axes) is list:
        found["length"] = len(axes)


def partial(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a partial by what it calls."""
    called = cls.__dict__["func"].__get__(x, type(x))
    found["note"] = f"of {cut(str(called.__name__), 80)}" if type(called) is FunctionType else ""
