"""A model that fills gaps as a file in the notebooks' folder says, and writes down what it was asked."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import UpstreamError
from tether_jupyter.llm.service import LLMService

BACKEND = "tests.e2e.filling:Filling"
ANSWERS, LOG, ASLEEP = Path("answers.json"), Path("asked.jsonl"), Path("asleep")


class Filling(LLMService):
    """Runs in the server. Its answers are `[end of the prefix, text, how]`, of which the longest end counts.

    `how` is `""`, the name of a file that is waited for before the first piece, or `fail`.
    """

    service_type = "local"
    model_name = "filling"
    leaves = False

    def __init__(self) -> None:
        self.number = 0

    def is_ready(self) -> bool:
        return not ASLEEP.exists()

    async def infill(
        self,
        prefix: str,
        suffix: str,
        sampling: Sampling,
        *,
        conversation: str | None = None,
        caller: str | None = None,
        low: bool = False,
    ) -> AsyncIterator[Event]:
        self.number += 1
        asked = {"prefix": prefix, "suffix": suffix, "stop": list(sampling.stop), "most": sampling.max_tokens}
        asked["low"] = low
        async for event in self.play(prefix, asked):
            yield event

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        self.number += 1
        messages = [dict(message) for message in prompt.messages]
        async for event in self.play("chat", {"messages": messages, "most": sampling.max_tokens}):
            yield event

    async def play(self, prefix: str, asked: dict[str, Any]) -> AsyncIterator[Event]:
        number, ended = self.number, False
        note({"asked": number, **asked})
        answers = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else []  # noqa: ASYNC240
        fitting = [each for each in answers if prefix.endswith(each[0])]
        _, text, how = max(fitting, key=lambda each: len(each[0]), default=("", "", ""))
        try:
            if how == "fail":
                raise UpstreamError("The model fell over.")
            for at, piece in enumerate(pieces(text)):
                if how and at == 0:
                    await there(how)
                yield events.delta(piece)
                await asyncio.sleep(0.01)
                if how.startswith("half") and at == 0:
                    await there(f"rest-{how}")
            ended = True
            note({"ended": number})
            yield events.done("stop")
        finally:
            if not ended:
                note({"cancelled": number})


def pieces(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def note(line: dict[str, Any]) -> None:
    with LOG.open("a") as out:
        out.write(json.dumps(line) + "\n")


async def there(name: str) -> None:
    """Return when a file is there. It comes from another process, which has no event to set."""
    while not os.path.exists(name):  # noqa: ASYNC110, ASYNC240, PTH110
        await asyncio.sleep(0.02)
