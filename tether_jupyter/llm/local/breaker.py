"""Stop starting what does not stay up."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from tether_jupyter.errors import ModelNotReady

CRASHES = 3
SECONDS = 60.0


class Breaker:
    """Counts crashes, and refuses for a while after too many.

    Parameters
    ----------
    clock:
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.times: deque[float] = deque(maxlen=CRASHES)
        self.last = ""
        self.lock = threading.Lock()

    def record(self, reason: str) -> None:
        """Count a crash, such as `it was killed by SIGSEGV`."""
        with self.lock:
            self.times.append(self.clock())
            self.last = reason

    def remaining(self) -> float:
        """Return for how many seconds nothing is started; 0 for none."""
        with self.lock:
            if len(self.times) < CRASHES or self.times[-1] - self.times[0] > SECONDS:
                return 0.0
            return max(0.0, self.times[-1] + SECONDS - self.clock())

    def problem(self) -> str | None:
        """Return why nothing is started now, for people."""
        seconds = math.ceil(self.remaining())
        if not seconds:
            return None
        return (
            f"The model stopped unexpectedly {CRASHES} times within a minute (the last time {self.last}). "
            f"Tether tries again in {seconds} s. A smaller context or fewer GPU layers may help."
        )

    def check(self) -> None:
        """Raise `ModelNotReady` while nothing is to be started."""
        if problem := self.problem():
            raise ModelNotReady(problem)
