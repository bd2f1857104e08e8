"""All doors, in the order in which they are tried."""

from __future__ import annotations

from tether_jupyter.server import (
    base,
    chat,
    clients,
    context,
    conversations,
    docs,
    generations,
    health,
    models,
    openapi,
    presets,
    projects,
    search,
    socket,
    suggestions,
    transfer,
    uploads,
    v1,
)

ROUTES = [
    *health.handlers,
    *socket.handlers,
    *chat.handlers,
    *context.handlers,
    *generations.handlers,
    *search.handlers,  # Before the conversation of that name.
    *transfer.handlers,
    *conversations.handlers,
    *projects.handlers,
    *models.handlers,
    *uploads.handlers,
    *v1.handlers,
    *clients.handlers,
    *presets.handlers,
    *suggestions.handlers,
    *openapi.handlers,
    *docs.handlers,
    *base.handlers,
]
