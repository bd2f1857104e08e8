"""Conversations that are there before a person comes, with the days on which they were held."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.lab import Lab
from tests.support.servers import RunningServer

QUICK = """
c.Tether.backend = "mock"
c.MockLLM.answer = "Sum the column."
"""
"""A model that answers at once."""


def send(server: RunningServer, method: str, path: str, body: Any = None) -> Any:
    """Send JSON to a path below `tether/`, and return what comes back."""
    request = urllib.request.Request(
        f"{server.url}tether/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {server.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def file(title: str, *said: str, days: float = 0) -> dict[str, Any]:
    """Return a conversation as it is exported: questions and answers in turn, so many days ago."""
    when = (datetime.now(UTC) - timedelta(days=days, seconds=5)).isoformat()
    messages = [
        {
            "id": f"m{n}",
            "parent_id": f"m{n - 1}" if n else None,
            "role": "assistant" if n % 2 else "user",
            "content": words,
            "created_at": when,
        }
        for n, words in enumerate(said or ("What is this?", "A table."))
    ]
    return {
        "format": "tether-conversation",
        "version": 1,
        "conversation": {"title": title, "created_at": when},
        "messages": messages,
    }


def keep(server: RunningServer, title: str, *said: str, days: float = 0, **facts: Any) -> str:
    """Keep a conversation, and return its id."""
    brought = send(server, "POST", "conversations/import", file(title, *said, days=days))
    made = str(brought["conversation"]["id"])
    if facts:
        send(server, "PATCH", f"conversations/{made}", facts)
    return made


def forget_all(server: RunningServer) -> None:
    """Delete every conversation and project."""
    for each in send(server, "GET", "conversations")["conversations"]:
        send(server, "DELETE", f"conversations/{each['id']}")
    for each in send(server, "GET", "projects")["projects"]:
        send(server, "DELETE", f"projects/{each['id']}")


def empty_lab(page: Any, server: RunningServer) -> Lab:
    """Return JupyterLab with the panel open, where nothing was ever said."""
    forget_all(server)
    found = Lab(page, server)
    found.open_panel()
    return found
