"""See to it that a constrained answer still ends when its tokens run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tether_jupyter.llm.local.constraint.matching import Constraint

LOOK = 32
"""Tokens after which an answer looks for a way to its end again."""
MARGIN = 64
"""Tokens before the latest start of the way out from which it is looked for at each of them."""

TIGHT = 256
"""Tokens of a whole answer up to which the first one is given up for a way out, if none is left after it. A
further search is dear where no way is short enough."""


class Ending:
    """The way out of one answer: a model that never closes a text by itself would leave half of an object.

    A way is searched for seldom and followed cheaply: after most tokens the rest of the last way still leads
    to the end, which is checked in one call.
    """

    def __init__(self, constraint: Constraint) -> None:
        self.constraint = constraint
        self.way: list[int] = []
        """Tokens with which the answer can end from here; none where that was not looked for."""
        self.leaving = False
        """Whether the answer walks the way, whatever the model would rather say."""
        self.due: int | None = None
        """With how many tokens left a way is looked for. The first look is at once: the shortest way may take
        most of what there is."""
        self.hopeful = False
        """Whether there was a way that was short enough, when it was looked for last."""

    def following(self, token: int, left: int) -> int:
        """Return the token, or the first one of the way out where the answer could not end in time after it.

        Parameters
        ----------
        token:
            One that the constraint allows and that ends nothing.
        left:
            How many tokens the answer may still have, this one included.
        """
        if self.due is None:
            self.hopeful = left <= TIGHT
        elif left > self.due:
            self.way = []
            return token
        # The end token is one of a way, so that the answer ends with `stop`.
        way = self.rest(token, left - 1) or self.search(token, left - 1)
        if way is None:
            way = self.way or (self.constraint.closing(left) if self.hopeful else None)
            if not way:  # If there never is one that is short enough, the answer is cut.
                self.hopeful = False
                self.due = max(left - LOOK, left // 2)
                return token
            self.leaving = True
            token, *way = way
        self.way, self.hopeful = way, True
        self.due = max(MARGIN + 3 * len(way), left - LOOK)
        return token

    def step(self) -> int | None:
        """Return the next token of the way out; `None` where the answer does not walk it, or has."""
        return self.way.pop(0) if self.leaving and self.way else None

    def rest(self, token: int, limit: int) -> list[int] | None:
        """Return what is left of the known way after a token, if that leads to the end as well."""
        if self.way[:1] == [token]:
            return self.way[1:]
        # The token came instead of some of the way, or before it.
        for way in (self.way[2:], self.way[1:], self.way):
            if 0 < len(way) <= limit and self.constraint.ends_with([token, *way]):
                return way
        return None

    def search(self, token: int, limit: int) -> list[int] | None:
        """Return a way of at most `limit` tokens after a token."""
        ahead = self.constraint.copy()
        ahead.accept(token)
        return ahead.closing(limit)
