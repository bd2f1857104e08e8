"""What a backend is. Write five members, or subclass `LLMService` and write `complete` alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, Sampling

if TYPE_CHECKING:
    from tether_jupyter.settings import Settings


class LLMService:
    """A source of answers.

    A subclass needs only :meth:`complete`. One that can stream overrides :meth:`stream`; the default calls
    :meth:`complete` and sends the answer in one piece.
    """

    service_type: str = "custom"
    model_name: str = "custom"

    #: Whether a request may name another model than `model_name`.
    takes_models: bool = False

    #: Modules that the first question needs, imported aside when somebody looks at Tether's health.
    heavy_modules: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> LLMService:
        """Build the service. Nothing heavy may happen here: that is for :meth:`initialize`."""
        return cls()

    async def initialize(self) -> None:
        """Get ready to answer. Called before the first question, and again after :meth:`cleanup`."""

    async def cleanup(self) -> None:
        """Give back everything: memory, processes, connections."""

    def is_ready(self) -> bool:
        """Return whether a question would be answered without further preparation."""
        return True

    async def complete(self, prompt: str, *, temperature: float = 0.7, max_tokens: int | None = None) -> str:
        """Return the whole answer to a text."""
        asked = Prompt([{"role": "user", "content": prompt}])
        stream = self.stream(asked, Sampling(temperature, max_tokens))
        return "".join([e["delta"] async for e in stream if events.kind(e) == "delta"])

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        """Yield `queued`, `thinking`, `delta`, `usage` and last `done`; raise a `TetherError` to fail.

        Closing the generator cancels the answer: what was started upstream must end with it.
        """
        text = await self.complete(
            prompt.as_text(), temperature=sampling.temperature, max_tokens=sampling.max_tokens
        )
        if text:
            yield events.delta(text)
        yield events.done("stop")

    async def describe(self) -> dict[str, Any]:
        """Return what health tells about this backend: at least `ready`, and `problem` where there is one.

        Keys: `ready` (bool), `problem` (str or None), `demo` (bool), `gpu` (dict or None), `place` (str,
        where questions go; "this machine" unless said), `degraded` (bool, answers but not well).
        """
        return {"ready": self.is_ready(), "problem": None, "demo": False, "gpu": None}
