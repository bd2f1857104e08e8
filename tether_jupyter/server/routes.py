"""All doors, in the order in which they are tried."""

from __future__ import annotations

from tether_jupyter.server import (
    base,
    chat,
    conversations,
    generations,
    health,
    models,
    openapi,
    socket,
    v1,
)

ROUTES = [
    *health.handlers,
    *socket.handlers,
    *chat.handlers,
    *generations.handlers,
    *conversations.handlers,
    *models.handlers,
    *v1.handlers,
    *openapi.handlers,
    *base.handlers,
]
