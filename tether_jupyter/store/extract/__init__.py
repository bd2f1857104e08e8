"""What a model can read of a file, found out in a process of its own that may take only so much.

A bomb, a loop or a broken file ends that process, and the reason is kept with the file.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import IO, Any

from tether_jupyter.core.bounded import Bounds, OutOfBounds, run
from tether_jupyter.store.extract.kinds import Kind, kind_of

__all__ = ["BOUNDS", "MAX_TEXT", "Extract", "Kind", "extract", "kind_of"]

log = logging.getLogger("tether.store")

MAX_TEXT = 400_000
"""Characters that are kept of a file's text."""
MAX_PROBLEM = 500
CHILD = "tether_jupyter.store.extract.child"
BOUNDS = Bounds(memory=512, cpu=10, wall=30.0, output=8 * MAX_TEXT)


@dataclass(slots=True)
class Extract:
    """What was found in a file.

    Parameters
    ----------
    text:
        What a model reads; `None` where nothing can be read.
    problem:
        Why there is no text, or what is missing in it, in words.
    facts:
        Figures for people, such as `pages`, `rows` and `cells`.
    """

    text: str | None = None
    problem: str | None = None
    facts: dict[str, int] = field(default_factory=dict)


def extract(file: IO[bytes], kind: Kind, bounds: Bounds = BOUNDS) -> Extract:
    """Return what can be read of a file. Blocking, for as long as `bounds.wall`; never raises for the file.

    Parameters
    ----------
    file:
        A file on this disk, at its beginning.
    """
    try:
        answer = run(CHILD, [kind.media_type, kind.encoding or ""], file, bounds)
        return understood(json.loads(answer))
    except OutOfBounds as reason:
        return Extract(problem=f"Its text cannot be read: {reason}.")
    except (OSError, ValueError) as reason:
        log.error("the text of a file cannot be read: %s", type(reason).__name__)
        return Extract(problem="Its text cannot be read: the process that does so did not start. Try again.")


def understood(answer: Any) -> Extract:
    """Return the child's answer; raise `ValueError` for one that it does not make."""
    if not isinstance(answer, dict):
        raise ValueError("no object")
    text, problem, facts = answer.get("text"), answer.get("problem"), answer.get("facts")
    if not isinstance(text, str | None) or not isinstance(problem, str | None) or not isinstance(facts, dict):
        raise ValueError("other fields")
    return Extract(
        text[: 2 * MAX_TEXT] if text else None,
        problem[:MAX_PROBLEM] if problem else None,
        {str(name): int(figure) for name, figure in facts.items() if isinstance(figure, int)},
    )
