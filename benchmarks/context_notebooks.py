"""Real notebooks through the context builder: exceptions, what is over the budget, base64, and the time.

The notebooks are those of the folder that TETHER_BENCH_NOTEBOOKS names, at any depth; without it, the few
examples of the repository, which promise little. Of each, the end and three cells in it ask, at every level,
with all cells and with those around, for a model that sees, in 500 and in 4,000 tokens of four characters.
Nothing is kept between two questions.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.support.process import ROOT
from benchmarks.support.result import Row
from tether_jupyter.context import reading
from tether_jupyter.context.budget import Counted, fit
from tether_jupyter.context.notebook import pieces, read
from tether_jupyter.context.secrets import Masker

ROUNDS = 1
SECONDS = 3600
QUICK = 60
BUDGETS = (500, 4000)
LEVELS: Sequence[Any] = ("schema", "samples", "values")
REACHES: Sequence[Any] = ("around", "all")
BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}|(?=[A-Za-z0-9_-]*[A-Za-z0-9])[A-Za-z0-9_-]{200,}")
# Read before the benchmarks' own environment takes the place of the caller's.
FOLDER = os.environ.get("TETHER_BENCH_NOTEBOOKS") or str(ROOT / "notebooks")


def notebooks() -> list[Path]:
    """Return the files of the folder that the environment names.

    Raises
    ------
    RuntimeError
        There is no notebook in it.
    """
    found = sorted(Path(FOLDER).expanduser().rglob("*.ipynb"))
    if not found:
        raise RuntimeError(f"There is no notebook in {FOLDER}.")
    return found


def count(texts: Sequence[str]) -> list[int]:
    """Stand in for a tokenizer."""
    return [len(text) // 4 + 1 for text in texts]


def asked(path: Path) -> Iterator[tuple[list[Any], int, float]]:
    """Yield the pieces of each way to ask, the budget, and the seconds that all of it took."""
    size = len(read(path).get("cells") or [])
    for cell, level, reach, budget in product({None, 0, size // 2, size - 1}, LEVELS, REACHES, BUDGETS):
        reading.SHELF.clear()
        begun = time.perf_counter()
        found = pieces(read(path), cell_id=cell, reach=reach, sees=True, level=level)
        fitted = fit(found, budget, Counted(count))
        masked = Masker().mask_all([piece.text for piece in fitted.kept]).texts
        spent = time.perf_counter() - begun
        yield [found, fitted, masked], budget, spent


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask in every way, in each round."""
    paths = notebooks()
    paths = paths[:: max(1, len(paths) // QUICK)] if quick else paths
    bad: Counter[str] = Counter()
    seconds: list[list[float]] = []
    for _ in range(rounds):
        took: list[float] = []
        for path in paths:
            try:
                for (found, fitted, masked), budget, spent in asked(path):
                    took.append(spent)
                    used = sum(count([f"{piece.name}\n{piece.text}" for piece in fitted.kept]))
                    bad["over"] += used > budget or fitted.tokens > budget
                    bad["silent"] += len(fitted.kept) + len(fitted.left_out) != len(found)
                    bad["base64"] += any(BASE64.search(text) for text in masked)
            except Exception as error:  # noqa: BLE001 - that there is none is what is measured
                bad["exceptions"] += 1
                print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr)
        seconds.append(took)
    asks = sum(map(len, seconds))
    return [
        Row(f"exceptions, {len(paths)} notebooks asked {asks:,} times", "", [bad["exceptions"]], at_most=0),
        Row("over the budget", "", [bad["over"]], at_most=0),
        Row("pieces neither kept nor listed", "", [bad["silent"]], at_most=0),
        Row("with base64", "", [bad["base64"]], at_most=0),
        Row(
            "read, reduced, fitted and masked: p50", "ms", [1e3 * statistics.median(took) for took in seconds]
        ),
        Row("p95", "ms", [1e3 * statistics.quantiles(took, n=20)[-1] for took in seconds], at_most=100),
        Row("slowest", "ms", [1e3 * max(took) for took in seconds]),
    ]
