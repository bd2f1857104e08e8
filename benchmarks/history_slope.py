"""24,000 kept turns one after another in one server: its memory, and whether it slows down.

Answers of five words come from a fake API. A new conversation begins every 50 turns. Memory is that of the
server's process, looked at 48 times; its slope is that of the straight line nearest to what was seen after
the first fifth.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time

from benchmarks.magic import variables
from benchmarks.support.process import rss
from benchmarks.support.result import Row
from benchmarks.support.server import Server, server
from benchmarks.support.upstream import upstream

ROUNDS = 1
SECONDS = 3600
TURNS, QUICK = 24_000, 1_200
LOOKS = 48
LONGEST = 50
"""Turns of a conversation."""


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask so many times."""
    turns = QUICK if quick else TURNS
    slopes, ratios, paces, growths = [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder, upstream() as fake:
            # Not the mock, which keeps every prompt that it was ever shown.
            given = {**variables(fake.url, "n=5"), "DATABASE_URL": f"sqlite:///{folder}/history.db"}
            with server(variables=given) as running:
                memory, times = load(running, turns)
        later = memory[LOOKS // 5 :]
        slopes.append(slope(later))
        growths.append(later[-1][1] - later[0][1])
        tenth = turns // 10
        ratios.append(statistics.median(times[-tenth:]) / statistics.median(times[tenth : 2 * tenth]))
        paces.append(1000 * statistics.median(times))
    return [
        # What is filled once, such as caches, is most of what so few turns show.
        Row("memory slope", "KiB a turn", slopes, at_most=None if quick else 1.0, each=True),
        Row("memory gained after the first fifth", "MB", growths),
        Row("last tenth's turns, of the second tenth's", "×", ratios, at_most=1.1, each=True),
        Row("a turn", "ms", paces),
    ]


def load(running: Server, turns: int) -> tuple[list[tuple[int, float]], list[float]]:
    """Ask; return the memory in MB at some turns, and each turn's seconds."""
    memory: list[tuple[int, float]] = []
    times: list[float] = []
    conversation: str | None = None
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    for number in range(turns):
        if number % LONGEST == 0:
            conversation = None
        body = {"message": f"question {number} " + "words " * 20, "conversation_id": conversation}
        begun = time.perf_counter()
        connection.request("POST", "/tether/chat", json.dumps(body), running.headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        times.append(time.perf_counter() - begun)
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {answer}")
        conversation = answer["conversation_id"]
        if number % max(turns // LOOKS, 1) == 0:
            memory.append((number, rss(running.pid)))
    connection.close()
    return memory, times


def slope(points: list[tuple[int, float]]) -> float:
    """Return the slope of the nearest straight line, from MB to KiB a turn."""
    turns, sizes = zip(*points, strict=True)
    return statistics.linear_regression(turns, sizes).slope * 1e6 / 1024
