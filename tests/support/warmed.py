"""A backend that answers with what a question had to import since the server was told to get ready."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.llm.openai import OpenAIService


class Warmed(OpenAIService):
    """Asks its upstream as any question would, and reports `ready` once it has prepared itself."""

    known: frozenset[str] = frozenset()

    def prepare(self) -> None:
        super().prepare()
        self.known = frozenset(sys.modules)

    async def describe(self) -> dict[str, Any]:
        return {**await super().describe(), "ready": bool(self.known)}

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        assert [event async for event in super().stream(prompt, sampling)]
        yield events.delta(json.dumps(sorted(set(sys.modules) - self.known)))
