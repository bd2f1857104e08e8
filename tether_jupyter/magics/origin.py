"""Where a model runs, for the line under its answers."""

from __future__ import annotations

import threading
from typing import Any

from tether_jupyter.client import labels
from tether_jupyter.client.sync import Client
from tether_jupyter.errors import TetherError

HERE = "this machine"
GUESSES = {"local": HERE, "mock": HERE}


class Origin:
    """What the server's health says about one model, looked up aside while the model writes.

    Parameters
    ----------
    label:
        The model as `meta` names it: `backend:model`.
    """

    def __init__(self, client: Client, label: str) -> None:
        self._client = client
        self._label = label
        self._health: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._look, name="tether-origin", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """What people call the model, as far as is known by now which backend has it."""
        return labels.split(self._label, self._health.get("backend"))[1] or self._label

    @property
    def knows_nothing(self) -> bool:
        """Whether the look is over and told nothing: the next answer may look again."""
        return not self._health and not self._thread.is_alive()

    def learn(self, patience: float) -> tuple[str | None, bool]:
        """Return the place, and whether this is the demo model, after at most so many seconds."""
        self._thread.join(patience)
        # Health tells of the server's default backend; for any other, its name must do.
        backend, _ = labels.split(self._label, self._health.get("backend"))
        health = self._health if self._health.get("backend") == backend else {}
        place = health.get("place") or GUESSES.get(backend) or backend or None
        server = self._client.server
        return (server.host if place == HERE and not server.is_local else place), bool(health.get("demo"))

    def _look(self) -> None:
        try:
            self._health = self._client.health()
        except (TetherError, RuntimeError):
            # The line then does without; a client that was closed meanwhile raises a RuntimeError.
            self._health = {}
