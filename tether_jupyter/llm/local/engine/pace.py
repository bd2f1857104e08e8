"""How fast the engine is, and what follows from that."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tether_jupyter.llm.local.excuses import Excuses

SMOOTH = 0.2
"""The weight of the newest step in a mean."""
STEP_SECONDS = 0.2
"""How long a step may be made by one prompt while answers are under way: their readers see a pause."""
STEP_SHARE = 2.0
"""By how much a step grows with those who wait for their first word, over those who wait for their next."""
FEWEST = 64
"""Prompt tokens of a step, at least: fewer cost about as much time."""
FEWEST_BESIDE = 4
"""Prompt tokens of a step, at least, where they must not hold up the answers in it."""
WINDOW = 10.0
"""Seconds over which the speed is told."""
LIMIT_SECONDS = 60.0
"""How long a step may take while nothing is known of the speed, and the model is small."""
LIMIT_PER_BYTE = 0.5e-9
"""Seconds that a token may take then for each byte of the weights: four computations at 8 a nanosecond."""
SLACK_SECONDS = 0.8
SLACK = 10.0
"""By how many times a step may be slower than the ones before: attention grows with what came before it."""


class Pace:
    """Measures steps. Used under the engine's lock where another thread may look.

    Parameters
    ----------
    clock:
        Seconds that only grow.
    excuses:
        Tells for how long this process could not have got on.
    """

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, excuses: Excuses | None = None
    ) -> None:
        self.clock = clock
        self.excuses = excuses or Excuses()
        self.excused = 0.0
        self._watched: float | None = None
        self.steps = 0
        self.said = 0
        """Tokens of answers."""
        self.read = 0
        """Tokens of prompts."""
        self.read_seconds = 0.0
        """Mean seconds that a prompt token takes; 0 for unknown."""
        self.row_seconds = 0.0
        """Mean seconds that a step without prompts takes, over its answers."""
        self.light_seconds = 0.0
        """Mean seconds of a step with few tokens: what going through the weights once takes."""
        self.heavy_seconds = 0.0
        """Mean seconds of a step with many."""
        self.turn_seconds = 0.0
        """Mean seconds from a question's arrival to its answer's end."""
        self.began: float | None = None
        self._rows = self._prompts = 0
        self._history: deque[tuple[float, int, int]] = deque()

    def begin(self, rows: int, prompts: int) -> None:
        """Note that a step begins, with so many tokens, of which so many are prompts'."""
        self.began, self._rows, self._prompts = self.clock(), rows, prompts

    def end(self, done: bool) -> None:
        """Note that the step has ended."""
        if self.began is None:
            return
        seconds, self.began = self.clock() - self.began, None
        if not done:
            return
        self.steps += 1
        self.read += self._prompts
        self._note()
        if self._rows < FEWEST // 2:
            self.light_seconds = mean(self.light_seconds, seconds)
        else:
            self.heavy_seconds = mean(self.heavy_seconds, seconds)
        if self._prompts >= FEWEST // 2:
            self.read_seconds = mean(self.read_seconds, seconds / self._rows)
        elif not self._prompts:
            self.row_seconds = mean(self.row_seconds, seconds / self._rows)

    def _note(self) -> None:
        """Keep a sample for `figures`, two a second."""
        now, history = self.clock(), self._history
        if not history or now - history[-1][0] > WINDOW / 20:
            history.append((now, self.said, self.read))
            while now - history[0][0] > WINDOW:
                history.popleft()

    def turn_ended(self, seconds: float) -> None:
        """Note how long a turn was here."""
        self.turn_seconds = mean(self.turn_seconds, seconds)

    def expected(self) -> float:
        """Return how many seconds the present step should take; 0 for unknown."""
        return self.read_seconds * self._prompts + self.row_seconds * (self._rows - self._prompts)

    def remaining(self) -> float:
        """Return how many seconds the present step will go on, as far as is known."""
        if self.began is None:
            return 0.0
        if self._prompts and not self.read_seconds:
            return LIMIT_SECONDS
        return self.expected() - (self.clock() - self.began)

    def prompt_tokens(self, most: int, answering: int, reading: int) -> int:
        """Return how many prompt tokens go into a step.

        Large steps are cheaper for each token and bring first words sooner; small ones let answers flow.
        So a step's length follows how many people wait for each of them.

        Parameters
        ----------
        answering, reading:
            How many turns wait for their next token, and how many for their first.
        """
        if not answering:
            return most
        if not self.read_seconds:
            return min(FEWEST, most)
        seconds = STEP_SECONDS * max(1.0, STEP_SHARE * reading / answering)
        return max(FEWEST, min(most, int(seconds / self.read_seconds)))

    def beside(self, answering: int) -> int:
        """Return how many prompt tokens may go beside so many answers that they must not hold up.

        As many as take about as long as the answers do: nobody's answer comes at less than half its speed.
        """
        if not (self.read_seconds and self.row_seconds):
            return FEWEST_BESIDE
        return max(FEWEST_BESIDE, int(self.row_seconds * answering / self.read_seconds))

    def most(self) -> float:
        """Return how many seconds the present step should take at most; 0 for unknown.

        What was not seen yet is bounded by what was: a step with few tokens is no longer than one with many,
        and a prompt's token takes no longer than a step of its own.
        """
        light = self.light_seconds or self.heavy_seconds
        return light + (self.read_seconds or light) * self._rows

    def overdue(self, weights: int = 0) -> float:
        """Return by how many seconds the present step is later than can be explained; below 0 for not.

        Time in which this process was ready and no core was free, or in which it waited for a disk, does not
        count, as far as it lies between two of these calls in the same step.

        Parameters
        ----------
        weights:
            Bytes of the model, by which a step is judged as long as no other was seen.
        """
        began = self.began
        if began is None:
            return -1.0
        now = self.clock()
        excused = self.excuses.look(now)
        if began != self._watched:
            self._watched, self.excused = began, 0.0
        else:
            self.excused += excused
        most = self.most()
        limit = SLACK_SECONDS + SLACK * most
        if not most:
            limit = LIMIT_SECONDS + LIMIT_PER_BYTE * weights * self._rows
        return now - began - self.excused - limit

    def figures(self) -> dict[str, Any]:
        """Return steps, tokens, and tokens a second over the last while."""
        now = self.clock()
        known = [sample for sample in list(self._history) if now - sample[0] <= WINDOW]
        then, said, read = known[0] if known else (now, self.said, self.read)
        passed = now - then
        return {
            "steps": self.steps,
            "tokens": self.said,
            "prompt_tokens": self.read,
            "tokens_per_s": round((self.said - said) / passed, 1) if passed > 0 else None,
            "prompt_tokens_per_s": round((self.read - read) / passed, 1) if passed > 0 else None,
            "turn_seconds": round(self.turn_seconds, 3),
        }


def mean(old: float, new: float) -> float:
    """Return a mean that forgets."""
    return old + SMOOTH * (new - old) if old else new
