"""A look at 200 variables, a DataFrame of ten million rows among them: the kernel's time, and the bytes.

Measured in the kernel, by the clock that the probe keeps: seconds of its thread's work and seconds by the
wall. Then from the server's side over the kernel's sockets: idle, and while a cell computes in Python and
while one computes in numpy, both through a subshell.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.support.kernel import kernel
from benchmarks.support.process import environment
from benchmarks.support.result import Row
from tests.support.kernels import Kernel
from tether_jupyter.context.kernels import Kernels, Outcome

ROUNDS = 100
SECONDS = 600
ROWS = 10_000_000
LEVELS = ("schema", "samples", "values")

NAMESPACE = """
import collections, dataclasses, datetime, decimal, pathlib
import numpy as np, pandas as pd
n = {rows}
df = pd.DataFrame({{
    "price": np.random.rand(n), "count": np.arange(n),
    "day": pd.date_range("2000-01-01", periods=n, freq="s"),
    "city": pd.Categorical.from_codes(np.arange(n) % 3, ["Bonn", "Ulm", "Köln"]),
    "maybe": pd.array(np.arange(n), dtype="Int64"), "name": np.where(np.arange(n) % 2, "a", None),
}})
df.loc[::7, "price"] = np.nan
@dataclasses.dataclass
class Point:
    x: int
    y: float
for number in range(199):
    globals()[f"variable_{{number:03}}"] = [
        number, float(number), f"text {{number}}" * 20, list(range(number)), {{"a": 1, "b": [1, 2]}},
        np.random.rand(1000, number + 1), df.iloc[: number + 5], Point(number, 1.5),
        datetime.date(2024, 1, 1), df["price"],
        {{f"key {{k}}": k for k in range(number)}}, (1, "a"), decimal.Decimal(1), lambda x: x,
    ][number % 14]
del number
"""

# Each holds the main thread until the gate opens, the first one with the interpreter's lock all the time.
CELLS = {
    "Python": "count = 0\nwhile not gate.exists():\n    count += sum(range(1000))",
    "numpy": "square = np.random.rand(700, 700)\nwhile not gate.exists():\n    square @ square",
}


def run(rounds: int, quick: bool) -> list[Row]:
    """Look into an idle kernel at each level, then into one that computes."""
    rounds = max(rounds, 20)
    with kernel(environment()) as notebook, TemporaryDirectory(prefix="tether-bench-") as folder:
        made = notebook.run(NAMESPACE.format(rows=ROWS // 100 if quick else ROWS))
        if made.reply["status"] != "ok":
            raise RuntimeError(f"The variables were not made: {made.reply.get('evalue')}")
        return asyncio.run(measured(notebook, Path(folder), rounds))


async def measured(notebook: Kernel, folder: Path, rounds: int) -> list[Row]:
    """Return all rows."""
    kernels = Kernels(lambda _: notebook.manager)
    rows = []
    try:
        begun = time.perf_counter()
        checked(await kernels.look("kernel"))
        rows.append(Row("first look of all, the probe sent", "s", [time.perf_counter() - begun]))
        for level in LEVELS:
            outcomes = [checked(await kernels.look("kernel", level=level)) for _ in range(rounds)]
            work = [outcome.work for outcome in outcomes]
            rows += [
                *parts(f"{level}: kernel time", work, at_most=0.05),
                Row(f"{level}: bytes", "B", [size(o) for o in outcomes], at_most=8192, each=True),
                Row(f"{level}: variables told", "", [len(told(o)) for o in outcomes]),
                Row(f"{level}: the large table's columns told", "", [large(o) for o in outcomes], at_least=6),
                *parts(f"{level}: there and back", [outcome.seconds for outcome in outcomes]),
            ]
        for name, code in CELLS.items():
            rows += await while_running(notebook, kernels, folder / name, name, code, rounds)
    finally:
        await kernels.close()
    return rows


async def while_running(
    notebook: Kernel, kernels: Kernels, gate: Path, name: str, code: str, rounds: int
) -> list[Row]:
    """Look, and ask how far it is, while a cell computes."""
    before = f"import pathlib\ngate = pathlib.Path({str(gate)!r})\nprint('begun', flush=True)\n"
    request = notebook.start(before + code)
    notebook.finish(request, lambda message: message["content"].get("text") == "begun\n")
    try:
        looks = [checked(await kernels.look("kernel")) for _ in range(rounds)]
        asked = [checked(await kernels.running("kernel")) for _ in range(rounds)]
        if not all(outcome.found and outcome.found["running"] for outcome in asked):
            raise RuntimeError("The running cell was not seen.")
    finally:
        await asyncio.to_thread(gate.touch)
    notebook.finish(request)
    return [
        *parts(f"while {name} computes: kernel time", [o.work for o in looks], at_most=0.05),
        *parts(f"while {name} computes: a look, there and back", [o.seconds for o in looks], at_most=0.3),
        *parts(f"while {name} computes: how far is it", [o.seconds for o in asked], at_most=0.3),
    ]


def parts(what: str, samples: list[float], at_most: float | None = None) -> list[Row]:
    """Return the median with its range, and the 95th percentile, which the promise is about."""
    high = sorted(samples)[min(len(samples) - 1, round(0.95 * len(samples)))]
    return [Row(what, "s", samples), Row(f"{what}, p95", "s", [high], at_most=at_most)]


def checked(outcome: Outcome) -> Outcome:
    """Return an outcome that is an answer."""
    if outcome.problem is not None or outcome.found is None:
        raise RuntimeError(f"The kernel did not answer: {outcome.problem}")
    return outcome


def told(outcome: Outcome) -> list[Any]:
    """Return the variables of a look."""
    return list((outcome.found or {})["variables"])


def large(outcome: Outcome) -> int:
    """Return how many columns are told of the table of ten million rows."""
    found = next((variable for variable in told(outcome) if variable["name"] == "df"), {})
    return len(found.get("columns", []))


def size(outcome: Outcome) -> int:
    """Return the bytes of a look as JSON."""
    return len(json.dumps(outcome.found, ensure_ascii=False).encode())
