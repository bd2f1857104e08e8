"""What a broken worker does to those who ask, and to those who ask another backend meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support import local_models as lm
from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import TetherError
from tether_jupyter.llm.local.breaker import Breaker
from tether_jupyter.llm.local.service import LocalService
from tether_jupyter.llm.mock import MockService

END_SECONDS = 2.0
NEXT_SECONDS = 5.0
PAUSE_SECONDS = 0.5
"""How long the other user's answer, of a word each 5 ms, may stand still."""


@dataclass
class Damage:
    """The outcomes of one kind of fault.

    Parameters
    ----------
    slower:
        By how many times this machine may be slower than what is promised.
    """

    kind: str
    slower: float
    outcomes: Counter[str] = field(default_factory=Counter)
    end: float = 0.0
    """The most seconds from the last sign of life to the end of the turn."""
    next: float = 0.0
    """The most seconds to the next answer."""
    pause: float = 0.0
    """The longest pause of the other user's answer."""

    def line(self) -> str:
        """Return the outcomes in one line."""
        found = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{self.kind:24} {found:40} end {self.end:5.2f} s  next {self.next:5.2f} s  "
            f"pause {self.pause:5.3f} s"
        )

    async def turn(self, local: LocalService, text: str, kick: Callable[[], None] | None = None) -> str:
        """Ask, see the turn end in time, and return how: an error's type, or `done`.

        Parameters
        ----------
        kick:
            Is called once the answer has begun.
        """
        last = time.monotonic()
        try:
            stream = local.stream(lm.question(text), Sampling(max_tokens=400))
            async with asyncio.timeout(30 * self.slower):
                async for event in stream:
                    last = time.monotonic()
                    if "delta" in event and kick is not None:
                        kick, kicked = None, kick
                        kicked()
            outcome, message = "done", "."
        except TetherError as reason:
            outcome, message = reason.type, reason.message
        seconds = time.monotonic() - last
        self.end = max(self.end, seconds)
        self.outcomes[outcome] += 1
        assert message.endswith(".")
        assert "Traceback" not in message
        assert seconds <= END_SECONDS * self.slower, f"the turn ended {seconds:.1f} s after the fault"
        return outcome

    async def recover(self, local: LocalService) -> None:
        """See the next answer come in time."""
        began = time.monotonic()
        events = await lm.ask(local, "again", max_tokens=2)
        seconds = time.monotonic() - began
        self.next = max(self.next, seconds)
        assert lm.answer(events) == " w0 w1"
        assert seconds <= NEXT_SECONDS * self.slower, f"the next answer took {seconds:.1f} s"
        local.breaker = Breaker()  # Fifty crashes in a row are what it is there for.
        if local._worker is not None:
            local._worker._crashed = local.breaker.record

    @asynccontextmanager
    async def bystander(self) -> AsyncIterator[None]:
        """Let another user's answer stream in the same event loop, and see that it goes on."""
        words = 0

        async def read() -> None:
            nonlocal words
            before = time.monotonic()
            other = MockService(script=[{"repeat": [10**9, {"delta": "word "}, 0.005]}])
            async for event in other.stream(lm.question("hi"), Sampling()):
                now = time.monotonic()
                self.pause, before = max(self.pause, now - before), now
                words += "delta" in event

        reader = asyncio.create_task(read())
        try:
            yield
        finally:
            assert not reader.done()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        assert words > 10
        assert self.pause <= PAUSE_SECONDS * self.slower, f"another answer stood still for {self.pause:.1f} s"
