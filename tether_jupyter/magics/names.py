"""Names of variables: which ones a question may mean, and how Python keeps them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# IPython keeps inputs and outputs under these names.
HISTORY = re.compile(r"_+$|_i?\d+$|_i+$|_[oid]h$|__\w*__$")
NOTHING = object()


def own_variables(shell: Any, scope: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the user named, without what IPython put there.

    Parameters
    ----------
    scope:
        The local variables of the place that asks: in a function its own, which come before the notebook's.
    """
    kept, hidden = shell.user_ns, shell.user_ns_hidden
    found = {
        name: value
        for name, value in kept.items()
        if not HISTORY.match(name) and not (name in hidden and hidden[name] is value)
    }
    # Of a cell the notebook's variables are the local ones, with what IPython put there.
    local = {} if scope is None or scope is kept else dict(scope)
    return found | {
        name: value
        for name, value in local.items()
        if name.isidentifier() and not HISTORY.match(name) and kept.get(name, NOTHING) is not value
    }


def as_kept(name: str) -> str:
    """Return a name as Python keeps it: `ϵ` (U+03F5) is `ε`, and `µ`, a key of many keyboards, is `μ`.

    What is no name stays as it is: there is no variable `x²`, and `x2` is another one.
    """
    return name if name.isascii() or not name.isidentifier() else unicodedata.normalize("NFKC", name)
