"""The variables of a namespace, within a budget of bytes and of time."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable
from typing import Any

from .describe import NEVER, describe, has_column, has_columns, of_library, order_of
from .reach import path_of, step
from .safe import LEVELS, MISSING, Clock, module_name
from .text import cut

# IPython keeps inputs and outputs under these names.
HISTORY = re.compile(r"_+$|_i?\d+$|_i+$|_[oid]h$|__\w*__$")
SHELL = frozenset(("In", "Out", "exit", "quit", "get_ipython", "open"))
NAME = re.compile(r"[^\W\d]\w*")
INPUTS = 20
INPUT = 2_000
SCANNED = 20_000
# What the answer holds besides the variables: `{"variables": [], "left_out": [], …}`.
FRAME = 90
SHARE = 4
# The part of the room that variables in a line of their own may take.
IN_BRIEF = 0.6
# Less than that is no room for anything.
LEAST = 24
MISSES = 4
WEIGHED = 2_000


def look(
    namespace: dict[str, Any],
    names: Iterable[str] | None = None,
    *,
    level: str = "schema",
    limit: int = 200,
    max_bytes: int = 8192,
    seconds: float = 0.04,
    hidden: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe variables: those asked for, else all, the ones used last before the others.

    Parameters
    ----------
    namespace:
        Where they stand. It is only read.
    names:
        The only ones to describe, in this order; all of the user's own if left out. `df.price` and
        `df['price']` are one column of a table, else what the object keeps under that name; where there is
        no such thing, it is missing and the variable is described.
    level:
        `schema` (no value, no range), `samples` or `values`.
    limit:
        The most variables.
    max_bytes:
        The most that the answer takes as JSON in UTF-8.
    seconds:
        The most work, of this thread; what is begun is ended.
    hidden:
        What the shell put into the namespace itself (`user_ns_hidden`).

    Returns
    -------
    ``{"variables": [...], "left_out": [names], "missing": [names], "seconds": float}``
    """
    clock = Clock(seconds)
    level = level if level in LEVELS else "schema"
    missing: list[str] = []
    if names is not None:
        wanted = list(dict.fromkeys(str(name) for name in itertools.islice(names, limit)))
        chosen, missing = there(namespace, wanted)
    else:
        chosen = ordered(namespace, hidden or {})
    missing = fitting(missing, max_bytes // 4)
    room = max_bytes - FRAME - size(missing)
    lines: list[dict[str, Any]] = []
    # The names of what is left out need room as well.
    waiting = sum(len(name) + 4 for name in chosen)
    most = room if names is not None else int(room * IN_BRIEF)
    spent = 0
    for name in chosen[:limit]:
        line = described(namespace, name, level, clock, 0)
        cost = size(line) + 2
        waiting -= len(name) + 4
        if clock.late(0.5) or spent + cost > min(most, room - min(waiting, room // 4)):
            break
        lines.append(line)
        spent += cost
    spare = room - spent - min(sum(len(name) + 4 for name in chosen[len(lines) :]), room // 4)
    # Where all was asked for, tables gain most by more than a line.
    order = sorted(
        range(len(lines)), key=lambda at: (names is None and len(lines[at].get("shape", ())) < 2, at)
    )
    misses = 0
    for done, at in enumerate(order):
        if clock.late() or spare < LEAST:
            break
        if misses >= MISSES and "shape" in lines[at]:
            continue  # looking into data is what costs time, and there is no room to tell it
        share = min(spare, max(spare // (len(order) - done), room // SHARE if names is None else 0))
        cost = size(lines[at])
        full = trimmed(described(namespace, chosen[at], level, clock, cost + share), cost + share)
        misses += full is None
        if full is not None:
            spare -= size(full) - cost
            lines[at] = full
    room -= sum(size(line) + 2 for line in lines)
    left = fitting(chosen[len(lines) :], room)
    return {"variables": lines, "left_out": left, "missing": missing, "seconds": round(clock.spent(), 4)}


def described(namespace: dict[str, Any], name: str, level: str, clock: Clock, room: int) -> dict[str, Any]:
    """Describe what a name or a path leads to, in a line if there is no room for more."""
    x, only = reached(namespace, name)
    if x is MISSING:
        return {"name": cut(name, 100), "type": "?", "note": "deleted meanwhile"}
    return describe(name, x, level, clock, room, only)


def reached(namespace: dict[str, Any], name: str) -> tuple[Any, str | None]:
    """Return what a name or a path leads to, and the column if it is one of a table."""
    if name in namespace:
        return namespace[name], None
    base, steps = path_of(name)
    x = namespace.get(base, MISSING)
    for place, key in enumerate(steps):
        if has_columns(x):
            return (x, key) if place == len(steps) - 1 else (MISSING, None)
        x = step(x, key)
    return x, None


def there(namespace: dict[str, Any], wanted: list[str]) -> tuple[list[str], list[str]]:
    """Return which of the names and paths there are, and which are missing."""
    chosen: list[str] = []
    missing: list[str] = []
    for name in wanted:
        x, only = reached(namespace, name)
        if x is MISSING or (only is not None and not has_column(x, only)):
            missing.append(cut(name, 100))
            base = path_of(name)[0]
            name = base if base in namespace else ""
        if name and name not in chosen:
            chosen.append(name)
    return chosen, missing


def size(found: Any) -> int:
    """Return the bytes of something as JSON."""
    return len(json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def trimmed(found: dict[str, Any], most: int) -> dict[str, Any] | None:
    """Return a description that fits, without its rows and with fewer columns; `None` if none does."""
    if size(found) <= most:
        return found
    for key in ("rows", "value"):
        if key in found:
            del found[key]
            if size(found) <= most:
                return found
    for key, counter in (("columns", "columns_left"), ("fields", "fields_left")):
        entries = found.get(key)
        while entries and size(found) > most:
            half = max(1, len(entries) // 4)
            found[counter] = found.get(counter, 0) + half
            del entries[-half:]
    return found if size(found) <= most else None


def fitting(names: list[str], room: int) -> list[str]:
    """Return as many names as there is room for, and how many more there are."""
    kept: list[str] = []
    for place, name in enumerate(names):
        short = cut(name, 100)
        cost = len(json.dumps(short, ensure_ascii=False).encode("utf-8", "surrogatepass")) + 2
        if cost > room - 24:
            kept.append(f"… and {len(names) - place:,} more")
            break
        kept.append(short)
        room -= cost
    return kept


def ordered(namespace: dict[str, Any], hidden: dict[str, Any]) -> list[str]:
    """Return the user's own names: used last first, then tables and the like, the newest first; code last."""
    names = list(itertools.islice(namespace, SCANNED))
    used = last_used(namespace.get("In"))
    ranked: list[tuple[int, int, int, int, str]] = []
    for place, name in enumerate(names):
        if type(name) is not str or HISTORY.match(name):
            continue
        x = namespace.get(name)
        if (name in hidden and hidden[name] is x) or (name in SHELL and of_shell(name, x, namespace)):
            continue
        rank = order_of(x)
        if rank < NEVER:
            light = len(names) > WEIGHED or not of_library(x)
            ranked.append((rank, -used.get(name, -1), light, -place, name))
    ranked.sort()
    return [entry[-1] for entry in ranked]


def of_shell(name: str, x: Any, namespace: dict[str, Any]) -> bool:
    """Say whether a name of IPython's still holds what IPython put there."""
    if name in ("In", "Out"):
        return x is namespace.get("_ih" if name == "In" else "_oh")
    return module_name(type(x)).startswith("IPython") or order_of(x) > 0


def last_used(inputs: Any) -> dict[str, int]:
    """Return for each name in the last inputs the number of the last one; IPython keeps them as `In`."""
    used: dict[str, int] = {}
    if type(inputs) is list:
        last = inputs[-INPUTS:]
        for place, code in enumerate(last):
            if type(code) is str:
                for name in NAME.findall(code[:INPUT]):
                    used[name] = place
    return used
