"""How far the model is loaded, looked up aside while an answer waits for its first word."""

from __future__ import annotations

import threading
from typing import Any

from tether_jupyter.client import labels
from tether_jupyter.client.sync import Client
from tether_jupyter.errors import TetherError
from tether_jupyter.magics.answer import Answer

LOOK_SECONDS = 1.0


class LoadWatch:
    """Looks at the server's health once a second, as long as it is asked to and the model is not loaded."""

    def __init__(self, client: Client, answer: Answer) -> None:
        self._client = client
        self._answer = answer
        self._due = answer.started + LOOK_SECONDS
        self._thread: threading.Thread | None = None
        self._over = False

    def glance(self, now: float) -> None:
        """Look again, if it is time. Call while the answer has no text; `now` as for `Answer.status`."""
        answer = self._answer
        if answer.position is not None or answer.size:
            self._over, answer.loading = True, None
        busy = self._thread is not None and self._thread.is_alive()
        if self._over or busy or now < self._due or not answer.meta:
            return
        self._due = now + LOOK_SECONDS
        self._thread = threading.Thread(target=self._look, name="tether-loading", daemon=True)
        self._thread.start()

    def _look(self) -> None:
        try:
            health = self._client.health()
        except (TetherError, RuntimeError):
            # The turn itself says what is wrong; a client that was closed meanwhile raises a RuntimeError.
            self._over = True
            return
        progress = progress_of(health, str(self._answer.meta.get("model") or ""))
        self._answer.loading = progress
        self._over = progress is None


def progress_of(health: dict[str, Any], label: str) -> float | None:
    """Return how far the model is loaded, from 0 to 1; `None` where it is not being loaded.

    Parameters
    ----------
    health:
        What the server tells of the backend in use.
    label:
        The model that answers, `backend:model`.
    """
    service = health.get("llm_service") or {}
    engine = service.get("engine")
    # Health tells of the server's usual backend only, and only an engine loads.
    backend = health.get("backend")
    if backend != labels.split(label, backend)[0] or service.get("ready") or engine is None:
        return None
    progress = engine.get("progress")
    return float(progress) if isinstance(progress, (int, float)) else 0.0
