"""`@df` in a question: what is said of the variables that it names."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from tether_jupyter.context import probe
from tether_jupyter.context.variables import asked
from tether_jupyter.errors import NotFound

ROOT = re.compile(r"[^\W\d]\w*")
MOST_BYTES = 16_384
SECONDS = 0.3


def items(variables: Mapping[str, Any], question: str) -> list[dict[str, Any]]:
    """Return context items for the variables that a question names with `@`.

    The server drops what the level in force forbids.

    Raises
    ------
    NotFound
        A name is no variable, or no part of one.
    """
    names = asked(question) if "@" in question else []
    if not names:
        return []
    known = dict(variables)
    for name in names:
        root = ROOT.match(name)
        if root is None or root[0] not in known:
            raise missing(name)
    seen = probe.look(known, names, level="values", max_bytes=MOST_BYTES, seconds=SECONDS)
    for name in seen["missing"]:
        raise missing(name)
    return [{"kind": "variable", "name": each["name"], "data": each} for each in seen["variables"]]


def missing(name: str) -> NotFound:
    """Return the error for a name that is no variable."""
    return NotFound(
        f"There is no variable `{name}` here.",
        hint="Nothing was sent. An @ that names no variable stands between backticks: `@name`.",
    )


def own_variables() -> Mapping[str, Any]:
    """Return the notebook's variables; empty outside of IPython."""
    module: Any = sys.modules.get("IPython.core.getipython")
    shell = module.get_ipython() if module is not None else None
    return {} if shell is None else shell.user_ns
