"""Who comes next."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

from tether_jupyter.llm.local.engine.turn import Turn

REMEMBERED = 1000
"""Callers of whom it is known when they had a turn last."""


class Schedule:
    """The turns that wait for a slot.

    People come before what gives way to them, and that before batch rows. Among equals it goes round by
    caller: somebody's second turn comes after everybody's first, however long it has been there.
    """

    def __init__(self) -> None:
        self.waiting: list[Turn] = []
        self.served: dict[tuple[str, int], int] = {}
        """When somebody had a turn last, as a number that grows."""
        self._clock = itertools.count(1)

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, turn: Turn) -> None:
        """Put a turn in."""
        self.waiting.append(turn)

    def served_now(self, turn: Turn) -> None:
        """Take a turn out that has a slot, and remember whose it is."""
        self.remove(turn)
        key = turn.job.caller, turn.job.rank
        self.served.pop(key, None)
        self.served[key] = next(self._clock)
        while len(self.served) > REMEMBERED:
            self.served.pop(next(iter(self.served)))

    def remove(self, turn: Turn) -> None:
        """Take a turn out, wherever it is."""
        if turn in self.waiting:
            self.waiting.remove(turn)

    def order(self, running: Iterable[Turn]) -> list[Turn]:
        """Return the turns in the order in which they are to have slots."""
        before = Counter((turn.job.caller, turn.job.rank) for turn in running)
        rank: dict[Turn, int] = {}
        for turn in self.waiting:  # Oldest first.
            key = turn.job.caller, turn.job.rank
            rank[turn] = before[key]
            before[key] += 1

        def place(turn: Turn) -> tuple[int, int, int]:
            return turn.job.rank, rank[turn], self.served.get((turn.job.caller, turn.job.rank), 0)

        return sorted(self.waiting, key=place)
