"""How Tether does, in the contract's form: the usual backend's model, and the history."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.frames import frames
from tether_jupyter.errors import TetherError

if TYPE_CHECKING:
    from tether_jupyter.core.history import History
    from tether_jupyter.llm.registry import Backends

log = logging.getLogger("tether")


async def health(backends: Backends, history: History) -> dict[str, Any]:
    """Return the state of Tether; what a backend fails to tell is a problem of its own."""
    from tether_jupyter import __version__

    name, kind, ready = backends.default, "unknown", False
    try:
        service = backends.get()
        name, kind = service.model_name, service.service_type
        state = await service.describe()
        ready = service.is_ready()
    except TetherError as reason:
        state = {"problem": reason.message}
    except Exception as reason:  # noqa: BLE001 - a user's own backend may raise anything
        log.error("the backend %s does not tell its state: %s", backends.default, frames(reason))
        state = {"problem": f"The backend does not tell its state ({type(reason).__name__})."}
    problem, gpu = state.pop("problem", None), state.pop("gpu", None)
    demo, place = bool(state.pop("demo", False)), state.pop("place", "this machine")
    ailing = state.get("degraded") or history.problem is not None
    status = "unhealthy" if problem else "degraded" if ailing else "healthy"
    return {
        "status": status,
        "model": name,
        "backend": backends.default,
        "llm_service": {"type": kind, "ready": ready, **state},
        "database": {"kind": history.kind, "ok": history.problem is None, "problem": history.problem},
        "gpu": gpu,
        "version": __version__,
        "demo": demo,
        "place": place,
        "problem": problem,
    }
