"""What `%load_ext` may cost: nothing heavy, and no network."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, socket
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
def refuse(*_): raise AssertionError("a socket was opened")
socket.socket.connect = socket.getaddrinfo = refuse
before = set(sys.modules)
shell.extension_manager.load_extension("tether_jupyter")
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""
HEAVY = {"httpx", "httpcore", "pydantic", "openai", "aiohttp", "llama_cpp", "tornado", "numpy", "ssl"}
HEAVY |= {"pandas", "polars", "dask", "jsonschema", "ipykernel", "jedi"}


def test_loading_imports_nothing_heavy_and_touches_no_network() -> None:
    loaded = set(subprocess.check_output([sys.executable, "-c", CODE], text=True).split())
    assert "tether_jupyter" in loaded
    assert not loaded & HEAVY
