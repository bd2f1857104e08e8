"""Tether: the assistant that belongs to the notebook.

Importing this costs nothing: what is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tether_jupyter.client import AsyncClient, Client
    from tether_jupyter.core.prompt import Prompt, Sampling
    from tether_jupyter.errors import TetherError
    from tether_jupyter.llm.service import LLMService

__version__ = "0.1.0"

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
    "Client": "tether_jupyter.client",
    "LLMService": "tether_jupyter.llm.service",
    "Prompt": "tether_jupyter.core.prompt",
    "Sampling": "tether_jupyter.core.prompt",
    "TetherError": "tether_jupyter.errors",
}


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
