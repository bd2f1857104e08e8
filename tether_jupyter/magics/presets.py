"""What `%tether --presets` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tether_jupyter.client.sync import Client
from tether_jupyter.core import inert
from tether_jupyter.magics.models import columns
from tether_jupyter.magics.session import CLIENT

HEAD = ("", "preset", "")
LONGEST = 40


def listing(client: Client) -> str:
    """Return a table of the presets that there are, a star before the active one.

    Raises
    ------
    TetherError
        The server refused, or cannot be reached.
    """
    found = client.presets(CLIENT)
    if not found["presets"]:
        return (
            f"There is no preset yet. Make one with `PUT tether/clients/{CLIENT}/presets/NAME`, such as "
            '{"values": {"temperature": 0.2}}.'
        )
    rows = [("*" if row["active"] else "", row["name"], summary(row["values"])) for row in found["presets"]]
    notes = [
        "* is active: it holds where a question sets nothing else." if found["active"] else None,
        "`%%tether --preset NAME` asks with one.",
    ]
    return inert.plain("\n".join([columns([HEAD, *rows]), "", *filter(None, notes)]))


def summary(values: Mapping[str, Any]) -> str:
    """Return what a preset sets, in one line; of a long text its beginning."""
    return ", ".join(f"{name} {short(value)}" for name, value in sorted(values.items())) or "sets nothing"


def short(value: Any) -> str:
    """Return a value in one line."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f'"{text}"' if isinstance(value, str) else text
