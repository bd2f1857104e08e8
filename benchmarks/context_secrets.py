"""Secrets planted where people leave them, anew in each round: how many get out, and what else is masked.

The places are those of `tests/support/planted.py`, in cells, outputs, variables and files; each goes through
what a question does to its context, at the level that tells most. What else is masked is counted in the real
notebooks of the folder that TETHER_BENCH_NOTEBOOKS names, and shown to be looked at.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from benchmarks import context_notebooks
from benchmarks.support.result import Row
from tests.support.planted import Planted, plant
from tether_jupyter.context.notebook import pieces, read
from tether_jupyter.context.secrets import Masker
from tether_jupyter.context.variables import render

ROUNDS = 20
SECONDS = 3600
MOST_SHOWN = 40


def sent(planted: Planted) -> list[str]:
    """Return what would be sent of one place."""
    masker = Masker()
    texts = [piece.text for piece in pieces({"cells": planted.cells or []}, reach="all", level="values")]
    texts += [render(variable, "values") for variable in masker.mask_variables(planted.variables or [])]
    texts += [planted.file] if planted.file else []
    return masker.mask_all(texts).texts


def touched(paths: list[Path]) -> tuple[int, int]:
    """Return how many cells there are, and in how many something is masked."""
    cells = changed = 0
    for path in paths:
        found = pieces(read(path), reach="all", level="values")
        texts = [piece.text for piece in found]
        for before, after in zip(texts, Masker().mask_all(texts).texts, strict=True):
            cells += 1
            changed += before != after
            if before != after and changed <= MOST_SHOWN:
                lines = zip(before.split("\n"), after.split("\n"), strict=False)
                line = next((shown for old, shown in lines if old != shown), "")
                print(f"  {path.name[-50:]}: {line[:160]}", file=sys.stderr)
    return cells, changed


def run(rounds: int, quick: bool) -> list[Row]:
    """Plant in every round; read the notebooks once."""
    out: list[float] = []
    places = 0
    for _ in range(rounds):
        seed = secrets.randbits(48)
        planted = plant(seed)
        places = len(planted)
        leaks = [one.place for one in planted if one.gets_out(sent(one))]
        out.append(len(leaks))
        if leaks:
            print(f"seed {seed}: {', '.join(leaks)}", file=sys.stderr)
    paths = context_notebooks.notebooks()
    cells, changed = touched(paths[:: max(1, len(paths) // 60)] if quick else paths)
    real = f"cells with a mask, of {cells:,} in {len(paths)} notebooks"
    return [
        Row(f"secrets that get out of {places} places", "", out, at_most=0, each=True),
        Row(real, "", [changed], note="real secrets among them"),
        Row("the same, of 1,000", "", [1000 * changed / max(1, cells)], at_most=1 if cells >= 1000 else None),
    ]
