"""What a run gives back where it is no frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tether_jupyter.frames.estimate import Estimate


@dataclass(slots=True)
class Outcome:
    """What came of the rows, in their order.

    Parameters
    ----------
    values:
        A row's value as the schema makes it, or its text; `None` where there is none.
    cells:
        The same by columns.
    errors:
        Why a row has no answer, or not a whole one; `None` where nothing is wrong.
    shown:
        The rows that were to be answered: all, or the first ones in a dry run.
    estimate:
        What the rest would take, after a dry run.
    """

    values: list[Any]
    cells: dict[str, list[Any]]
    errors: list[str | None]
    shown: list[int]
    estimate: Estimate | None = None


class Answers(list[Any]):
    """The answers, in the order of the rows; `None` where there is none.

    Attributes
    ----------
    errors:
        Why a row has no answer, by the row's number.
    """

    def __init__(self, values: Iterable[Any], errors: Iterable[str | None]) -> None:
        super().__init__(values)
        self.errors = {number: error for number, error in enumerate(errors) if error is not None}


@dataclass(frozen=True, slots=True)
class DryRun:
    """The first rows' answers, and what the rest would take.

    Parameters
    ----------
    rows:
        What `map` would have returned for these rows alone.
    """

    rows: Any
    estimate: Estimate

    def __repr__(self) -> str:
        return f"{self.rows!r}\n\n{self.estimate}"

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.rows._repr_html_() if hasattr(self.rows, "_repr_html_") else escape(repr(self.rows))
        return f"{shown}<p>{escape(str(self.estimate))}</p>"
