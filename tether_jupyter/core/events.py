"""The events of a turn: small JSON objects whose first key names their kind.

A stream holds one ``meta``, then any of ``queued``, ``thinking``, ``delta`` and ``tool``, one ``usage``, and
ends with exactly one ``done`` or ``error``. Plain dicts, because a thousand streams make thousands of them a
second and every door does nothing with them but encode them.
"""

from __future__ import annotations

from typing import Any, Literal

from tether_jupyter.errors import TetherError

Event = dict[str, Any]
FinishReason = Literal["stop", "length", "tool", "cancelled"]

KINDS = ("meta", "queued", "thinking", "delta", "tool", "usage", "error", "done")
TERMINAL = frozenset({"error", "done"})


def kind(event: Event) -> str:
    """Return the event's kind, which is its first key."""
    return next(iter(event))


def meta(
    *,
    id: str,
    conversation_id: str,
    parent_id: str | None,
    model: str,
    correlation_id: str,
    context: dict[str, Any] | None = None,
) -> Event:
    """Say which turn this is, and what of the notebook went along where anything did. First, once."""
    told: dict[str, Any] = {
        "id": id,
        "conversation_id": conversation_id,
        "parent_id": parent_id,
        "model": model,
        "role": "assistant",
        "correlation_id": correlation_id,
    }
    return {"meta": {**told, "context": context} if context else told}


def queued(position: int) -> Event:
    """Say how many turns stand before this one and itself: 1 is next."""
    return {"queued": {"position": position}}


def thinking(text: str) -> Event:
    """Carry reasoning text."""
    return {"thinking": text}


def delta(text: str) -> Event:
    """Carry a piece of the answer: never empty, always whole code points."""
    return {"delta": text}


def usage(
    *,
    prompt_tokens: int | None = None,
    cached_tokens: int | None = None,
    completion_tokens: int | None = None,
    cost_usd: float | None = None,
    ttft_ms: float | None = None,
    tokens_per_s: float | None = None,
) -> Event:
    """Carry the turn's figures; what is unknown is null."""
    return {
        "usage": {
            "prompt_tokens": prompt_tokens,
            "cached_tokens": cached_tokens,
            "completion_tokens": completion_tokens,
            "cost_usd": cost_usd,
            "ttft_ms": ttft_ms,
            "tokens_per_s": tokens_per_s,
        }
    }


def error(reason: TetherError) -> Event:
    """End the turn with a failure."""
    return {"error": reason.payload()}


def done(finish_reason: FinishReason = "stop") -> Event:
    """End the turn."""
    return {"done": True, "finish_reason": finish_reason}
