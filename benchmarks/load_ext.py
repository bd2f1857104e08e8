"""`%load_ext tether_jupyter` in a fresh kernel: time, memory, and nothing that reaches for the network.

Timed by the kernel's own clock; memory is the growth of its resident set. Every second kernel runs behind a
proxy that accepts and never answers, and notes every name that is looked up and every address called.
"""

from __future__ import annotations

import ast

from benchmarks.support.egress import black_hole
from benchmarks.support.kernel import kernel
from benchmarks.support.process import environment
from benchmarks.support.result import Row

ROUNDS = 5
SECONDS = 300
CODE = """
import os, time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
before, begun = resident(), time.perf_counter()
get_ipython().run_line_magic("load_ext", {name!r})
spent, grown = time.perf_counter() - begun, resident() - before
"""


def run(rounds: int, quick: bool) -> list[Row]:
    """Load it into fresh kernels, half of them cut off."""
    plain: list[tuple[float, float]] = []
    cut_off: list[tuple[float, float]] = []
    tries: list[str] = []
    for number in range(2 * rounds):
        # They take turns at coming first: off, on, on, off.
        if number % 4 in (0, 3):
            plain.append(load("tether_jupyter", environment()))
            continue
        with black_hole() as hole:
            cut_off.append(load("tether_jupyter", environment(**hole.proxies, **hole.hook)))
            tries += hole.tries()
    for attempt in sorted(set(tries)):
        print(f"reached for the network: {attempt}")
    times, sizes = [t for t, _ in plain], [m for _, m in plain]
    return [
        Row("time", "s", times, at_most=0.1),
        Row("time, egress black-holed", "s", [t for t, _ in cut_off], "with egress", times, at_most=0.1),
        Row("memory", "MB", sizes, at_most=25),
        Row("attempts to reach the network", "", [len(tries)], at_most=0),
    ]


def load(name: str, variables: dict[str, str]) -> tuple[float, float]:
    """Return the seconds that an extension takes to load into a fresh kernel, and the MB that it adds."""
    with kernel(variables) as fresh:
        ran = fresh.run(CODE.format(name=name))
        if ran.reply["status"] != "ok":
            raise RuntimeError(f"{name} does not load: {ran.reply.get('evalue')}")
        spent, grown = ast.literal_eval(fresh.value("(spent, grown)"))
    return float(spent), float(grown)
