"""Tether: the assistant that belongs to the notebook.

Importing this costs nothing: what is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tether_jupyter.frames.arrival import watch as _watch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tether_jupyter.client import AsyncClient, Client
    from tether_jupyter.core.prompt import Prompt, Sampling
    from tether_jupyter.errors import TetherError
    from tether_jupyter.frames import map  # noqa: A004, F401 - not in `__all__`, see below
    from tether_jupyter.llm.service import LLMService
    from tether_jupyter.widget import Chat as Chat

__version__ = "0.1.0"

# `map` is not among them: `import *` must not hide Python's own. Nor `Chat`, which needs an extra.
__all__ = [
    "AsyncClient",
    "Client",
    "LLMService",
    "Prompt",
    "Sampling",
    "TetherError",
    "__version__",
    "load_ipython_extension",
]

_HOMES = {
    "AsyncClient": "tether_jupyter.client",
    "Chat": "tether_jupyter.widget",
    "Client": "tether_jupyter.client",
    "LLMService": "tether_jupyter.llm.service",
    "Prompt": "tether_jupyter.core.prompt",
    "Sampling": "tether_jupyter.core.prompt",
    "TetherError": "tether_jupyter.errors",
    "map": "tether_jupyter.frames",
}

# pandas, polars and dask frames get their `.tether` as soon as both sides are loaded.
_watch()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@tether/jupyterlab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from tether_jupyter.app import TetherApp

    return [{"module": "tether_jupyter.app", "app": TetherApp}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register `%tether` and `%%tether`: what `%load_ext tether_jupyter` calls."""
    from tether_jupyter.magics import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again."""
    from tether_jupyter.magics import unload_ipython_extension as unload

    unload(shell)
