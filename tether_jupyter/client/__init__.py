"""How anything outside the server talks to it: `Client` for plain code, `AsyncClient` for coroutines.

Importing this costs nothing to speak of: httpx is loaded with the first question.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_jupyter.client.aio import AsyncClient, AsyncStream
    from tether_jupyter.client.discovery import Server, find
    from tether_jupyter.client.reply import Reply
    from tether_jupyter.client.sync import Client, Stream

__all__ = ["AsyncClient", "AsyncStream", "Client", "Reply", "Server", "Stream", "find"]

_HOMES = {
    "AsyncClient": "aio",
    "AsyncStream": "aio",
    "Client": "sync",
    "Reply": "reply",
    "Server": "discovery",
    "Stream": "sync",
    "find": "discovery",
}


def __getattr__(name: str) -> Any:
    # The magic needs one of these, and every millisecond of its loading is the user's.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
