"""What a run will take, by what its first rows took."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tether_jupyter.errors import InvalidRequest


class NotConfirmed(InvalidRequest):
    """A run that costs money was not agreed to. Its first rows are kept."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the whole run is going to take, about.

    Parameters
    ----------
    rows:
        How many rows there are; `None` where nobody knows, as for a dask frame.
    to_ask:
        How many of them are left to be asked, the first ones not counted.
    seconds:
        How long that takes; `None` where it is unknown.
    tokens:
        Prompt and answer together.
    cost_usd:
        What it costs; `None` where the service does not tell prices.
    place:
        Where the model runs.
    """

    rows: int | None
    to_ask: int
    seconds: float | None
    tokens: int | None
    cost_usd: float | None
    model: str
    place: str

    def __str__(self) -> str:
        more = f"{self.to_ask:,} more row{'' if self.to_ask == 1 else 's'}"
        what = more if self.rows is not None else f"each {self.to_ask:,} rows"
        parts = [f"about {duration(self.seconds)}" if self.seconds is not None else "time unknown"]
        if self.tokens is not None:
            parts.append(f"{self.tokens:,} tokens")
        parts.append(self.price())
        return f"{what} by {self.model} ({self.place}): {', '.join(parts)}"

    def price(self) -> str:
        """Return the cost in words."""
        if not self.cost_usd and (self.cost_usd == 0 or self.place == "this machine"):
            return "no cost"
        if self.cost_usd is None:
            return "cost unknown"
        return f"about {money(self.cost_usd)}"


def estimate(
    usages: Sequence[Mapping[str, Any]],
    *,
    rows: int | None,
    to_ask: int,
    at_once: int,
    model: str,
    place: str,
) -> Estimate:
    """Return the estimate for so many rows, from what the first ones took.

    Parameters
    ----------
    at_once:
        How many rows the service answers in the time of one.
    """

    def mean(*names: str) -> float | None:
        known = [
            sum(usage[name] for name in names if name in usage)
            for usage in usages
            if any(name in usage for name in names)
        ]
        return sum(known) / len(known) if known else None

    seconds, tokens, cost = mean("seconds"), mean("prompt_tokens", "completion_tokens"), mean("cost_usd")
    return Estimate(
        rows=rows,
        to_ask=to_ask,
        seconds=None if seconds is None else seconds * to_ask / max(1, min(at_once, to_ask)),
        tokens=None if tokens is None else round(tokens * to_ask),
        cost_usd=None if cost is None else cost * to_ask,
        model=model,
        place=place,
    )


def agreed(found: Estimate) -> bool | None:
    """Ask the person at the keyboard whether to go on; `None` where nobody can be asked."""
    question = f"{found}. Go on? [y/N] "
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    keyboard = sys.stdin
    at_terminal = keyboard is not None and not keyboard.closed and keyboard.isatty()
    if getattr(shell, "kernel", None) is None and not at_terminal:
        return None
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):
        # A front end without a keyboard raises a NotImplementedError of its own.
        return None


def duration(seconds: float) -> str:
    """Return a time in words, with no more digits than count."""
    if seconds < 1:
        return "1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def money(usd: float) -> str:
    """Return an amount in dollars, with two digits that count."""
    if usd == 0:
        return "$0"
    if usd < 0.01:
        return f"${usd:.2g}" if usd >= 0.0001 else "less than $0.0001"
    return f"${usd:,.2f}"
