"""One question to one answer: the only place where a turn happens, as a stream of events.

`opening.open_turn` makes a turn of a request; doors encode what :meth:`Turn.run` yields.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tether_jupyter.core import events
from tether_jupyter.core.events import Event, FinishReason
from tether_jupyter.core.history import Conversation, History, StoredMessage
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import Internal, TetherError

log = logging.getLogger("tether")


class Model(Protocol):
    """What a turn needs of whoever answers."""

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        """Yield the answer's events; see `llm.service.LLMService.stream`."""


@dataclass(slots=True)
class Turn:
    """One turn, ready to run.

    Parameters
    ----------
    id:
        The answer's message id, by which the turn can be watched and stopped.
    wake:
        Returns whoever answers, ready to be asked.
    model_label:
        `backend:model`, as callers see it.
    """

    id: str
    owner: str
    conversation: Conversation
    prompt: Prompt
    sampling: Sampling
    wake: Callable[[], Awaitable[Model]]
    model_label: str
    correlation_id: str
    history: History | None
    question: StoredMessage
    max_answer_size: int
    text: str = ""
    usage: dict[str, Any] = field(default_factory=dict)

    async def run(self) -> AsyncIterator[Event]:
        """Yield the turn's events, ending with exactly one `done` or `error`.

        Cancelling the task that runs this ends the answer with `cancelled`, keeping its text.
        """
        answer = StoredMessage(self.id, "assistant", "", self.question.id, model=self.model_label)
        if self.history:
            await self.history.add(self.owner, self.conversation.id, self.question)
        yield events.meta(
            id=self.id,
            conversation_id=self.conversation.id,
            parent_id=self.question.id,
            model=self.model_label,
            correlation_id=self.correlation_id,
        )
        started = time.perf_counter()
        first: float | None = None
        pieces: list[str] = []
        size = 0
        ending: Event = events.done("stop")
        figures: dict[str, Any] = {}
        stream: AsyncIterator[Event] | None = None
        try:
            try:
                # Waking may take minutes of loading: it is part of the turn, and can be stopped with it.
                model = await self.wake()
                stream = model.stream(self.prompt, self.sampling)
                async for event in stream:
                    kind = events.kind(event)
                    if kind == "delta":
                        if first is None:
                            first = time.perf_counter()
                        pieces.append(event["delta"])
                        size += len(event["delta"])
                        yield event
                        if size > self.max_answer_size:
                            ending = events.done("length")
                            break
                    elif kind == "usage":
                        figures = event["usage"]
                    elif kind in events.TERMINAL:
                        ending = event
                        break
                    else:
                        yield event
            finally:
                # However the turn ends, what the model started upstream ends here. A user's own `stream`
                # may be any iterator, which has nothing to close.
                if close := getattr(stream, "aclose", None):
                    await close()
        except asyncio.CancelledError:
            ending = events.done("cancelled")
        except TetherError as reason:
            ending = events.error(reason)
        except Exception as reason:  # noqa: BLE001 - a user's own backend may raise anything
            # The message of an unknown exception may hold a key: its type may not.
            log.error("turn %s failed: %s", self.id, type(reason).__name__)
            ending = events.error(Internal())
        self.text = answer.content = "".join(pieces)
        answer.error = ending.get("error")
        answer.finish_reason = finish_reason(ending)
        self.usage = answer.usage = complete_usage(figures, started, first, len(pieces))
        if self.history:
            await self.history.add(self.owner, self.conversation.id, answer)
        yield {"usage": self.usage}
        yield ending


def finish_reason(ending: Event) -> FinishReason | None:
    """Return how a turn ended; `None` for a failure."""
    reason: FinishReason | None = ending.get("finish_reason")
    return reason


def complete_usage(
    figures: dict[str, Any], started: float, first: float | None, pieces: int
) -> dict[str, Any]:
    """Fill in what the turn itself can measure where the model did not say."""
    usage: dict[str, Any] = events.usage()["usage"] | figures
    if first is not None:
        if usage["ttft_ms"] is None:
            usage["ttft_ms"] = round((first - started) * 1000, 1)
        spent = time.perf_counter() - first
        tokens = usage["completion_tokens"]
        if usage["tokens_per_s"] is None and tokens and pieces > 1 and spent > 0:
            usage["tokens_per_s"] = round((tokens - 1) / spent, 1)
    return usage
