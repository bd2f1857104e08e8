"""A whole answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tether_jupyter.core.events import Event, kind
from tether_jupyter.errors import from_payload


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `str()` of it is its text.

    Parameters
    ----------
    text:
        What the model wrote.
    conversation_id:
        Pass it to the next `chat` to go on with this conversation.
    usage:
        The turn's figures as the server tells them: tokens, cost in USD, milliseconds to the first token.
    finish_reason:
        `stop`, `length`, `tool` or `cancelled`.
    id:
        The turn.
    context:
        What of the notebook and of the kernel went along: `level`, `items`, `left_out`, `masked`; `None` for
        nothing.
    """

    text: str
    conversation_id: str | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    finish_reason: str | None = None
    id: str | None = None
    context: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.text

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Reply:
        """Return the reply that `POST chat` describes."""
        return cls(
            text=body.get("content") or "",
            conversation_id=body.get("conversation_id"),
            model=body.get("model"),
            usage=body.get("usage"),
            finish_reason=body.get("finish_reason"),
            id=body.get("id"),
            context=body.get("context"),
        )

    @classmethod
    def from_events(cls, stream: Iterable[Event]) -> Reply:
        """Return the reply that a finished turn's events make; raise the error they end with."""
        parts: list[str] = []
        body: dict[str, Any] = {}
        for event in stream:
            match kind(event):
                case "meta":
                    body.update(event["meta"])
                case "delta":
                    parts.append(event["delta"])
                case "usage":
                    body["usage"] = event["usage"]
                case "done":
                    body["finish_reason"] = event.get("finish_reason")
                case "error":
                    raise from_payload(event["error"])
        return cls.from_json({**body, "content": "".join(parts)})
