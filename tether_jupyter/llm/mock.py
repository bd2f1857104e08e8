"""Answers without a model: fixed ones, and scripts of events, delays and faults."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, Sampling, text_of
from tether_jupyter.errors import BY_TYPE, Internal
from tether_jupyter.llm.service import LLMService
from tether_jupyter.settings import Settings

REMEMBERED = 32
"""Questions that can be looked at afterwards."""


class MockService(LLMService):
    """Plays a script, or says its answer word by word.

    Parameters
    ----------
    answer:
        What it says; `{question}` stands for the question.
    script:
        Steps instead: any event of a turn, `{"sleep": seconds}`, `{"repeat": [count, event, gap]}`,
        `{"fail": error type}`, `{"raise": text}`.
    delay:
        Seconds before each word of the answer.
    """

    service_type = "mock"
    model_name = "mock"
    leaves = False

    def __init__(
        self,
        answer: str = "You asked: {question}",
        script: Sequence[Mapping[str, Any]] = (),
        delay: float = 0.0,
    ) -> None:
        self.answer = answer
        self.script = script
        self.delay = delay
        self.prompts: deque[Prompt] = deque(maxlen=REMEMBERED)
        self.open = 0
        self.asked = asyncio.Event()

    @classmethod
    def from_settings(cls, settings: Settings) -> MockService:
        return cls(settings.mock.answer, settings.mock.script, settings.mock.delay)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        self.prompts.append(prompt)
        self.open += 1
        self.asked.set()
        try:
            said = 0
            async for event in self._play(prompt):
                if events.kind(event) == "delta":
                    said += 1
                yield event
                if sampling.max_tokens is not None and said >= sampling.max_tokens:
                    yield events.done("length")
                    return
            yield events.usage(prompt_tokens=len(prompt.messages), completion_tokens=said, cost_usd=0.0)
            yield events.done("stop")
        finally:
            self.open -= 1

    async def _play(self, prompt: Prompt) -> AsyncIterator[Event]:
        if not self.script:
            question = text_of(prompt.messages[-1]["content"])
            for word in re.findall(r"\s*\S+\s*?", self.answer.replace("{question}", question)):
                if self.delay:
                    await asyncio.sleep(self.delay)
                yield events.delta(word)
            return
        for step in self.script:
            kind = events.kind(dict(step))
            if kind == "sleep":
                await asyncio.sleep(float(step["sleep"]))
            elif kind == "repeat":
                count, event, gap = step["repeat"]
                for _ in range(int(count)):
                    await asyncio.sleep(float(gap))
                    yield dict(event)
            elif kind == "fail":
                raise BY_TYPE.get(str(step["fail"]), Internal)
            elif kind == "raise":
                raise RuntimeError(str(step["raise"]))
            else:
                yield dict(step)
