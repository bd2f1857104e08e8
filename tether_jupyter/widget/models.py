"""What the widget tells of the server's models: names, places, problems, and which can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tether_jupyter.client import labels
from tether_jupyter.client.sync import Client
from tether_jupyter.errors import TetherError
from tether_jupyter.widget import words


class Models:
    """The models of one server.

    Parameters
    ----------
    client:
        Asks the server.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._health: dict[str, Any] = {}

    def look(self) -> None:
        """Take in how the server's usual model does.

        Raises
        ------
        TetherError
            The server does not say; what was known stays.
        """
        self._health = self._client.health()

    def is_usual(self, label: str) -> bool:
        """Return whether a model is of the server's usual backend, as far as is known."""
        usual = self._health.get("backend")
        return usual == labels.split(label, usual)[0]

    def line(self, label: str, usage: Mapping[str, Any] | None, finish_reason: str | None) -> str:
        """Return the quiet line under an answer."""
        name = words.name_of(self._health, label)
        return words.quiet_line(name, self._place(label), usage, finish_reason)

    def facts(
        self, chosen: Mapping[str, str], label: str | None = None, *, problem: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what people see of the model that the next question goes to.

        Parameters
        ----------
        chosen:
            The `model` and the `preset` that were chosen, where some were.
        label:
            The model that answered last; the server's usual one, where nothing is known.
        problem:
            What stands in its way; what the server says of that, where it is left out.
        """
        health = self._health
        usual = f"{health['backend']}:{health.get('model') or ''}" if health.get("backend") else ""
        label = chosen.get("model") or label or usual
        sick = health.get("problem") if health and health.get("status") != "healthy" else None
        if problem is None and sick:
            problem = {"message": sick, "hint": None}
        return {
            "label": label,
            "name": words.name_of(health, label),
            "place": self._place(label) if label else None,
            "notice": words.DEMO if words.is_demo(health, label) else None,
            "problem": problem,
            "chosen": dict(chosen),
        }

    def choices(self) -> dict[str, Any]:
        """Return the `models` that can be chosen, and the `problem` with finding them, or `None`.

        Raises
        ------
        TetherError
            The server does not say.
        """
        found = self._client.models()
        models = [
            {
                "label": f"{row['backend']}:{row['name']}",
                "name": row["name"],
                "place": row["place"],
                "active": bool(row["active"]),
                "problem": row["problem"],
            }
            for row in found["models"]
            if row["installed"] or row["active"]
        ]
        return {"models": models, "problem": found["problem"]}

    def _place(self, label: str) -> str | None:
        try:
            server = self._client.server
        except TetherError:
            return None
        return words.place_of(self._health, label, host=None if server.is_local else server.host)
