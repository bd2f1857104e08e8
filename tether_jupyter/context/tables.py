"""Tables in outputs: their shape, their columns and their first rows."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tether_jupyter.context import gaps
from tether_jupyter.context.markup import TOKEN, closed

MOST_HTML = 24_000
"""Characters of a table in HTML that are looked at: the head is what is wanted."""
MOST_COLUMNS, LONGEST_CELL = 30, 60
HEAD = 5

SHAPE = re.compile(r"(\d[\d,]*) rows? [×x] (\d[\d,]*) columns?")
BRACKETED = re.compile(r"\n*\[(\d+) rows x (\d+) columns\]\s*\Z")


@dataclass(slots=True)
class Table:
    """A table's head.

    Parameters
    ----------
    columns, rows:
        As far as they were read. A cell is one line.
    shape:
        Rows and columns of the whole, as far as it says so or could be counted.
    more:
        Whether there are rows that nobody has counted.
    """

    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    shape: tuple[int | None, int | None] = (None, None)
    more: bool = False

    def render(self, most: int = HEAD) -> str:
        """Return the shape, the columns, and at most so many rows, a line each."""
        height, width = self.shape
        size = " × ".join(filter(None, [count(height, "row"), count(width, "column")]))
        lines = [f"[table, {size}]" if size else "[table]"]
        if self.columns:
            lines.append(line(self.columns))
        lines += [line(row) for row in self.rows[:most]]
        if height is not None and self.rows and most and height > len(self.rows[:most]):
            lines.append(f"[… {height - len(self.rows[:most]):,} more rows]")
        elif height is None and self.more:
            lines.append("[… more rows]")
        return "\n".join(lines)


def count(number: int | None, noun: str) -> str:
    return "" if number is None else f"{number:,} {noun}{'' if number == 1 else 's'}"


def line(cells: Sequence[str]) -> str:
    """Return cells as a line, without those beyond what anybody reads."""
    shown = [
        cell if len(cell) <= LONGEST_CELL else cell[: LONGEST_CELL - 1] + "…" for cell in cells[:MOST_COLUMNS]
    ]
    more = [f"… {len(cells) - MOST_COLUMNS:,} more"] if len(cells) > MOST_COLUMNS else []
    return " | ".join([*shown, *more])


def from_html(source: str) -> Table | None:
    """Return the first table of HTML; `None` where there is none with at least two rows."""
    lower = source[:200_000].lower()
    start = lower.find("<table")
    if start < 0:
        return None
    head = closed(source[start : start + MOST_HTML])
    grid: list[tuple[bool, list[str]]] = []
    cell: list[str] | None = None
    at = 0
    for token in TOKEN.finditer(head):
        if cell is not None:
            cell.append(head[at : token.start()])
        at = token.end()
        tag = (token["tag"] or "").lower()
        if tag in ("tr", "td", "th") and cell is not None and grid:
            grid[-1][1].append(clean("".join(cell)))
            cell = None
        if token["close"]:
            if tag == "table":
                break
            continue
        if tag == "tr":
            if len(grid) > 2 * HEAD + 20:
                break
            grid.append((True, []))
        elif tag in ("td", "th"):
            if not grid:
                grid.append((True, []))
            if tag == "td":
                grid[-1] = (False, grid[-1][1])
            cell = []
            span = re.search(r"colspan=[\"']?(\d{1,3})", token["more"] or "")
            grid[-1][1].extend([""] * (int(span[1]) - 1 if span else 0))
    grid = [one for one in grid if one[1]]
    if len(grid) < 2:
        return None
    heads: list[list[str]] = []
    while grid and grid[0][0] and len(heads) < 3:
        heads.append(grid.pop(0)[1])
    columns = heads[0] if heads else []
    if len(heads) > 1 and not any(heads[-1][1:]):
        # The line with the index's name has no other cells.
        columns = [heads[-1][0] or columns[0], *columns[1:]]
    rows = [cells for _, cells in grid]
    stated = SHAPE.search(source, max(0, len(source) - 2_000))
    width = len(columns or rows[0])
    more = bool(gaps.bytes_in(source))
    shape: tuple[int | None, int | None]
    if stated:
        shape = (number(stated[1]), number(stated[2]))
    else:
        tags = source.count("<tr", start)
        index = bool(columns) and not columns[0]
        shape = (None if more else max(len(rows), tags - len(heads)), width - index)
    return Table(columns, rows, shape, more)


def number(text: str) -> int:
    return int(text.replace(",", "")[:18] or 0)


def clean(text: str) -> str:
    return " ".join(html.unescape(text).split())


def from_resource(value: Any) -> Table | None:
    """Return the table of a `application/vnd.dataresource+json`; `None` where it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        return None
    schema = value.get("schema")
    fields = schema.get("fields") if isinstance(schema, dict) else None
    names = (
        [str(one.get("name")) for one in fields if isinstance(one, dict)] if isinstance(fields, list) else []
    )
    data = value["data"]
    if not names and data and isinstance(data[0], dict):
        names = [str(name) for name in data[0]]
    rows = [
        [clean(str(row.get(name, ""))[:200]) for name in names]
        if isinstance(row, dict)
        else [clean(str(row)[:200])]
        for row in data[: 4 * HEAD]
    ]
    return Table(names, rows, (len(data), len(names)))


def from_plain(text: str) -> Table | None:
    """Return the table of a printed pandas frame that tells its own shape; `None` for any other text."""
    stated = BRACKETED.search(text, max(0, len(text) - 200))
    if stated is None:
        return None
    lines = [one.rstrip() for one in text[: stated.start()][:MOST_HTML].split("\n")]
    rows = [one for one in lines[1:] if one.strip(" .")]
    return Table(
        [lines[0].rstrip("\\ ")],
        [[one.rstrip("\\ ")] for one in rows],
        (number(stated[1]), number(stated[2])),
    )
