"""Who answers: the model's full name, where it runs, and how many rows it takes at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tether_jupyter.client.aio import AsyncClient

HERE = "this machine"
LOCAL_AT_ONCE = 8
ELSEWHERE_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Service:
    """The model that answers.

    Parameters
    ----------
    label:
        Its name, with the backend's where that is known.
    place:
        `this machine`, a host, or nothing where it is unknown.
    slots:
        How many answers its engine writes at once, where it is a local engine that says so.
    size:
        Bytes of its file, where there is one: another file of the same name is another model.
    """

    label: str
    place: str
    slots: int | None = None
    size: int | None = None

    @property
    def is_free(self) -> bool:
        """Whether it runs on the server's own machine, so that a row costs time alone."""
        return self.place == HERE

    @property
    def at_once(self) -> int:
        """How many rows to ask at once: a few more than an engine writes, so that it never waits for one."""
        if not self.is_free:
            return ELSEWHERE_AT_ONCE
        return min(32, max(LOCAL_AT_ONCE, (self.slots or 0) + 4))


async def service_of(client: AsyncClient, model: str | None) -> Service:
    """Return who answers when a request names this model. Raises `TetherError` where the server does not say.

    Parameters
    ----------
    model:
        `MODEL` or `BACKEND:MODEL`; the server's usual one where it is `None`.
    """
    health = await client.health()
    backend, name = str(health.get("backend") or ""), str(health.get("model") or "")
    usual = f"{backend}:{name}"
    if model in (None, usual, name):
        state = health.get("llm_service")
        return service_in(usual, health, state if isinstance(state, dict) else {})
    listed = (await client.models()).get("models")
    for row in listed if isinstance(listed, list) else []:
        full = f"{row.get('backend')}:{row.get('name')}"
        if model in (full, row.get("name")):
            return service_in(full, row, row)
    given = model or ""
    return Service(given, HERE if given.partition(":")[0] == "local" else "")


def service_in(label: str, told: dict[str, Any], state: dict[str, Any]) -> Service:
    """Return what the server tells of a model, and of its engine."""
    engine = state.get("engine")
    slots = engine.get("slots") if isinstance(engine, dict) else None
    size = state.get("size")
    return Service(
        label,
        str(told.get("place") or ""),
        slots if isinstance(slots, int) and slots > 0 else None,
        size if isinstance(size, int) else None,
    )
