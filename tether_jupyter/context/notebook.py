"""A notebook as pieces of context: the cells around the one that asks, the nearest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tether_jupyter.context import base64s, outputs
from tether_jupyter.context.outputs import Level, joined, middle_out
from tether_jupyter.context.piece import Piece
from tether_jupyter.context.reading import Cells, Notebook, own_id, read

__all__ = ["Notebook", "look", "pieces", "read"]

BEFORE, AFTER = 12, 3
"""Cells around the one that asks; headings and imports from further away come too."""
MOST_SOURCE = 20_000
"""Characters of one cell's source."""
MOST_CELLS = 2_000
"""Cells that are looked at, the nearest ones."""
MOST_PARSED = 800_000
"""Bytes of cells that are parsed of a large notebook, the nearest ones."""
MOST_IMAGES = 8

IMPORT = re.compile(r"^[ \t]{0,8}(?:import|from)[ \t]+\w", re.MULTILINE)
HEADING = re.compile(r"[ \t]{0,3}(#{1,6})[ \t]+\S")
CONVERSATION = re.compile(r"%%tether\b")
COMMAND = re.compile(r"%tether\b|%(?:re)?load_ext[ \t]+tether_jupyter\b")
UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
"""What JSON may hold, and UTF-8 or a model's tokenizer may not."""


@dataclass(slots=True)
class Cell:
    """A cell of any format: `kind` is `code`, `markdown` or `raw`; `outputs` stand as in the file."""

    number: int
    kind: str
    source: str
    id: str | None = None
    run: int | None = None
    outputs: Any = None

    @property
    def name(self) -> str:
        """What a user and a traceback call it."""
        if self.kind != "code":
            return f"cell {self.number}, {self.kind}"
        return f"cell {self.number}, In [{self.run}]" if self.run is not None else f"cell {self.number}"

    @property
    def depth(self) -> int:
        """The level of its heading; 0 where it begins with none."""
        match = HEADING.match(self.source) if self.kind == "markdown" else None
        return len(match[1]) if match else 0

    @property
    def speaks(self) -> bool:
        """Whether it belongs to the conversation, which stands in the history."""
        if self.kind != "code":
            return False
        source = self.source.lstrip()
        if CONVERSATION.match(source):
            return True
        lines = [line.strip() for line in source[:5_000].split("\n")]
        commands = [line for line in lines if line and not line.startswith("#")]
        return bool(commands) and all(COMMAND.match(line) for line in commands)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a notebook has found.

    Parameters
    ----------
    pieces:
        In the notebook's order.
    beyond:
        How many cells were wished for and not looked at, all of them further away.
    """

    pieces: list[Piece]
    beyond: int = 0


def pieces(notebook: Any, **options: Any) -> list[Piece]:
    """Return the pieces that `look` finds."""
    return look(notebook, **options).pieces


def look(
    notebook: Any,
    *,
    cell_id: str | int | None = None,
    cell_index: int | None = None,
    reach: Literal["around", "all"] = "around",
    sees: bool = False,
    level: Level = "samples",
    room: int | None = None,
) -> Looked:
    """Return the cells around one as pieces; whatever cannot be read is left out.

    Parameters
    ----------
    notebook:
        Of `read`, or any JSON. It is not changed.
    cell_id:
        The cell that asks, by its id or its index from 0; the end of the notebook where it is neither.
    cell_index:
        Where that cell stands, from 0, for a notebook that does not know `cell_id`.
    reach:
        `around`: some cells before and after, with the headings above and the imports. `all`: every cell.
    sees:
        Whether the model takes pictures.
    level:
        How much of the data in outputs is told. At `schema`, and at any that is not known, none is: tables
        have columns and no rows.
    room:
        Characters after which no further cell is looked at; a cell that is larger than that does not count.
    """
    level = level if level in outputs.ROWS else "schema"
    cells, asking, unparsed = near(notebook, cell_id, cell_index)
    payload = notebook.payload if isinstance(notebook, Notebook) else None
    ranks = ranked(cells, asking, reach, new=is_new(cells, asking, cell_id))
    nearest = sorted(ranks, key=lambda at: -ranks[at])
    done = []
    images, spent = MOST_IMAGES, 0
    for at in nearest[:MOST_CELLS]:
        if room is not None and spent > room:
            break
        piece = piece_of(cells[at], ranks[at], sees and images > 0, level, payload)
        if piece is not None:
            images -= len(piece.images)
            spent += len(piece.text) if room is None or len(piece.text) <= room else 0
        done.append((at, piece))
    beyond = len(nearest) - len(done) + (unparsed if reach == "all" else 0)
    return Looked([piece for _, piece in sorted(done, key=lambda one: one[0]) if piece is not None], beyond)


def near(
    notebook: Any, cell_id: str | int | None, cell_index: int | None = None
) -> tuple[list[Cell], int, int]:
    """Return the cells, the index of the one that asks, and how many are too far from it to be parsed."""
    found = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(found, Cells):
        cells = list(cells_of(notebook))
        return cells, placed(place_of(cells, cell_id), len(cells), cell_index), 0
    asking = placed(found.place(cell_id), len(found), cell_index)
    first = last = asking
    room = MOST_PARSED
    while room > 0 and (first > 0 or last < len(found)):
        # The asking cell stands at `last` first of all; then those before and after it, in turns.
        if last < len(found) and (first == 0 or last - asking <= asking - first):
            at = last
            last += 1
        else:
            first -= 1
            at = first
        room -= found.size(at)
    parsed = [found.parsed(at) for at in range(first, last)]
    if None in parsed and isinstance(whole := found.whole(), list):
        # What was cut apart at the cells' brackets were not its cells: it is laid out in another way.
        return near({"cells": whole}, cell_id, cell_index)
    cells = [cell_of(cell, at) for at, cell in enumerate(parsed, first + 1)]
    return cells, asking - first, len(found) - len(cells)


def piece_of(
    cell: Cell, rank: float, sees: bool, level: Level, payload: Callable[[str], str] | None
) -> Piece | None:
    """Return a cell with its outputs as one piece; `None` where it is empty."""
    source = middle_out(base64s.without(cell.source.strip("\n")), MOST_SOURCE)
    found = outputs.reduced(cell.outputs, level=level, sees=sees, payload=payload)
    if not source.strip() and not found.text.strip():
        return None
    text = f"{source}\n[output]\n{found.text}" if found.text.strip() else source
    text = UNSENDABLE.sub("\ufffd", text)
    return Piece("cell", cell.name, text, rank, tuple(found.images))


def ranked(cells: list[Cell], asking: int, reach: str, *, new: bool = False) -> dict[int, float]:
    """Return which cells come, by index, and how much each matters.

    Parameters
    ----------
    new:
        Whether the cell that asks is not among them: it stands before the one at `asking`.
    """
    ranks: dict[int, float] = {}
    above = 7
    for at in range(min(asking, len(cells)) - 1, -1, -1):
        cell, distance = cells[at], asking - at
        if cell.speaks:
            continue
        rank = 1 / (1 + distance**0.5)
        near = reach == "all" or distance <= BEFORE
        depth = cell.depth
        if depth and depth < above:
            # The headings that the asking cell stands under.
            above, rank, near = depth, max(rank, 0.4), True
        if cell.kind == "code" and IMPORT.search(cell.source[:MOST_SOURCE]):
            rank, near = max(rank, 0.35), True
        if near:
            ranks[at] = rank
    for at in range(asking if new else asking + 1, len(cells)):
        distance = at - asking + new
        if not cells[at].speaks and (reach == "all" or distance <= AFTER):
            ranks[at] = 0.6 / (1 + distance**0.5)
    return ranks


def placed(found: int, count: int, cell_index: int | None) -> int:
    """Return the place that was found; where that is the end, the one that is told instead."""
    return found if found < count or cell_index is None else min(cell_index, count)


def is_new(cells: list[Cell], asking: int, cell_id: str | int | None) -> bool:
    """Return whether another cell is at the asking one's place, as that one is not saved yet."""
    own = cells[asking].id if asking < len(cells) else None
    return isinstance(cell_id, str) and own is not None and own != cell_id


def place_of(cells: list[Cell], cell_id: str | int | None) -> int:
    """Return the index of the cell that asks; behind the last one where there is none."""
    if isinstance(cell_id, int) and not isinstance(cell_id, bool) and 0 <= cell_id < len(cells):
        return cell_id
    if isinstance(cell_id, str):
        return next((at for at, cell in enumerate(cells) if cell.id == cell_id), len(cells))
    return len(cells)


def cells_of(notebook: Any) -> Iterator[Cell]:
    """Yield the cells of a notebook of format 1 to 4, numbered from 1."""
    if not isinstance(notebook, dict):
        return
    found = notebook.get("cells")
    lists = [found] if isinstance(found, list) else []
    sheets = notebook.get("worksheets")
    lists += [
        sheet["cells"]
        for sheet in (sheets if isinstance(sheets, list) else ())
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
    ]
    number = 0
    for cells in lists:
        for raw in cells:
            number += 1
            yield cell_of(raw, number)


def cell_of(raw: Any, number: int) -> Cell:
    """Return a cell of any format; what has another type than it should is as if it were not there."""
    if not isinstance(raw, dict):
        return Cell(number, "raw", "")
    kind = raw.get("cell_type")
    source = joined(raw.get("source")) or joined(raw.get("input"))
    if kind == "heading":
        depth = raw.get("level")
        marks = "#" * (depth if isinstance(depth, int) and 1 <= depth <= 6 else 1)
        return Cell(number, "markdown", f"{marks} {source}")
    if kind not in ("code", "markdown", "raw"):
        kind = (
            "code" if "outputs" in raw or "input" in raw else "markdown" if kind in ("html", "rst") else "raw"
        )
    run = raw.get("execution_count", raw.get("prompt_number"))
    return Cell(
        number,
        kind,
        source,
        own_id(raw),
        run if isinstance(run, int) and not isinstance(run, bool) else None,
        raw.get("outputs") if kind == "code" else None,
    )
