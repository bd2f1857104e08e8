"""`df.price` and `config['model']`: from a name to what is in it, by what is kept and no attribute access."""

from __future__ import annotations

import itertools
import re
from typing import Any

from .safe import MISSING, attribute, instance_dict, is_a

SEARCHED = 20_000
PATH = re.compile(r"""(?P<base>[^\W\d]\w*)(?P<rest>(?:\.[^\W\d]\w*|\[(?:'[^'\n]*'|"[^"\n]*")\])*)\Z""")
STEP = re.compile(r"""\.([^\W\d]\w*)|\['([^'\n]*)'\]|\["([^"\n]*)"\]""")


def path_of(text: str) -> tuple[str, list[str]]:
    """Return the variable's name and the steps after it; a text that is no path is a name."""
    found = PATH.match(text)
    if found is None:
        return text, []
    steps = [one or two or three for one, two, three in STEP.findall(found["rest"])]
    return found["base"], steps


def step(x: Any, name: str) -> Any:
    """Return what an object keeps under a name: an entry of a dictionary, or an attribute; else `MISSING`."""
    if is_a(x, dict):
        # A look-up could compare with a key of somebody's own class.
        for key, value in list(itertools.islice(dict.items(x), SEARCHED)):
            if type(key) is str and key == name:
                return value
        return MISSING
    kept = instance_dict(x)
    return attribute(x, name) if kept is not None and name in kept else MISSING
