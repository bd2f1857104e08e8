"""Tables as CSV: whole where they are short, else their columns, their size and their two ends."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Sequence
from typing import IO

from tether_jupyter.core.sizes import human
from tether_jupyter.store.extract import Extract

WHOLE = 20_000
"""Bytes of a table that is given as it stands."""
FIRST, LAST = 20, 10
MAX_COLUMNS = 200
MAX_CELL = 200
SAMPLE = 8192
csv.field_size_limit(1 << 20)


def read(file: IO[bytes], encoding: str) -> Extract:
    """Return a table's text, or a digest of it."""
    size = file.seek(0, 2)
    file.seek(0)
    lines = io.TextIOWrapper(file, encoding, newline="")
    dialect = dialect_of(lines.read(SAMPLE))
    lines.seek(0)
    rows = csv.reader(lines, dialect)
    header = next(rows, [])
    first: list[list[str]] = []
    last: deque[list[str]] = deque(maxlen=LAST)
    count = 0
    where: str | None = None
    try:
        for row in rows:
            count += 1
            if len(first) < FIRST:
                first.append(row)
            else:
                last.append(row)
    except csv.Error:
        where = f"Row {count + 2} cannot be read as CSV: what follows it is not counted."
    facts = {"rows": count, "columns": len(header)}
    if size <= WHOLE:
        lines.seek(0)
        text = lines.read()
        return Extract(text, facts=facts) if text.strip() else Extract(problem="The table is empty.")
    named = ", ".join(shown(cell) for cell in header[:MAX_COLUMNS])
    parts = [f"A table of {count:,} rows and {len(header):,} columns: {named}", written([header, *first])]
    left = count - len(first) - len(last)
    if left > 0:
        parts.append(f"[{left:,} rows are left out]")
    if last:
        parts.append(written(last))
    missing = f"Of its {human(size)} the first {len(first)} and the last {len(last)} rows are read."
    return Extract(
        "\n".join(parts), " ".join(filter(None, [missing if left > 0 else None, where])) or None, facts
    )


def dialect_of(sample: str) -> type[csv.Dialect]:
    """Return how a table is written: Excel's way, unless the sample shows another separator."""
    try:
        return csv.Sniffer().sniff(sample, delimiters=",;\t|")
    except csv.Error:
        return csv.excel


def written(rows: Sequence[list[str]] | deque[list[str]]) -> str:
    """Return rows as CSV, with long cells and many columns cut."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        cells = [shown(cell) for cell in row[:MAX_COLUMNS]]
        writer.writerow([*cells, f"… {len(row) - MAX_COLUMNS:,} more"] if len(row) > MAX_COLUMNS else cells)
    return out.getvalue().rstrip("\n")


def shown(cell: str) -> str:
    """Return a cell, cut where it is long."""
    return cell if len(cell) <= MAX_CELL else f"{cell[:MAX_CELL]}…"
