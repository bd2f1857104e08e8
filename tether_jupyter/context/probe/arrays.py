"""Arrays: numpy, torch, xarray, dask. What is not in this process's memory is never computed or read."""

from __future__ import annotations

import math
import mmap
from typing import Any

from .safe import (
    MISSING,
    attribute,
    class_name,
    exactly,
    instance_dict,
    is_a,
    loaded,
    origin,
    read,
    slots,
    type_text,
)
from .text import cut, label, secret, short

SAMPLE = 20_000
OBJECTS = 2_000
PARAMETERS = 20_000
COLUMNS = 50
HEAD = 6
# Any other kind of tensor may hand what it is asked to somebody's code.
TENSORS = ("torch.Tensor", "torch.nn.Parameter")
LAZY = "lazy: not computed"


def shape_of(found: Any) -> list[int]:
    """Return a shape as plain numbers."""
    return [int(size) for size in found]


def thin(values: Any, most: int = SAMPLE) -> Any:
    """Return a part of a one-dimensional array, spread over all of it, without copying.

    The step shares no small factor with what data repeats by: every second row is not all of one kind.
    """
    step = max(1, -(-len(values) // most))
    while step > 1 and math.gcd(step, 2310) > 1:
        step += 1
    return values[::step]


def listed(values: Any) -> list[Any]:
    """Return an exact numpy array as a list; dates as text, which numpy gives as numbers otherwise."""
    return (values.astype(str) if values.dtype.kind in "mM" else values).tolist()  # type: ignore[no-any-return]


def mapped(values: Any) -> bool:
    """Say whether an array's memory is a file's."""
    for _ in range(20):
        if values is None or type(values) is mmap.mmap:
            break
        if exactly(values, "numpy.memmap"):
            return True
        plain = loaded("numpy").get("ndarray", object)
        if plain is object or not is_a(values, plain):
            return False
        values = read(plain, "base", values)
    return values is not None


def statistics(values: Any, ranges: bool) -> dict[str, Any]:
    """Return nulls and range of an exact numpy array: of a part if it is long, and of how long a part.

    Parameters
    ----------
    values:
        One-dimensional.
    ranges:
        Whether `min` and `max` may be told.
    """
    numpy = loaded("numpy")
    kind, length = values.dtype.kind, len(values)
    if kind in "SUV":
        return {"nulls": 0}
    part = thin(values, OBJECTS if kind == "O" else SAMPLE)
    seen = len(part)
    found: dict[str, Any] = {"nulls": 0}
    if kind == "O":
        found["nulls"] = sum(map(is_null, part.tolist()))
    elif kind not in "biu":
        empty = numpy["isnat" if kind in "mM" else "isnan"](part)
        found["nulls"] = int(empty.sum())
        part = part[~empty] if found["nulls"] else part
    if seen < length and kind not in "biu":
        found["nulls_of"] = seen
    if ranges and kind in "iufmM" and len(part):
        found["min"], found["max"] = number(part.min()), number(part.max())
        if seen < length:
            found["range_of"] = seen
    return found


def is_null(x: Any) -> bool:
    """Say whether an object stands for nothing: `None`, NaN, NaT, NA."""
    if x is None:
        return True
    cls = type(x)
    if cls is float:
        return math.isnan(x)
    return class_name(cls) in ("NaTType", "NAType") and origin(cls) == "pandas"


def number(x: Any) -> str:
    """Return a numpy number or date as text."""
    if x.dtype.kind == "f":
        return f"{float(x):.6g}"
    return cut(str(x), 40)


def ndarray(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a numpy array, or a subclass's as numpy sees it."""
    if is_a(x, loaded("numpy.ma").get("MaskedArray", type(None))):
        found["note"] = "masked"
    of_file = mapped(x)
    # A view as the plain class: from here on no subclass has a say.
    values = read(cls, "view", x)(cls)
    array(found, values, how)
    if of_file:
        found["note"] = "mapped from a file: its values are not read"
        return
    columns(found, values, how)


def array(found: dict[str, Any], values: Any, how: Any) -> None:
    """Note the shape of an exact numpy array."""
    found["shape"] = shape_of(values.shape)
    if values.dtype.names is None:
        found["dtype"] = cut(str(values.dtype), 80)
    if not how.brief:
        found["memory"] = int(values.nbytes)


def columns(found: dict[str, Any], values: Any, how: Any) -> None:
    """Note nulls, range and head of an exact numpy array."""
    names = values.dtype.names
    if names is not None and not how.brief:
        found["columns"] = [
            {"name": cut(name, 80), "dtype": cut(str(values.dtype[name]), 80)} for name in names[:COLUMNS]
        ]
        if len(names) > COLUMNS:
            found["columns_left"] = len(names) - COLUMNS
        return
    if values.size == 0 or how.hidden or how.brief or names is not None:
        return
    if values.size <= SAMPLE or values.flags.c_contiguous:
        # No copy is made of what is contiguous, and none that is large of the rest.
        found.update(statistics(values.reshape(-1), how.ranges))
    else:
        first = tuple(slice(0, 64) for _ in values.shape)
        part = statistics(values[first].reshape(-1)[:SAMPLE], how.ranges)
        found.update(part, nulls_of=min(values[first].size, SAMPLE))
        if "min" in part:
            found["range_of"] = found["nulls_of"]
    if how.ranges:
        head = listed(values.flat[: HEAD if how.level == "samples" else 10 * HEAD])
        left = values.size - len(head)
        text = ", ".join(short(item, 40, 1) for item in head)
        found["value"] = cut(f"[{text}{f', … {values.size:,} in all' if left else ''}]", how.room)


def tensor(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a torch tensor. One on a device is not waited for; a subclass may dispatch, and is left."""
    if not any(exactly(x, name) for name in TENSORS):
        found["note"] = "a tensor of its own kind: not looked into"
        return
    found["shape"] = shape_of(read(cls, "shape", x))
    found["dtype"] = cut(str(read(cls, "dtype", x)), 80)
    device = cut(str(read(cls, "device", x)), 40)
    found["note"] = f"on {device}" + (", requires grad" if read(cls, "requires_grad", x) is True else "")
    size = math.prod(found["shape"])
    found["memory"] = size * int(read(cls, "element_size", x)())
    plain = device == "cpu" and str(read(cls, "layout", x)) == "torch.strided" and loaded("numpy")
    if plain and size and not how.hidden:
        try:
            values = read(cls, "detach", x)().numpy()
        except (RuntimeError, TypeError):
            return  # numpy knows no bfloat16, and nothing of a conjugated view
        if not mapped(values):
            columns(found, values, how)


def module(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a torch module: its children, and its parameters counted."""
    if how.brief:
        return
    kept = instance_dict(x) or {}
    found["fields"] = [
        {"name": label(name), "type": type_text(type(child))}
        for name, child in list(dict.items(kept.get("_modules") or {}))[:COLUMNS]
    ]
    tensors = loaded("torch").get("Tensor")
    waiting, seen, count, devices = [x], 0, 0, set()
    ids: set[int] = set()
    while waiting and seen < PARAMETERS and not how.clock.late():
        own = instance_dict(waiting.pop()) or {}
        for value in list(dict.values(own.get("_parameters") or {})):
            if value is None or tensors is None or id(value) in ids or not is_a(value, tensors):
                continue
            ids.add(id(value))
            if any(exactly(value, name) for name in TENSORS):
                count += math.prod(shape_of(read(tensors, "shape", value)))
                devices.add(str(read(tensors, "device", value)))
        for child in list(dict.values(own.get("_modules") or {})):
            if child is not None and id(child) not in ids:
                ids.add(id(child))
                waiting.append(child)
        seen += 1
    more = "at least " if waiting else ""
    training = kept.get("training")
    state = f", {'training' if training else 'evaluating'}" if type(training) is bool else ""
    where = f", on {', '.join(sorted(devices))}" if devices else ""
    found["note"] = f"{more}{count:,} parameters in {seen:,} modules{where}{state}"


def dask_array(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe a dask array by its chunks."""
    found["note"] = LAZY
    chunks = attribute(x, "_Array__chunks")
    if type(chunks) is tuple and all(type(part) is tuple for part in chunks):
        sizes = [sum(part) if all(type(n) is int for n in part) else None for part in chunks]
        if None not in sizes:
            found["shape"] = sizes
        found["note"] = f"{LAZY}, {math.prod(len(part) for part in chunks):,} chunks"
    meta = attribute(x, "_meta")
    if exactly(meta, "numpy.ndarray"):
        found["dtype"] = cut(str(meta.dtype), 80)


def data_array(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe an xarray array: its dimensions, and its values where they are in memory."""
    variable = attribute(x, "_variable")
    held = variable_of(found, variable, how)
    found["index"] = dims_text(variable)
    found["fields"] = coordinates(attribute(x, "_coords"))
    if held is not None:
        columns(found, held, how)


def dataset(found: dict[str, Any], x: Any, cls: Any, how: Any) -> None:
    """Describe an xarray dataset: its variables and coordinates."""
    variables = attribute(x, "_variables")
    if type(variables) is not dict or how.brief:
        return
    entries: list[dict[str, Any]] = []
    found["columns"] = entries
    for name, variable in list(variables.items())[:COLUMNS]:
        about: dict[str, Any] = {}
        held = variable_of(about, variable, how)
        text = label(name)
        entry = {"name": cut(f"{text} {dims_text(variable)}", 120), "dtype": about.get("dtype", "?")}
        entries.append(entry)
        # The values of an index are in its own form.
        if held is not None and held.size and held.flags.c_contiguous and not how.clock.late():
            entry.update(statistics(held.reshape(-1), how.ranges and not secret(text)))
    if len(variables) > COLUMNS:
        found["columns_left"] = len(variables) - COLUMNS
    sizes = attribute(x, "_dims")
    if type(sizes) is dict:
        found["index"] = ", ".join(f"{label(name)}: {short(size, 20)}" for name, size in sizes.items())


def variable_of(found: dict[str, Any], variable: Any, how: Any) -> Any:
    """Note the shape of an xarray variable; return its numpy array if it has one in memory."""
    data = attribute(variable, "_data")
    if exactly(data, "numpy.ndarray"):
        array(found, data, how)
        if not mapped(data):
            return data
        found["note"] = "mapped from a file: its values are not read"
    elif exactly(data, "dask.array.core.Array"):
        dask_array(found, data, type(data), how)
    else:
        found["note"] = "lazy: not read"
        # Each layer of xarray's lazy arrays keeps the next one; the innermost knows its shape.
        for _ in range(8):
            kept = {**slots(data), **(instance_dict(data) or {})}
            if type(kept.get("shape")) is tuple:
                found["shape"] = [size for size in kept["shape"] if type(size) is int]
            dtype = kept.get("dtype", kept.get("_dtype", MISSING))
            if origin(type(dtype)) == "numpy":
                found["dtype"] = cut(str(dtype), 80)
            data = kept.get("array", MISSING)
            if data is MISSING:
                break
            if origin(type(data)) == "pandas":
                found["shape"] = [len(data)]
                found["dtype"] = cut(str(data.dtype), 80)
                del found["note"]
                break
    return None


def dims_text(variable: Any) -> str:
    """Return an xarray variable's dimensions: `(time, x)`."""
    dims = attribute(variable, "_dims")
    return f"({', '.join(label(name) for name in dims)})" if type(dims) is tuple else ""


def coordinates(found: Any) -> list[dict[str, Any]]:
    """Return the names and dimensions of an array's coordinates."""
    if type(found) is not dict:
        return []
    return [
        {"name": label(name), "type": f"coordinate {dims_text(variable)}"}
        for name, variable in list(found.items())[:COLUMNS]
    ]
