"""Whether a run shall go on: no, where it fails for all rows alike, or has cost more than it may."""

from __future__ import annotations

import re

from tether_jupyter.client.schemas import InvalidAnswer
from tether_jupyter.errors import (
    ContextOverflow,
    Forbidden,
    InvalidRequest,
    ModelNotReady,
    NotFound,
    RateLimited,
    TetherError,
    TooLarge,
    Unauthorized,
    UpstreamError,
)
from tether_jupyter.frames.asking import Answer, Cut
from tether_jupyter.frames.estimate import NotConfirmed, money

ALIKE = 3
"""As many rows as may fail in the same words before it is not the rows."""
OF_THE_SERVER = (Unauthorized, Forbidden, NotFound, RateLimited, ModelNotReady)
"""What is about the server or the model, not about a row: the other rows would fail the same way."""
OF_THE_ROW = (InvalidAnswer, TooLarge, ContextOverflow, Cut)
"""Failures that another row need not share, even if its first neighbours do."""
# A filter's refusal has the type of a refused key: over the wire its words alone tell what it is.
FILTER = re.compile(r"content[ _-](?:filter|management policy)", re.IGNORECASE)


class Verdict:
    """Hears of each answer when it comes, and says when to stop.

    Parameters
    ----------
    max_cost:
        The most that the run may cost, in US dollars.
    """

    def __init__(self, max_cost: float | None) -> None:
        self.max_cost = max_cost
        self.spent = 0.0
        self.reason: TetherError | None = None
        self._alike = 0
        self._first: str | None = None
        self._promising = False
        self.resumed = False
        """Whether the run before has answers: what is asked again may be what it had left, and fail alike."""

    @property
    def is_final(self) -> bool:
        """Whether it says that no answer would have come."""
        return isinstance(self.reason, OF_THE_SERVER)

    @property
    def is_hopeless(self) -> bool:
        """Whether it says that what failed so far did not fail because of its rows."""
        return self.reason is not None and not isinstance(self.reason, NotConfirmed)

    def hear(self, answer: Answer) -> bool:
        """Return whether to stop."""
        error = answer.error
        self.spent += answer.usage.get("cost_usd", 0.0)
        if self.reason is not None:
            return True
        if error is None or is_of_the_row(error):
            self._promising = True
        elif isinstance(error, OF_THE_SERVER):
            self.reason = error
        elif not self._promising and not (self.resumed and isinstance(error, InvalidRequest)):
            self._first = str(error) if self._first is None else self._first
            self._promising = str(error) != self._first
            self._alike += 1
            if self._alike >= ALIKE and not self._promising:
                self.reason = error
        if self.reason is None and self.max_cost is not None and self.spent > self.max_cost:
            self.reason = NotConfirmed(
                f"The run has cost {money(self.spent)}, more than `max_cost={self.max_cost:g}`."
            )
        return self.reason is not None


def is_of_the_row(error: TetherError) -> bool:
    """Return whether a failure is one that another row need not share."""
    if isinstance(error, OF_THE_ROW):
        return True
    return isinstance(error, (UpstreamError, InvalidRequest)) and FILTER.search(error.message) is not None
