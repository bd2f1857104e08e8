"""A model whose completions name the line that they were made for, and come late and out of order."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Sampling
from tether_jupyter.llm.service import LLMService


class Echo(LLMService):
    """Runs in the server."""

    service_type = "local"
    model_name = "echo"
    leaves = False

    def __init__(self) -> None:
        self.choice = random.Random(11)  # noqa: S311 - not a secret

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
        line = prefix.rpartition("\n")[2]
        # Told to stop, it says its text all the same: what may not be shown is there to be shown.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(self.choice.uniform(0.0, 0.25))
        # A sign that nobody types, so that no text goes on from another.
        for piece in (f"\u00a7{len(line)}\u00a7", line.replace(" ", "\u00b7"), "\u00a7"):
            yield events.delta(piece)
            await asyncio.sleep(self.choice.uniform(0.0, 0.03))
        yield events.done("stop")
