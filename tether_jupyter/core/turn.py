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
from tether_jupyter.core.events import Event
from tether_jupyter.core.frames import frames
from tether_jupyter.core.heard import Heard
from tether_jupyter.core.history import Conversation, History, StoredMessage
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.core.saving import Saving
from tether_jupyter.errors import Internal, TetherError, UpstreamError

log = logging.getLogger("tether")


class Model(Protocol):
    """What a turn needs of whoever answers."""

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        """Yield the answer's events; see `llm.service.LLMService.stream`."""


class OnlyThought(UpstreamError):
    """A model thought until it could write no more, and has not answered.

    Parameters
    ----------
    used:
        Tokens that it wrote, where that is known.
    most:
        Tokens that it was allowed, where there is a limit.
    """

    retryable = False

    def __init__(self, used: float | None, most: int | None) -> None:
        if most is not None and (used is None or used >= most):
            message = (
                f"All {most:,} tokens that the answer may have went into thinking, and it has not begun."
            )
            more = "--max-tokens, “Longest answer” in the sidebar's settings, `Tether.default_max_tokens`"
            hint = f"Allow more ({more}), ask for less at once, or choose a model that thinks less."
        else:
            message = "The model thought until it could write no more, and its answer has not begun."
            hint = "Begin a new conversation, send less along, or choose a model that thinks less."
        super().__init__(message, hint=hint)


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
    new: bool = False
    """Whether the conversation begins with this turn: it is kept together with the question."""
    seen: dict[str, Any] = field(default_factory=dict)
    """What of the notebook went along with the question; see `core.prompt.Question`."""
    usage: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    """Whether the server ends, and the turn with it: nobody has stopped it."""
    ended: bool = False
    """Whether the answer is there, and only has to be kept: there is nothing left to stop."""

    async def run(self) -> AsyncIterator[Event]:
        """Yield the turn's events, ending with exactly one `done` or `error`.

        Cancelling the task that runs this ends the answer with `cancelled`, keeping its text.
        """
        started = time.perf_counter()
        told = False
        heard = Heard(self.max_answer_size)
        ending: Event
        asked: asyncio.Task[AsyncIterator[Event]] | None = None
        answer = StoredMessage(
            self.id, "assistant", "", self.question.id, model=self.model_label, status="running"
        )
        saving = Saving(self.history, self.conversation)
        try:
            try:
                # The model is on its way to an answer while the question is written down.
                asked = asyncio.create_task(self._ask())
                self.conversation = await saving.begin(self.question, answer, new=self.new)
                # From here on the question is kept, whatever happens; nothing is told before.
                told = True
                yield self.meta()
                async for event in await asked:
                    if (said := heard.take(event)) is not None:
                        saving.note(answer, heard)
                        yield said
                    if heard.ending is not None:
                        break
                # Readers have the last words, of a short answer all, before it is closed and kept.
                await asyncio.sleep(0)
                # A row of many, and what nobody asked for, is only cut: its asker knows what that means.
                if heard.only_thought and not self.prompt.batch:
                    raise OnlyThought(heard.usage["completion_tokens"], self.sampling.max_tokens)
                ending = heard.ending or events.done("stop")
            finally:
                if asked is not None:
                    await close(asked)
        except asyncio.CancelledError:
            ending = events.done("cancelled")
        except TetherError as reason:
            ending = events.error(reason)
        except Exception as reason:  # noqa: BLE001 - a user's own backend may raise anything
            log.error("turn %s failed: %s", self.id, frames(reason))
            ending = events.error(Internal())
        self.usage = complete_usage(heard, started)
        answer.content = heard.text
        answer.error = ending.get("error")
        answer.finish_reason = ending.get("finish_reason")
        answer.usage = self.usage
        answer.status = "interrupted" if self.interrupted else "complete"
        answer.completion_ms = round((time.perf_counter() - started) * 1000, 1)
        self.ended = True
        await saving.end(answer)
        self.conversation = saving.conversation
        if not told:
            yield self.meta()
        yield {"usage": self.usage}
        yield ending

    async def _ask(self) -> AsyncIterator[Event]:
        """Return the answer of whoever answers; a model may have begun with it.

        Waking may take minutes of loading: it is part of the turn, and can be stopped with it.
        """
        model = await self.wake()
        return model.stream(self.prompt, self.sampling)

    def meta(self) -> Event:
        """Return the event that says which turn this is."""
        return events.meta(
            id=self.id,
            conversation_id=self.conversation.id,
            parent_id=self.question.id,
            model=self.model_label,
            correlation_id=self.correlation_id,
            context=self.seen,
        )


async def close(asked: asyncio.Task[AsyncIterator[Event]]) -> None:
    """However a turn ends, end what the model has started upstream for it."""
    asked.cancel()
    await asyncio.wait([asked])
    if asked.cancelled() or asked.exception() is not None:
        return
    # A user's own `stream` may be any iterator, which has nothing to close.
    if close := getattr(asked.result(), "aclose", None):
        await close()


def complete_usage(heard: Heard, started: float) -> dict[str, Any]:
    """Fill in what the turn itself can measure where the model did not say."""
    usage: dict[str, Any] = dict(heard.usage)
    if heard.first is not None:
        if usage["ttft_ms"] is None:
            usage["ttft_ms"] = round((heard.first - started) * 1000, 1)
        spent = time.perf_counter() - heard.first
        tokens = usage["completion_tokens"]
        if usage["tokens_per_s"] is None and tokens and heard.pieces > 1 and spent > 0:
            usage["tokens_per_s"] = round((tokens - 1) / spent, 1)
    return usage
