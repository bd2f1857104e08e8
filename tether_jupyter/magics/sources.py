"""What else of the notebook goes along with a question: a cell, the last error, the cells before."""

from __future__ import annotations

import re
from typing import Any

from tether_jupyter.errors import NotFound
from tether_jupyter.magics.commands import CELL
from tether_jupyter.magics.failure import Failed
from tether_jupyter.magics.session import Session, cell_id

REFERENCE = re.compile(rf"(?:{CELL})(?=\s|$|[:,.])", re.IGNORECASE)
FEW = 5
MOST = 100
NO_ERROR = "No cell has failed yet."
HOW_TO_POINT = "Name a cell, as in `%tether {word} In [3]`, or put the code below `%%tether {word}`."


def reference(text: str) -> tuple[int | None, str]:
    """Return the number of the cell that a text begins with, as in `In [3]` or `3`, and the rest."""
    found = REFERENCE.match(text)
    if found is None:
        return None, text
    return int(re.sub(r"\D", "", found[0])), text[found.end() :].lstrip(" \t:,.")


def cell_item(source: str, name: str) -> dict[str, Any]:
    """Return the context item for a cell's source."""
    return {"kind": "cell", "name": name, "text": source}


def input_number(shell: Any, number: int) -> str:
    """Return the source that ran as `In [number]`.

    Raises
    ------
    NotFound
        Nothing has run under that number.
    """
    history = shell.history_manager.input_hist_raw
    if not 0 < number < len(history) or not history[number].strip():
        raise NotFound(
            f"There is no In [{number}] in this session.",
            hint="The number stands beside a cell that has run. After a restart they begin anew.",
        )
    return str(history[number])


def error_items(session: Session, failed: Failed) -> list[dict[str, Any]]:
    """Return the context items for an error: what happened, and the cell that it happened in."""
    from tether_jupyter.context import probe

    data = probe.error(session.shell, "values")
    items: list[dict[str, Any]] = []
    if data is not None:
        items.append({"kind": "error", "name": str(data.get("type") or ""), "data": data})
    source, number = failed.source, failed.number
    if not source and data is not None and (found := cell_of(data)) is not None:
        history = session.shell.history_manager.input_hist_raw
        if 0 < found < len(history):
            source, number = history[found], found
    if source.strip():
        items.append(cell_item(source, f"In [{number}]" if number else "the cell that failed"))
    return items


def cell_of(data: dict[str, Any]) -> int | None:
    """Return the number of the cell that an error is nearest to."""
    for frame in reversed(data.get("frames") or []):
        if found := re.fullmatch(r"cell \[(\d+)\]", str(frame.get("where"))):
            return int(found[1])
    return None


def last_error(session: Session, word: str) -> Failed:
    """Return the last error.

    Raises
    ------
    NotFound
        There is none.
    """
    failed = session.failures.find()
    if failed is None:
        raise NotFound(NO_ERROR, hint=HOW_TO_POINT.format(word=word))
    return failed


def cells_before(session: Session, how: str) -> list[dict[str, Any]]:
    """Return what ran before, where no notebook holds it: the last cells, or all of this session."""
    history = session.shell.history_manager.input_hist_raw
    ran = [(number, source) for number, source in enumerate(history) if source.strip()][:-1]
    kept = ran[-FEW:] if how == "around" else ran[-MOST:]
    # Where there is no room for all, the oldest are left out first.
    ages = [min(9, 1 + (len(kept) - 1 - at) * 9 // len(kept)) for at in range(len(kept))]
    items = zip(kept, ages, strict=True)
    return [cell_item(source, f"In [{number}]") | {"optional": age} for (number, source), age in items]


def see(session: Session, given: Any) -> dict[str, Any]:
    """Return the request's `see`: how much of the notebook the model may see.

    What the words name goes along from here. The server is not to search them: `{name}` puts data into them,
    and a second attempt what the model wrote.
    """
    level = given.see or session.chosen.get("see")
    cells = given.cells or session.chosen.get("cells")
    asked: dict[str, Any] = {"words": False}
    if level:
        asked["level"] = level
    if cells and (session.has_notebook or cells == "off"):
        asked["cells"] = cells
        if here := cell_id(session.shell):
            asked["cell_id"] = here
    return asked
