"""Where an answer shows: under a notebook's cell, or in a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol
from uuid import uuid4

from tether_jupyter.core import inert
from tether_jupyter.magics.answer import Answer, emphasised

BATCH_SECONDS = 0.04
# Every update carries the whole text: beyond this rate, updates become rarer instead.
CHARACTERS_PER_SECOND = 200_000
MAX_BATCH_SECONDS = 5.0
PATIENCE_SECONDS = 1.0
# Where a signal does not wake a waiting thread, this is how late it is noticed.
GLANCE_SECONDS = 0.1


class Output(Protocol):
    """What the magic writes to."""

    def write(self, text: str) -> None:
        """Take a piece of the answer."""

    def wait(self) -> float:
        """Return after how many seconds `tick` is next needed."""

    def tick(self) -> None:
        """Show what has come in the meantime, if it is time."""

    def close(self, *, failed: bool = False) -> None:
        """Show everything, and the quiet line; after a failure, only if something was shown."""


class NotebookOutput:
    """One display, updated in batches: the first words at once, then every 40 ms, rarer as it grows."""

    def __init__(self, publisher: Any, answer: Answer) -> None:
        self._publisher = publisher
        self._answer = answer
        self._id = uuid4().hex
        self._shown = False
        self._dirty = False
        self._begun = False
        self._due = answer.started + PATIENCE_SECONDS
        self._status = ""

    def write(self, text: str) -> None:
        self._dirty = True
        if not self._begun:
            self._begun = True
            self._due = 0.0
        self.tick()

    def wait(self) -> float:
        if self._begun and not self._dirty:
            return GLANCE_SECONDS
        return max(0.0, min(GLANCE_SECONDS, self._due - time.monotonic()))

    def tick(self) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        if not self._begun:
            self._show_status(now)
        elif self._dirty:
            text = self._answer.text
            self._publish(inert.markdown(self._answer.shown, complete=False), inert.plain(text))
            spent = time.monotonic() - now
            pause = max(BATCH_SECONDS, len(text) / CHARACTERS_PER_SECOND, 4 * spent)
            self._due = now + min(pause, MAX_BATCH_SECONDS)
            self._dirty = False

    def close(self, *, failed: bool = False) -> None:
        if failed and not self._shown:
            return
        text, line = self._answer.text.rstrip(), self._answer.quiet_line()
        notes = self._answer.notes()
        rich = [inert.markdown(self._answer.shown.rstrip()), emphasised(line), *map(emphasised, notes)]
        bare = [inert.plain(text), line, *map(inert.plain, notes)]
        self._publish("\n\n".join(filter(None, rich)), "\n\n".join(filter(None, bare)), whole=True)

    def _show_status(self, now: float) -> None:
        status = self._answer.status(now)
        if status != self._status:
            self._status = status
            self._publish(emphasised(status), status)
        # The words hold a whole number of seconds.
        self._due = self._answer.started + int(now - self._answer.started) + 1

    def _publish(self, rich: str, bare: str, *, whole: bool = False) -> None:
        # In between, the metadata would only make each update longer: the last one settles it.
        metadata = self._answer.metadata() if whole or not self._shown else {}
        self._publisher.publish(
            data={"text/markdown": rich, "text/plain": bare},
            metadata=metadata,
            transient={"display_id": self._id},
            update=self._shown,
        )
        self._shown = True


class TerminalOutput:
    """Plain text, printed as it comes."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._last = "\n"

    def write(self, text: str) -> None:
        self._print(inert.plain(text))

    def wait(self) -> float:
        return GLANCE_SECONDS

    def tick(self) -> None:
        """Nothing waits here to be shown."""

    def close(self, *, failed: bool = False) -> None:
        if failed and not self._answer.size:
            return
        line, notes = self._answer.quiet_line(), self._answer.notes()
        self._print("" if self._last.endswith("\n") else "\n")
        self._print(inert.plain("".join(f"{part}\n" for part in (line, *notes) if part)))

    def _print(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._last = text
