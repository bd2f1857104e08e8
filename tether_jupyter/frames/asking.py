"""One row: asked, asked again where that may help, and repaired once where it is no valid JSON."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tether_jupyter.client.aio import AsyncClient
from tether_jupyter.client.fitting import whole
from tether_jupyter.client.schemas import InvalidAnswer, Schema
from tether_jupyter.core.redact import safe
from tether_jupyter.errors import Internal, RateLimited, TetherError, UpstreamError
from tether_jupyter.frames.gate import Gate

if TYPE_CHECKING:
    from tether_jupyter.client.reply import Reply

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
MOST_PATIENCE = 300.0
"""Seconds: a service that wants a longer pause than this has in effect refused."""
REFUSALS = 12
CUT = "The answer was cut off at the limit of tokens. Raise `max_tokens`."


class Cut(UpstreamError):
    """An answer had no room: another row's may be shorter."""

    retryable = False


@dataclass(slots=True)
class Answer:
    """What came of a row.

    Parameters
    ----------
    text:
        What the model wrote; `None` where there is nothing.
    error:
        Why the row has no answer, or not a whole one.
    usage:
        Tokens, cost in USD and seconds of all attempts.
    """

    text: str | None = None
    error: TetherError | None = None
    usage: dict[str, Any] = field(default_factory=dict)

    @property
    def keeps(self) -> bool:
        """Whether it is worth keeping for the next run."""
        return self.text is not None and self.error is None


@dataclass(slots=True)
class Asker:
    """Asks rows of one run.

    Parameters
    ----------
    fields:
        What every request holds beside the question.
    retries:
        How often a row is asked again after a failure that may pass. Refusals for too many requests at once
        do not count: they make the run slower instead.
    """

    gate: Gate
    fields: dict[str, Any]
    schema: Schema | None
    retries: int

    async def ask(self, client: AsyncClient, prompt: str) -> Answer:
        """Return the answer to a prompt; a failure is part of it."""
        answer = Answer()
        began = time.perf_counter()
        try:
            await self._ask(client, prompt, answer)
        except TetherError as reason:
            answer.error = reason
        except Exception as reason:  # noqa: BLE001 - one row must not end the run
            said = safe(f"{type(reason).__name__}: {reason}", limit=200)
            answer.error = Internal(f"The row failed inside Tether ({said}). Run this again, or report it.")
        answer.usage["seconds"] = time.perf_counter() - began
        return answer

    async def _ask(self, client: AsyncClient, prompt: str, answer: Answer) -> None:
        if self.schema is not None:
            # Before the row: what is the same in all of them is read once where a service caches prompts.
            prompt = f"{self.schema.instruction}\n\n{prompt}"
        reply = await self._patiently(client, answer, message=prompt)
        text = whole(reply.text)
        if reply.finish_reason == "length":
            answer.text = text if self.schema is None else None
            raise Cut(CUT)
        if self.schema is not None:
            text = await self._valid(client, prompt, text, answer)
        answer.text = text

    async def _valid(self, client: AsyncClient, prompt: str, text: str, answer: Answer) -> str:
        """Return a text that follows the schema: this one, or what the model makes of it when it is told."""
        assert self.schema is not None  # noqa: S101 - for the type checker
        try:
            self.schema.validate(text)
        except InvalidAnswer as first:
            past = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text or "…"}]
            repair = self.schema.repair(first.problem)
            reply = await self._patiently(client, answer, message=repair, messages=past)
            try:
                self.schema.validate(reply.text)
            except InvalidAnswer as second:
                raise InvalidAnswer(second.problem, text, reply.text) from None
            return whole(reply.text)
        return text

    async def _patiently(self, client: AsyncClient, answer: Answer, **question: Any) -> Reply:
        """Ask until there is an answer, or no more hope for one."""
        failures = refusals = 0
        while True:
            error: TetherError
            async with self.gate.entered() as epoch:
                try:
                    reply = await client.chat(**question, **self.fields)
                    add_up(answer.usage, reply.usage or {})
                    if reply.finish_reason != "cancelled":
                        self.gate.went_well()
                        return reply
                    error = UpstreamError("The answer was stopped on the server. Run the cell again.")
                except RateLimited as reason:
                    refusals += 1
                    if refusals > REFUSALS or (reason.retry_after or 0) > MOST_PATIENCE:
                        raise
                    self.gate.refused(epoch, reason.retry_after)
                    continue
                except TetherError as reason:
                    error = reason
            if not error.retryable or failures >= self.retries:
                raise error
            await asyncio.sleep(wait(failures, error.retry_after))
            failures += 1


def wait(failures: int, retry_after: float | None) -> float:
    """Return how many seconds to wait: twice as long each time, not all at the same moment."""
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    backoff = float(min(LONGEST_WAIT, FIRST_WAIT * 2**failures) * spread)
    return backoff if retry_after is None else min(MOST_PATIENCE, max(retry_after, 0.0))


def add_up(total: dict[str, Any], usage: dict[str, Any]) -> None:
    """Add a turn's figures to a row's; what is unknown adds nothing."""
    for name in ("prompt_tokens", "cached_tokens", "completion_tokens", "cost_usd"):
        value = usage.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            total[name] = total.get(name, 0) + value
