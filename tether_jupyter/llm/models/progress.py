"""How far a pull has come: bytes, rate, time left; told a few times a second and no oftener."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tether_jupyter.llm.models.retry import Timing

GAP = 0.25
"""Seconds between two reports, at least."""

WINDOW = 5.0
"""Seconds over which a rate is taken."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull has come.

    Parameters
    ----------
    name:
        What the model will be called.
    file:
        The file that is on its way.
    bytes, total:
        Of all the model's files together, the ones included that were there before.
    rate:
        Bytes per second lately, or `None` while that cannot be told.
    eta:
        Seconds left at that rate, or `None`.
    """

    name: str
    file: str
    bytes: int
    total: int
    rate: float | None
    eta: float | None

    def event(self) -> dict[str, Any]:
        """Return the event of the wire."""
        return {"pull": asdict(self)}


Report = Callable[[Progress], None]


class Meter:
    """Counts bytes and reports.

    Parameters
    ----------
    name:
        What the model will be called.
    total:
        Bytes of all its files.
    """

    def __init__(self, name: str, total: int, report: Report, timing: Timing) -> None:
        self.name = name
        self.total = total
        self.report = report
        self.timing = timing
        self.bytes = 0
        self.file = ""
        self._told: float | None = None
        self._marks: deque[tuple[float, int]] = deque()

    def begin(self, file: str) -> None:
        """Go on to the next file."""
        self.file = file

    def found(self, count: int) -> None:
        """Take in bytes that were here already: they come at no rate that would tell anything."""
        self.bytes += count
        self._marks.clear()
        self.tell()

    def came(self, count: int) -> None:
        """Take in bytes from the network."""
        self.bytes += count
        now = self.timing.now()
        # A hundred marks are enough, however fast the pieces come.
        if not self._marks or now - self._marks[-1][0] >= WINDOW / 100:
            self._marks.append((now, self.bytes))
            while now - self._marks[0][0] > WINDOW:
                self._marks.popleft()
        self.tell()

    def lost(self, count: int) -> None:
        """Take back bytes that turned out to be of no use."""
        self.bytes -= count
        self._marks.clear()
        self.tell()

    def tell(self, *, now: bool = False) -> None:
        """Report, unless that was done just now."""
        moment = self.timing.now()
        if not now and self._told is not None and moment - self._told < GAP:
            return
        self._told = moment
        rate = self._rate(moment)
        eta = (self.total - self.bytes) / rate if rate else None
        self.report(Progress(self.name, self.file, self.bytes, self.total, rate, eta))

    def _rate(self, moment: float) -> float | None:
        if len(self._marks) < 2:
            return None
        began, at = self._marks[0]
        return (self.bytes - at) / (moment - began) if moment > began and self.bytes > at else None
