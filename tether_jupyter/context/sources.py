"""The probe as text, for a kernel whose environment has no Tether: one line of code that makes it there."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import zlib
from importlib import resources

# Each needs only those before it.
MODULES = (
    *("safe", "text", "arrays", "tables", "arrow", "plain", "describe", "reach", "survey"),
    *("stack", "failure", "progress", "guest"),
)

# Nothing of it stays in the user's namespace: it runs in one of its own.
MAKE = """
import base64, json, sys, types, zlib
def make(name, packed):
    if name in sys.modules:
        return
    made = {name: types.ModuleType(name)}
    made[name].__path__ = []
    sys.modules[name] = made[name]
    try:
        for part, source in json.loads(zlib.decompress(base64.b64decode(packed))).items():
            full = name + ("." + part if part else "")
            module = made.setdefault(full, types.ModuleType(full))
            module.__package__ = name
            sys.modules[full] = module
            exec(compile(source, "<tether " + part + ">", "exec", dont_inherit=True), module.__dict__)
    except Exception:
        for full in made:
            sys.modules.pop(full, None)
"""


@functools.cache
def packed() -> tuple[str, str]:
    """Return the name of the probe's package in a kernel, which changes with its text, and the text."""
    folder = resources.files(f"{__package__}.probe")
    parts = {name: (folder / f"{name}.py").read_text("utf-8") for name in MODULES}
    parts[""] = (folder / "__init__.py").read_text("utf-8")
    text = json.dumps(parts).encode()
    name = f"_tether_probe_{hashlib.sha256(text).hexdigest()[:12]}"
    return name, base64.b64encode(zlib.compress(text, 9)).decode()


def making(quiet: bool = False) -> str:
    """Return an expression that makes the package in a kernel, unless it is there. It raises nothing.

    Parameters
    ----------
    quiet:
        Whether the thread that it runs in is a subshell's, which IPython's callbacks have no business with.
    """
    name, text = packed()
    run = f"{MAKE}\nmake({name!r}, {text!r})"
    if quiet:
        run += f"\nif {name!r} in sys.modules: sys.modules[{name!r}].settle()"
    return f"__import__('builtins').exec({run!r}, {{}})"


def asking(request: dict[str, object]) -> str:
    """Return an expression whose value is the answer to a request, `None` where the package is not there."""
    name, _ = packed()
    return (
        f"(lambda found: found and found.answer({json.dumps(request)!r}))"
        f"(__import__('sys').modules.get({name!r}))"
    )
