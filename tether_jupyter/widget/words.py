"""The quiet line under an answer, and what a model's place and loading are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tether_jupyter.client import labels

HERE = "this machine"
GUESSES = {"local": HERE, "mock": HERE}
DEMO = (
    "This is the demo model: tiny, offline, only for trying Tether out. For a real one, set "
    "TETHER_MODEL_PATH to a GGUF file, or TETHER_LLM_BACKEND=openai with OPENAI_API_KEY or OPENAI_BASE_URL, "
    "and restart Jupyter."
)
ENDINGS = {"length": "cut at the length limit", "cancelled": "stopped by you"}


def quiet_line(
    model: str | None,
    place: str | None,
    usage: Mapping[str, Any] | None,
    finish_reason: str | None,
) -> str:
    """Return who wrote an answer, where, how much, how fast, at what cost, and how it ended.

    Parameters
    ----------
    model:
        What people call it.
    usage:
        The turn's figures as the server tells them; what is unknown is left out.
    """
    usage = usage or {}
    tokens, speed = usage.get("completion_tokens"), usage.get("tokens_per_s")
    parts = [
        model,
        place if model else None,
        f"{tokens:,} token{'' if tokens == 1 else 's'}" if isinstance(tokens, int) else None,
        f"{speed:.0f}/s" if isinstance(speed, (int, float)) else None,
        money(usage.get("cost_usd")),
        ENDINGS.get(finish_reason or ""),
    ]
    return " · ".join(" ".join(part.split())[:80] for part in parts if part)


def money(cost: Any) -> str | None:
    """Return a cost in US dollars; `None` where it is nothing or not known."""
    if not isinstance(cost, (int, float)) or cost <= 0:
        return None
    if cost < 0.0001:
        return "under $0.0001"
    return f"${cost:.2f}" if cost >= 1 else f"${cost:.4f}".rstrip("0")


def name_of(health: Mapping[str, Any], label: str) -> str:
    """Return what people call a model."""
    backend, name = labels.split(label, health.get("backend"))
    return "demo model" if is_demo(health, label) else name or backend


def is_demo(health: Mapping[str, Any], label: str) -> bool:
    """Return whether a model is the demo model, which is only ever the usual backend's."""
    usual = health.get("backend")
    return bool(health.get("demo")) and labels.split(label, usual)[0] == usual


def place_of(health: Mapping[str, Any], label: str, *, host: str | None) -> str | None:
    """Return where a model runs.

    Parameters
    ----------
    health:
        What the server tells of its usual backend; for any other, its name must do.
    host:
        The Jupyter server's host where that is another machine; `this machine` is that one then.
    """
    backend, _ = labels.split(label, health.get("backend"))
    told = health.get("place") if health.get("backend") == backend else None
    place = told or GUESSES.get(backend) or backend or None
    return host if place == HERE and host else place


def progress_of(health: Mapping[str, Any], label: str) -> float | None:
    """Return how far a model is loaded, from 0 to 1; `None` where it is not being loaded."""
    service = health.get("llm_service") or {}
    engine = service.get("engine")
    # Health tells of the server's usual backend only, and only an engine loads.
    usual = health.get("backend")
    if usual != labels.split(label, usual)[0] or service.get("ready") or engine is None:
        return None
    progress = engine.get("progress")
    return float(progress) if isinstance(progress, (int, float)) else 0.0
