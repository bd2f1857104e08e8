"""One request to one answer, on the worker's side: fit, compute, and send what comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tether_jupyter.core.prompt import Message, Sampling, text_of
from tether_jupyter.llm.local import fitting, grammar, limits
from tether_jupyter.llm.local.engine import Engine
from tether_jupyter.llm.local.renderer import Renderer
from tether_jupyter.llm.local.sampling import Doubt
from tether_jupyter.llm.local.text import TextStream

Send = Callable[..., None]


@dataclass(eq=False, slots=True)
class Job:
    """A `generate` message on its way."""

    id: str
    messages: list[Message]
    sampling: dict[str, Any]
    cancelled: bool = False


@dataclass(slots=True)
class Figures:
    """What an answer has cost so far."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    first: float = field(default=0.0)

    def usage(self) -> dict[str, Any]:
        """Return the pipe's `usage`. The speed is that of the tokens after the first."""
        seconds = time.perf_counter() - self.first
        speed = (self.completion_tokens - 1) / seconds if self.completion_tokens > 1 and seconds > 0 else None
        return {
            "prompt_tokens": self.prompt_tokens,
            "cached_tokens": self.cached_tokens,
            "completion_tokens": self.completion_tokens,
            "tokens_per_s": speed and round(speed, 1),
        }


class Answerer:
    """Answers requests with one engine, one after the other.

    Parameters
    ----------
    max_tokens:
        The model's own ceiling on an answer, or `None`.
    send:
        Takes an event's name and its fields, see `pipe.py`.
    doubt:
        When the model is to say that it does not know, or `None`.
    """

    def __init__(
        self,
        engine: Engine,
        renderer: Renderer,
        max_tokens: int | None,
        send: Send,
        doubt: Doubt | None = None,
    ) -> None:
        self.engine = engine
        self.renderer = renderer
        self.max_tokens = max_tokens
        self.send = send
        self.doubt = doubt

    def answer(self, job: Job) -> None:
        """Send the whole answer, but for an error, which is raised before or in the middle of it."""
        wanted = limits.checked(job.sampling)
        rules = grammar.from_response_format(wanted.response_format)
        ceiling = min(filter(None, (wanted.max_tokens, self.max_tokens)), default=None)
        tokens = fitting.fit(
            job.messages,
            tokens_of=self.tokens_of,
            at_least=self.at_least,
            context_length=self.engine.context_length,
            max_tokens=ceiling,
        )
        room = self.engine.context_length - len(tokens)
        sampler = self.engine.sampler(wanted, rules, self.doubt)
        try:
            self.generate(job, tokens, sampler, wanted, min(ceiling or room, room))
        finally:
            sampler.close()

    def generate(self, job: Job, tokens: list[int], sampler: Any, wanted: Sampling, limit: int) -> None:
        """Send the answer to a prompt that fits."""
        figures = Figures(prompt_tokens=len(tokens))
        figures.cached_tokens = self.engine.prepare(tokens, fresh=wanted.seed is not None)
        text = TextStream(wanted.stop)
        reason = "stop"
        for token in self.engine.generate(tokens, sampler, lambda: job.cancelled):
            figures.completion_tokens += 1
            figures.first = figures.first or time.perf_counter()
            if delta := text.feed(self.engine.vocabulary.piece(token)):
                self.send("delta", id=job.id, text=delta)
            if text.stopped:
                break
            if figures.completion_tokens >= limit:
                reason = "length"
                break
        if job.cancelled:
            reason = "cancelled"
        elif rest := text.finish():
            self.send("delta", id=job.id, text=rest)
        self.send("done", id=job.id, finish_reason=reason, usage=figures.usage())

    def tokens_of(self, messages: list[Message]) -> list[int]:
        """Render and tokenise a conversation; what only looks like a control token in it becomes none."""
        vocabulary = self.engine.vocabulary
        literal = [
            {"role": str(m["role"]), "content": vocabulary.literal(text_of(m["content"]))} for m in messages
        ]
        return vocabulary.tokenize(self.renderer.render(literal))

    def at_least(self, messages: list[Message]) -> int:
        """Return a number of tokens that a conversation has in any case."""
        return sum(self.engine.vocabulary.at_least(text_of(m["content"])) for m in messages)
