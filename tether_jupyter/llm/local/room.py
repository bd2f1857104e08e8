"""How many questions the local model takes at once, and when to come back."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tether_jupyter.errors import RateLimited

CALLERS = 4
"""The queue has room for this many callers who fill their share."""
SMOOTH = 0.2
GUESS = 5.0
"""Seconds that an answer takes, as long as none was seen."""


class Room:
    """Counts the questions that are here.

    Parameters
    ----------
    most:
        How many one caller may have here; all callers together may have four times as many.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.slots = 1
        self.mean = 0.0
        self.here: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """How many questions are here."""
        return sum(self.here.values())

    def check(self, caller: str | None) -> None:
        """Raise `RateLimited` where one more would be too many. The message says when there is room again."""
        own = self.here[caller or ""]
        if own >= self.most:
            wait = self.wait(own - self.most + 1)
            raise RateLimited(
                f"{own} of your questions are with the model already. Try again in about {wait} s.",
                retry_after=wait,
            )
        if self.total >= CALLERS * self.most:
            wait = self.wait(self.total - CALLERS * self.most + 1)
            raise RateLimited(
                f"The model has {self.total} questions to answer. Try again in about {wait} s.",
                retry_after=wait,
            )

    def wait(self, over: int) -> int:
        """Return after how many seconds so many questions will be answered, about."""
        return max(1, math.ceil(over * (self.mean or GUESS) / self.slots))

    @contextmanager
    def taken(self, caller: str | None) -> Iterator[None]:
        """Count a question as long as it is here."""
        self.check(caller)
        name, began = caller or "", time.monotonic()
        self.here[name] += 1
        try:
            yield
        finally:
            self.here[name] -= 1
            if not self.here[name]:
                del self.here[name]
            seconds = time.monotonic() - began
            self.mean += SMOOTH * (seconds - self.mean) if self.mean else seconds
