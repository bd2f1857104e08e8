"""CPU seconds of `jupyter lab` until it answers, with Tether and without.

The whole process tree counts. Without means that the server extension and the lab extension are both
disabled in the same environment. The second pair of rows runs behind a proxy that accepts and never answers,
and with a hook that notes every name looked up and every address called. What is put off until after the
first answer is in the rows that look two seconds later.
"""

from __future__ import annotations

import time

from benchmarks.support.egress import black_hole
from benchmarks.support.process import cpu_seconds
from benchmarks.support.result import Row
from benchmarks.support.server import server

ROUNDS = 7
SECONDS = 900
SETTLED = 2.0


def run(rounds: int, quick: bool) -> list[Row]:
    """Start servers in turn: plain, with Tether, and both again with egress black-holed."""
    found: dict[tuple[bool, bool], list[tuple[float, float, float]]] = {}
    tries: dict[bool, list[str]] = {True: [], False: []}
    cases = [(enabled, cut_off) for cut_off in (False, True) for enabled in (False, True)]
    start(True, {})
    for number in range(rounds):
        for enabled, cut_off in cases[:: 1 if number % 2 else -1]:
            with black_hole() as hole:
                variables = {**hole.proxies, **hole.hook} if cut_off else {}
                found.setdefault((enabled, cut_off), []).append(start(enabled, variables))
                tries[enabled] += hole.tries()
    for attempt in sorted(set(tries[True])):
        print(f"reached for the network: {attempt}")
    plain = "without Tether"

    def row(what: str, part: int, unit: str, cut_off: bool, limit: float | None = None) -> Row:
        tether, other = ([one[part] for one in found[enabled, cut_off]] for enabled in (True, False))
        return Row(what, unit, tether, plain, other, ratio_at_most=limit)

    return [
        row("CPU to the first answer", 0, "s", False, 1.10),
        row("CPU to the first answer, egress black-holed", 0, "s", True, 1.10),
        row("CPU to two seconds later", 1, "s", False),
        row("CPU to two seconds later, egress black-holed", 1, "s", True),
        row("wall to the first answer", 2, "s", False),
        row("wall to the first answer, egress black-holed", 2, "s", True),
        Row("attempts to reach the network", "", [len(tries[True])], plain, [], at_most=0),
    ]


def start(enabled: bool, variables: dict[str, str]) -> tuple[float, float, float]:
    """Start JupyterLab and return its CPU seconds to ready and two seconds later, and the wall to ready."""
    with server(kind="jupyterlab", enabled=enabled, variables=variables, wait=False) as lab:
        wall = lab.wait()
        ready = cpu_seconds(lab.pid)
        time.sleep(SETTLED)
        later = cpu_seconds(lab.pid)
        there = lab.get("tether/health")[0] != 404
        if there is not enabled:
            raise RuntimeError(f"Tether should be {'there' if enabled else 'away'}, and is not.")
    return ready, later, wall
