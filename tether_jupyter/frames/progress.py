"""How far a run is: a bar under the cell, a line in a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from html import escape
from typing import Any, TextIO
from uuid import uuid4

from tether_jupyter.frames.estimate import duration, money

EVERY_NOTEBOOK = 0.25
EVERY_TERMINAL = 0.1
WINDOW = 20.0
"""Seconds over which the rate is taken."""


@dataclass(slots=True)
class State:
    """The figures of a run: rows that are done, by where they came from, and what they cost."""

    total: int
    done: int = 0
    cached: int = 0
    failed: int = 0
    skipped: int = 0
    cost_usd: float = 0.0
    ended: str = ""
    """How it ended, in words; nothing while it runs."""


class Progress:
    """Tells how far a run is. This one shows nothing.

    Parameters
    ----------
    state:
        The figures, which the run changes.
    """

    every = 0.0

    def __init__(self, state: State) -> None:
        self.state = state
        self.notices: list[str] = []
        self._began = time.monotonic()
        self._due = 0.0
        self._marks: list[tuple[float, int]] = [(self._began, 0)]

    def tick(self) -> None:
        """Show the figures, if it is time."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + self.every
        self._mark(now)
        self._show()

    def tell(self, notice: str) -> None:
        """Show a sentence beside the figures."""
        if notice not in self.notices:
            self.notices.append(notice)
            self._due = 0.0

    def close(self, ended: str = "") -> None:
        """Show how it ended."""
        self.state.ended = ended or self.state.ended or "done"
        self._mark(time.monotonic())
        self._show(last=True)

    def line(self) -> str:
        """Return the figures in words."""
        state = self.state
        parts = [f"{state.done:,}/{state.total:,} rows"]
        if state.ended:
            spent = time.monotonic() - self._began
            parts.append(state.ended if state.ended != "done" else duration(spent))
        else:
            rate = self.rate()
            if rate:
                shown = f"{rate:.1f} rows/s" if rate >= 1 else f"{60 * rate:.1f} rows/min"
                parts += [shown, f"{duration((state.total - state.done) / rate)} left"]
        if state.cached:
            parts.append(f"{state.cached:,} from the cache")
        if state.skipped:
            parts.append(f"{state.skipped:,} without a value")
        if state.failed:
            parts.append(f"{state.failed:,} failed")
        if state.cost_usd:
            parts.append(money(state.cost_usd))
        return " · ".join(parts)

    def rate(self) -> float | None:
        """Return the rows answered a second lately, those of the cache not counted; `None` at first."""
        (since, before), (now, after) = self._marks[0], self._marks[-1]
        return (after - before) / (now - since) if now > since and after > before else None

    def _mark(self, now: float) -> None:
        self._marks.append((now, self.state.done - self.state.cached - self.state.skipped))
        while len(self._marks) > 2 and self._marks[1][0] < now - WINDOW:
            self._marks.pop(0)

    def _show(self, *, last: bool = False) -> None:
        """Show nothing."""


class NotebookProgress(Progress):
    """A bar that is updated in place."""

    every = EVERY_NOTEBOOK

    def __init__(self, state: State, publisher: Any) -> None:
        super().__init__(state)
        self._publisher = publisher
        self._id = uuid4().hex
        self._shown = False

    def _show(self, *, last: bool = False) -> None:
        state = self.state
        notes = "".join(f"<div><em>{escape(notice)}</em></div>" for notice in self.notices)
        bar = f'<progress value="{state.done}" max="{max(1, state.total)}"></progress>'
        self._publisher.publish(
            data={
                "text/html": f"<div>{bar} {escape(self.line())}</div>{notes}",
                "text/plain": "\n".join([self.line(), *self.notices]),
            },
            metadata={},
            transient={"display_id": self._id},
            update=self._shown,
        )
        self._shown = True


class TerminalProgress(Progress):
    """One line, written over."""

    every = EVERY_TERMINAL

    def __init__(self, state: State, stream: TextIO) -> None:
        super().__init__(state)
        self._stream = stream
        self._width = 0
        self._said = 0

    def _show(self, *, last: bool = False) -> None:
        line = self.line()
        for notice in self.notices[self._said :]:
            self._stream.write(f"\r{' ' * self._width}\r{notice}\n")
        self._said = len(self.notices)
        self._stream.write("\r" + line.ljust(self._width) + ("\n" if last else ""))
        self._stream.flush()
        self._width = len(line)


def progress_for(state: State, wanted: bool | None) -> Progress:
    """Return what shows the progress here.

    Parameters
    ----------
    wanted:
        `False` for nothing; `None` for a bar in a notebook and a line in a terminal; `True` for a line
        elsewhere as well, on standard error.
    """
    if wanted is False:
        return Progress(state)
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return NotebookProgress(state, shell.display_pub)
    if wanted or (sys.stderr and sys.stderr.isatty()):
        return TerminalProgress(state, sys.stderr)
    return Progress(state)
