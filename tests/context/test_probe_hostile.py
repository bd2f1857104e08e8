"""Objects that do harm when they are touched. A look touches none."""

from __future__ import annotations

import json
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tether_jupyter.context.probe import error, look

touched: list[str] = []

READS = (
    *("__repr__", "__str__", "__len__", "__iter__", "__next__", "__bool__", "__eq__", "__ne__", "__hash__"),
    *("__contains__", "__getitem__", "__format__", "__dir__", "__int__", "__float__", "__index__"),
    *("__call__", "__bytes__", "__length_hint__", "__reversed__", "__array__", "__array_interface__"),
    *("__sizeof__", "__reduce__", "__reduce_ex__", "__getstate__", "__copy__", "__deepcopy__", "__fspath__"),
    *("__enter__", "_repr_html_", "_repr_mimebundle_", "_ipython_display_", "__dataframe__", "__lt__"),
    *("__arrow_c_stream__", "shape", "dtype", "columns", "head", "get_params", "items", "keys", "values"),
)
PROPERTIES = ("__class__", "__dict__", "value", "price", "name", "_mgr", "_df", "__doc__")


def trap(name: str) -> Any:
    def harm(self: Any, *args: Any, **kwargs: Any) -> Any:
        touched.append(name)
        raise RuntimeError(name)

    return harm


def prop(name: str) -> Any:
    def harm(self: Any) -> Any:
        touched.append(name)
        raise RuntimeError(name)

    return property(harm)


class HostileMeta(type):
    """A metaclass that is asked nothing either."""

    __eq__ = trap("meta.__eq__")
    __hash__ = trap("meta.__hash__")
    __repr__ = trap("meta.__repr__")
    __instancecheck__ = trap("meta.__instancecheck__")
    __subclasscheck__ = trap("meta.__subclasscheck__")
    __getattribute__ = trap("meta.__getattribute__")
    __len__ = trap("meta.__len__")
    __bool__ = trap("meta.__bool__")
    mro_of = None


TRAPS: dict[str, Any] = {name: trap(name) for name in READS}
TRAPS |= {"__getattribute__": trap("__getattribute__"), "__getattr__": trap("__getattr__")}
TRAPS |= {
    name: prop(name) for name in ("__class__", "__dict__", "value", "price", "name", "_mgr", "_df", "__doc__")
}


def hostile(*bases: type, **extra: Any) -> type:
    return type("Hostile", bases, {**TRAPS, **extra})


@pytest.fixture(autouse=True)
def nothing_touched() -> Any:
    touched.clear()
    yield
    assert touched == []


def looked(x: Any, name: str = "x") -> dict[str, Any]:
    for level in ("schema", "samples"):
        look({name: x, "inside": [x], "key": {"a": x}}, level=level, seconds=5)
    found = look(
        {name: x, "inside": [x], "key": {"a": x}}, [name, "inside", "key"], level="values", seconds=5
    )
    json.dumps(found)
    return dict(found["variables"][0])


def test_an_object_all_of_whose_methods_do_harm() -> None:
    assert looked(hostile(object)())["type"].endswith("Hostile")


def test_a_metaclass_that_does_harm() -> None:
    cls = HostileMeta("Deep", (), {})
    x = object.__new__(cls)
    assert looked(x)["type"].endswith("Deep")
    assert looked(cls)["type"] == "class"


@pytest.mark.parametrize(
    "base", [dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, complex]
)
def test_a_subclass_of_a_builtin_is_read_as_the_builtin(base: type) -> None:
    content: Any = {"a": 1} if base is dict else "5" if base in (str, int, float, complex) else [1]
    make = {name: found for name, found in TRAPS.items() if name != "__class__"}
    x = base.__new__(type("Sub", (base,), make), *([] if base in (dict, list, set, bytearray) else [content]))
    if base in (dict, set):
        base.update(x, content)  # type: ignore[attr-defined]
    elif base in (list, bytearray):
        base.extend(x, content)  # type: ignore[attr-defined]
    found = looked(x)
    assert "note" not in found
    if base in (dict, list, tuple, set, frozenset, str, bytes, bytearray):
        assert found["length"] == 1


def test_a_key_of_a_hostile_class() -> None:
    class Key:
        armed = False

        def __hash__(self) -> int:
            if Key.armed:
                touched.append("key.__hash__")
            return hash("price")

        def __eq__(self, other: object) -> bool:
            touched.append("key.__eq__")
            return False

    x = {Key(): 1, 2: 3}
    Key.armed = True
    assert looked(x)["fields"][0]["type"] == "int"
    assert look({"x": x}, ["x.price"])["missing"] == ["x.price"]
    Key.armed = False


def test_a_class_that_lies_about_where_it_is_from() -> None:
    for module, name in [
        ("pandas", "DataFrame"),
        ("numpy", "ndarray"),
        ("polars", "LazyFrame"),
        ("builtins", "list"),
    ]:
        liar = type(name, (), {**TRAPS, "__module__": module, "__qualname__": name})
        found = looked(object.__new__(liar))
        assert "shape" not in found
        assert "columns" not in found


def test_an_attribute_is_never_asked_for_by_a_path() -> None:
    class Thing:
        @property
        def price(self) -> int:
            touched.append("property")
            return 1

        def __getattr__(self, name: str) -> int:
            touched.append(name)
            return 1

    assert look({"thing": Thing()}, ["thing.price", "thing.other"])["missing"] == [
        "thing.price",
        "thing.other",
    ]


def sub(base: type, *but: str) -> type:
    """Return a subclass whose own methods do harm, except those that pandas' making of it calls."""
    return type(f"Sub{base.__name__}", (base,), {k: v for k, v in TRAPS.items() if k not in but})


def test_a_data_frame_of_a_hostile_subclass_is_read_as_pandas_keeps_it() -> None:
    plain = pd.DataFrame({"a": [1, 2, None], "b": ["x", "y", "z"]})
    made = sub(pd.DataFrame, "__getattribute__", "__getattr__", "__class__", "__dict__", "_mgr")
    x = object.__new__(made)
    object.__setattr__(x, "_mgr", plain._mgr)
    found = look({"x": x}, level="values", seconds=5)["variables"][0]
    assert found["shape"] == [3, 2]
    assert found["columns"][0]["nulls"] == 1
    assert "3.0" not in found.get("note", "")


def test_an_array_and_a_polars_frame_of_hostile_subclasses() -> None:
    array = np.ndarray.__new__(sub(np.ndarray, "__array_finalize__"), (3, 2))
    np.ndarray.fill(array, 1.0)
    touched.clear()
    assert looked(array)["shape"] == [3, 2]
    frame = object.__new__(sub(pl.DataFrame, "__class__", "__dict__", "_df"))
    object.__setattr__(frame, "_df", pl.DataFrame({"a": [1, None]})._df)
    assert looked(frame)["columns"][0]["nulls"] == 1


def test_hostile_objects_in_a_column_and_in_an_array() -> None:
    x = hostile(object)()
    cells = np.empty(2, dtype=object)
    cells[0] = x
    frame = pd.DataFrame(np.full((2, 1), None, dtype=object), columns=["cells"])
    frame._mgr.blocks[0].values.setflags(write=True)
    frame._mgr.blocks[0].values[0, 0] = x
    assert looked(cells)["shape"] == [2]
    assert looked(frame)["shape"] == [2, 1]


def test_a_repr_that_sleeps_is_not_waited_for() -> None:
    class Slow:
        def __repr__(self) -> str:
            touched.append("repr")
            raise AssertionError

    assert looked(Slow())["type"].endswith("Slow")


def test_a_module_that_is_no_module() -> None:
    class Lazy(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            touched.append(name)
            raise AttributeError(name)

    kept = sys.modules.get("torch")
    sys.modules["torch"] = Lazy("torch")
    try:
        looked(hostile(object)())
    finally:
        if kept is None:
            del sys.modules["torch"]
        else:
            sys.modules["torch"] = kept


def test_an_error_whose_text_does_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = type("Bad", (ValueError,), {k: TRAPS[k] for k in ("__str__", "__repr__", "__bool__", "__len__")})
    failed = bad(hostile(object)())
    monkeypatch.setattr(sys, "last_value", failed, raising=False)
    monkeypatch.delattr(sys, "last_exc", raising=False)
    found = error(None, "values")
    assert found is not None
    assert found["type"].endswith("Bad")
