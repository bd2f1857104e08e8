"""Going on after a connection broke: what can be tried again, how often, and how long to wait."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tether_jupyter.errors import RateLimited, TetherError

LONGEST_PAUSE = 30.0
"""Seconds between two tries, at most, where nobody says how long."""

LONGEST_ASKED = 120.0
"""Seconds that a hub may ask to wait; more is passed on to the person, who may have better to do."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock and a way to wait, which tests replace."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Interrupted(Exception):
    """Something went wrong that may go well the next time.

    Parameters
    ----------
    error:
        What to tell when no further try is made.
    wait:
        Seconds that the other side asks to wait, or `None`.
    """

    def __init__(self, error: TetherError, wait: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait


class Patience:
    """How many failures in a row are borne, with a pause that doubles after each.

    Parameters
    ----------
    tries:
        Tries after the first that bring nothing new.
    """

    def __init__(self, timing: Timing, tries: int) -> None:
        self.timing = timing
        self.tries = tries
        self.failures = 0

    def renew(self) -> None:
        """Begin anew: something came."""
        self.failures = 0

    async def bear(self, reason: Interrupted) -> None:
        """Wait before the next try, or raise what the failure means.

        Raises
        ------
        TetherError
            It failed too often, or the pause that the other side asks for is too long.
        """
        self.failures += 1
        if reason.wait is not None and reason.wait > LONGEST_ASKED:
            raise RateLimited(f"{reason.error.message} It asks to wait {reason.wait:.0f} seconds.") from None
        if self.failures > self.tries:
            raise reason.error from None
        pause = min(2.0 ** (self.failures - 1), LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311
        await self.timing.sleep(max(pause, reason.wait or 0.0))
