"""All doors, in the order in which they are tried."""

from __future__ import annotations

from tether_jupyter.server import (
    base,
    chat,
    conversations,
    generations,
    health,
    openapi,
    socket,
)

ROUTES = [
    *health.handlers,
    *socket.handlers,
    *chat.handlers,
    *generations.handlers,
    *conversations.handlers,
    *openapi.handlers,
    *base.handlers,
]
