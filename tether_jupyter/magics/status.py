"""`%tether status`: how the server is, the model and the history, a line each."""

from __future__ import annotations

from typing import Any

from tether_jupyter.core.sizes import human
from tether_jupyter.magics.asking import tell
from tether_jupyter.magics.commands import Asked
from tether_jupyter.magics.origin import HERE


def status(asked: Asked) -> None:
    """`%tether status`."""
    session = asked.session
    health = session.client.health()
    server = session.client.server
    where = HERE if server.is_local else server.host
    mine = ", and ends with this kernel" if session.started is not None else ""
    lines = [
        f"Server   {server.url} ({where}), Tether {health.get('version') or '?'}{mine}",
        f"Model    {model(health)}",
        f"History  {history(health)}",
    ]
    tell("\n".join(lines))


def model(health: dict[str, Any]) -> str:
    """Return what answers, and how it is."""
    service = health.get("llm_service") or {}
    name = f"{health.get('backend')}:{health.get('model')}"
    if health.get("problem"):
        return f"{name} cannot answer: {health['problem']}"
    engine = service.get("engine") or {}
    progress = None if service.get("ready") else engine.get("progress")
    loading = f"loading, {int(progress * 100)} %" if isinstance(progress, (int, float)) else None
    parts = [
        "the demo model, which knows little" if health.get("demo") else None,
        f"at {health.get('place')}" if health.get("place") not in (None, HERE) else f"on {HERE}",
        "ready" if service.get("ready") else loading or "loads with the first question",
        f"{engine['running']} answering" if engine.get("running") else None,
        f"{engine['waiting']} waiting" if engine.get("waiting") else None,
        gpu(health.get("gpu")),
    ]
    return f"{name}, {', '.join(str(part) for part in parts if part)}"


def gpu(found: Any) -> str | None:
    """Return how much of the model is on a GPU, and which; `None` where nothing is."""
    on, of = (found or {}).get("layers_on_gpu"), (found or {}).get("layers")
    if not on:
        return None
    used = [each for each in found.get("devices") or [] if each.get("kind") in ("gpu", "igpu")]
    names = " and ".join(str(each.get("description") or each.get("name")) for each in used)
    free = sum(each.get("memory_free") or 0 for each in used)
    room = f" ({human(free)} free)" if free else ""
    return f"{on} of {of} layers on {names or 'the GPU'}{room}"


def history(health: dict[str, Any]) -> str:
    """Return where what is said is kept."""
    database = health.get("database") or {}
    kind = str(database.get("kind") or "unknown")
    if database.get("problem"):
        return f"{kind}: {database['problem']}"
    return {
        "memory": "in memory, gone when the server ends",
        "sqlite": "kept on the server's disk (SQLite)",
    }.get(kind, f"kept in {kind}")
