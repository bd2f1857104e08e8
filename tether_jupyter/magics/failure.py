"""Failures as a cell shows them: in words, without a traceback; and which failure was the user's own."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any, TypeVar

from tether_jupyter.errors import TetherError

Failure = TypeVar("Failure", bound=BaseException)
OWN = "_tether_"
LAST = ("last_type", "last_value", "last_traceback", "last_exc")


def quietly(reason: Failure, *lines: str | None) -> Failure:
    """Return the exception so that IPython shows these lines instead of a traceback."""
    shown = [line for line in lines if line]
    if not reason.args:
        reason.args = tuple(shown)
    vars(reason)["_render_traceback_"] = lambda: shown
    vars(reason)[OWN] = True
    return reason


def when(reason: TetherError) -> str | None:
    """Return when to try again, where that is known and the message does not tell."""
    if reason.retry_after is None:
        return None
    seconds = max(1, round(reason.retry_after))
    return None if re.search(rf"\b{seconds} s\b", reason.message) else f"Try again in {seconds} s."


@dataclass(frozen=True, slots=True)
class Failed:
    """A cell of the user's that failed: the error, the cell's source, and its number, where that is known."""

    error: BaseException
    source: str
    number: int | None


class LastFailure:
    """The last error that was the user's, not Tether's own.

    IPython keeps whatever a cell raised last, so a question that was refused would be the one to fix.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._failed: Failed | None = None
        self._mark: dict[str, Any] = {}
        self._before: dict[str, Any] = self._kept()

    def watch(self) -> None:
        """Follow the cells that run from now on."""
        self._shell.events.register("pre_run_cell", self.before)
        self._shell.events.register("post_run_cell", self.after)

    def unwatch(self) -> None:
        """Stop following."""
        for name, call in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            if call in self._shell.events.callbacks[name]:
                self._shell.events.unregister(name, call)

    def before(self, info: Any = None) -> None:
        """Keep what stood as the last error before a cell."""
        self._before = self._kept()

    def after(self, result: Any) -> None:
        """Note how a cell ended; put back what stood before where Tether itself failed."""
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return
        if is_own(error):
            if getattr(sys, "last_value", None) is error:
                put(self._before)
            return
        info = result.info
        source = str(getattr(info, "raw_cell", "") or "")
        number = result.execution_count if getattr(info, "store_history", False) else None
        self._failed = Failed(error, source, number)
        # Where an answer's code ran within a cell, that cell's own end is still to come.
        self._before = self._mark = self._kept()

    def find(self) -> Failed | None:
        """Return the last failure; `None` where nothing has failed."""
        last = getattr(sys, "last_value", None)
        if last is None or is_own(last):
            if self._failed is not None:
                put(self._mark)
            return self._failed
        if self._failed is not None and self._failed.error is last:
            return self._failed
        # It happened before the extension was loaded, or outside of a cell.
        return Failed(last, "", None)

    @staticmethod
    def _kept() -> dict[str, Any]:
        return {name: getattr(sys, name) for name in LAST if hasattr(sys, name)}


def put(kept: dict[str, Any]) -> None:
    """Make an error the last one again, for all that looks at it where IPython keeps it."""
    for name in LAST:
        if name in kept:
            setattr(sys, name, kept[name])
        elif hasattr(sys, name):
            delattr(sys, name)


def is_own(error: BaseException) -> bool:
    """Return whether an error is Tether's, or about how a magic was written."""
    from IPython.core.error import UsageError

    return OWN in vars(error) or isinstance(error, UsageError)
