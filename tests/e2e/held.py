"""A model that says half of its answer, and the rest when it is let go: nobody who waits for it races it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt
from tether_jupyter.llm.mock import MockService

BACKEND = "tests.e2e.held:Held"
GO = "go"
"""The file whose being there lets every answer go on."""
WORDS = [f"word{n}" for n in range(1, 61)]
HALF = 30
ANSWER = " ".join(WORDS)


class Held(MockService):
    """Runs in the server, whose working folder is the notebooks'."""

    async def _play(self, prompt: Prompt) -> AsyncIterator[Event]:
        for n, word in enumerate(WORDS):
            if n == HALF:
                await let_go()
            yield events.delta(word if n == 0 else f" {word}")
            await asyncio.sleep(0.005)


async def let_go() -> None:
    """Return when the file is there. It comes from another process, which has no event to set."""
    while not os.path.exists(GO):  # noqa: ASYNC110, ASYNC240, PTH110
        await asyncio.sleep(0.05)
