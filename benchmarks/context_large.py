"""What a notebook of 40 MB adds to a question: read anew each time, reduced, fitted and masked.

The notebooks are written for the run: 80 plots in base64, as Jupyter writes them; the same with the line
breaks of older ones; for a model that sees, which gets the nearest pictures; and, of other kinds, one long
text in HTML, a hundred thousand printed lines in each of ten cells, and twenty thousand cells of words.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.result import Row
from tether_jupyter.context import reading
from tether_jupyter.context.budget import CHARACTERS_PER_TOKEN, Counted, fit
from tether_jupyter.context.notebook import look, read
from tether_jupyter.context.secrets import Masker

ROUNDS = 15
SECONDS = 1200
MEGABYTES = 40
AT_MOST = 100
BUDGET = 4_000
"""Tokens."""
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\x80\0\0\1\xe0"


def output(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def notebook(outputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a notebook with these outputs, one a cell, and text between."""
    cells: list[dict[str, Any]] = []
    for number, one in enumerate(outputs):
        source = f"fig, ax = plt.subplots()\nax.plot(df.index, df.value_{number})"
        cells.append(
            {"cell_type": "markdown", "id": f"m{number}", "metadata": {}, "source": "# Step\nwords " * 20}
        )
        cells.append(
            {
                "cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": number,
                "source": source, "outputs": [one],
            }
        )  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def plots(wrapped: bool) -> dict[str, Any]:
    """Return a notebook of 80 pictures of noise."""
    noise = random.Random(1)  # noqa: S311 - what stands in a picture does not matter
    found = []
    for _ in range(80):
        body = b64encode(PNG + noise.randbytes(MEGABYTES * 1_000_000 * 3 // 4 // 80)).decode()
        if wrapped:
            body = "\n".join(body[at : at + 76] for at in range(0, len(body), 76)) + "\n"
        found.append(output(**{"image/png": body, "text/plain": "<Figure size 640x480 with 1 Axes>"}))
    return notebook(found)


def html() -> dict[str, Any]:
    """Return a notebook with one page of HTML."""
    return notebook(
        [output(**{"text/html": "<p class='a'>words and words</p>\n" * (MEGABYTES * 1_000_000 // 33)})]
    )


def lines() -> dict[str, Any]:
    """Return a notebook of ten cells that print."""
    text = [f"step {number}: loss 0.{number}\n" for number in range(MEGABYTES * 1_000_000 // 300)]
    return notebook([{"output_type": "stream", "name": "stdout", "text": text} for _ in range(10)])


def words() -> dict[str, Any]:
    """Return a notebook of twenty thousand cells that explain, compute and print."""
    cells: list[dict[str, Any]] = []
    for number in range(MEGABYTES * 1_000_000 // 4_000):
        text = [f"Paragraph {number}.{line}: the quick brown fox jumps over it.\n" for line in range(25)]
        code = [f"x{line} = compute(df, {line}, mode='abc', level={number})\n" for line in range(20)]
        cells.append({"cell_type": "markdown", "id": f"m{number}", "metadata": {}, "source": text})
        cells.append(
            {
                "cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": number,
                "source": code, "outputs": [{"output_type": "stream", "name": "stdout", "text": text[:8]}],
            }
        )  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def count(texts: Sequence[str]) -> list[int]:
    """Stand in for a tokenizer."""
    return [len(text) // 4 + 1 for text in texts]


def added(path: Path, sees: bool, forget: bool) -> float:
    """Return the milliseconds of one question."""
    if forget:
        reading.SHELF.clear()
    begun = time.perf_counter()
    looked = look(read(path), reach="all", sees=sees, room=2 * CHARACTERS_PER_TOKEN * BUDGET)
    fitted = fit(looked.pieces, BUDGET, Counted(count))
    Masker().mask_all([piece.text for piece in fitted.kept])
    spent = time.perf_counter() - begun
    if not fitted.kept:
        raise RuntimeError("nothing was read")
    return 1e3 * spent


CASES: Sequence[tuple[str, Callable[[], dict[str, Any]], bool, bool, float | None]] = (
    ("plots", lambda: plots(wrapped=False), False, True, AT_MOST),
    ("plots, to a model that sees", lambda: plots(wrapped=False), True, True, AT_MOST),
    ("plots in lines", lambda: plots(wrapped=True), False, True, AT_MOST),
    ("plots, unchanged since the last question", lambda: plots(wrapped=False), False, False, AT_MOST),
    ("one page of HTML", html, False, True, AT_MOST),
    ("a million printed lines", lines, False, True, AT_MOST),
    ("twenty thousand cells of words and code", words, False, True, AT_MOST),
)


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask about each notebook in turn."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make, sees, forget, most in CASES:
            path = Path(folder) / "large.ipynb"
            path.write_text(json.dumps(make(), indent=1, ensure_ascii=False), encoding="utf-8")
            added(path, sees, forget)
            samples = [added(path, sees, forget) for _ in range(rounds)]
            size = path.stat().st_size / 1e6
            rows.append(Row(f"{size:.0f} MB, {name}", "ms", samples, at_most=most))
    return rows
