"""What `%tether --models` and `%tether --unload` say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tether_jupyter.client.sync import Client
from tether_jupyter.core import inert
from tether_jupyter.core.sizes import human
from tether_jupyter.magics.origin import HERE

HEAD = ("", "model", "size", "where", "")


def listing(client: Client) -> str:
    """Return a table of the models that are here, a star before the one that answers.

    Raises
    ------
    TetherError
        The server refused, or cannot be reached.
    """
    found = client.models()
    here = [row for row in found["models"] if row["installed"] or row["active"]]
    rows = [
        (
            "*" if row["active"] else "",
            row["name"],
            human(row["size"]) if row["size"] else "",
            row["place"],
            state(row),
        )
        for row in here
    ]
    others = len(found["models"]) - len(here)
    notes = [
        found["problem"],
        "* answers." if any(row["active"] for row in here) else None,
        f"{others} more can be fetched: `tether models` in a terminal lists them." if others else None,
    ]
    table = columns([HEAD, *rows]) if rows else "No model is here."
    return inert.plain("\n".join([table, "", *filter(None, notes)]).rstrip())


def unload(client: Client) -> str:
    """Unload every model that takes this machine's memory, and return what was given back.

    Raises
    ------
    TetherError
        The server refused, or cannot be reached.
    """
    found = client.models()
    loaded = [row for row in found["models"] if takes_memory(row)]
    if not loaded:
        return found["problem"] or "No model is loaded, so none takes any memory."
    for backend in dict.fromkeys(row["backend"] for row in loaded):
        client.unload(backend)
    told = [gave_back(row) for row in loaded]
    told.append("The next question loads it again." if len(told) == 1 else "They load again when asked.")
    return inert.plain(" ".join(told))


def takes_memory(row: Mapping[str, Any]) -> bool:
    """Return whether a model takes memory that Tether can give back."""
    # An API's server keeps its model whatever we do, on this machine as elsewhere.
    return bool(row["loaded"]) and row["place"] == HERE and row["backend"] != "openai"


def gave_back(row: Mapping[str, Any]) -> str:
    """Return what unloading a model meant, from its row as it was before."""
    engine = row["engine"] or {}
    freed = sum(engine.get(part) or 0 for part in ("weight_bytes", "kv_bytes", "parked_bytes"))
    amount = f" and gave back about {human(freed)}" if freed else ""
    broken = (engine.get("running") or 0) + (engine.get("waiting") or 0)
    ended = ""
    if broken:
        ended = f"; {broken} answer{'' if broken == 1 else 's'} under way ended with it"
    return f"{row['name']} is unloaded{amount}{ended}."


def state(row: Mapping[str, Any]) -> str:
    """Return how a model is, in a word or two."""
    engine = row["engine"] or {}
    if row["problem"]:
        return str(row["problem"])
    if takes_memory(row):
        busy = engine.get("running") or 0
        waiting = engine.get("waiting") or 0
        parts = ["loaded", f"{busy} answering" if busy else "", f"{waiting} waiting" if waiting else ""]
        return ", ".join(filter(None, parts))
    progress = engine.get("progress")
    return f"loading, {int(progress * 100)} %" if isinstance(progress, (int, float)) else ""


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns, the last of which may be long."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=False)] for row in rows]
    return "\n".join("  ".join([*cells, row[-1]]).rstrip() for cells, row in zip(lines, rows, strict=True))
