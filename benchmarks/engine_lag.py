"""How late the Jupyter server's event loop is while the engine runs flat out with eight streams.

A real server with a timer of two milliseconds in its own loop; the engine computes in its worker with as many
threads as there are cores, and eight callers read answers over HTTP without pause. Beside it the same server
before anybody asks.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any, Self

from benchmarks.support import models
from benchmarks.support.lag import PATH
from benchmarks.support.process import ROOT
from benchmarks.support.result import Row
from benchmarks.support.server import EXTENSION, Server, server
from benchmarks.support.turns import SLOTS, spread

ROUNDS = 3
SECONDS = 1200
WINDOW, QUICK_WINDOW = 10.0, 3.0
PROMPT, ANSWER = 200, 200
START_SECONDS = 120
AT_MOST = 20.0


def run(rounds: int, quick: bool) -> list[Row]:
    """Start a server, watch it idle, load it, watch it again."""
    window = QUICK_WINDOW if quick else WINDOW
    model = models.random_model()
    idle: list[list[float]] = []
    busy: list[list[float]] = []
    speeds: list[float] = []
    config: dict[str, dict[str, Any]] = {
        "Tether": {"backend": "local"},
        "LocalLLM": {"model_path": str(model), "n_threads": os.cpu_count() or 1, "context_length": 1024},
        "ServerApp": {"jpserver_extensions": {EXTENSION: True, "benchmarks.support.lag": True}},
    }
    with server(config=config, variables={"PYTHONPATH": str(ROOT)}) as running:
        ask(running, number=0, tokens=8)
        for number in range(rounds):
            time.sleep(1)  # What the last answers have left behind is not idleness.
            idle.append(samples(running, window))
            with Callers(running, SLOTS, number) as callers:
                callers.wait()
                before, begun = callers.pieces, time.perf_counter()
                busy.append(samples(running, window))
                speeds.append((callers.pieces - before) / (time.perf_counter() - begun))

    def row(what: str, share: float, most: float | None = None) -> Row:
        ours, quiet = ([spread(one, share) * 1000 for one in found] for found in (busy, idle))
        return Row(f"event-loop lag, {what}", "ms", ours, "idle", quiet, at_most=most)

    return [
        row("p99", 0.99, AT_MOST),
        row("p50", 0.5),
        row("highest", 1.0),
        Row("pieces of answers meanwhile", "a second", speeds),
    ]


def samples(running: Server, seconds: float) -> list[float]:
    """Return what the loop's timer notes in so many seconds from now, in seconds."""
    status, body = running.get(PATH)
    if status != 200:
        raise RuntimeError("The server does not watch its event loop.")
    time.sleep(seconds)
    found: list[float] = json.loads(running.get(f"{PATH}?after={json.loads(body)['count']}")[1])["samples"]
    return found


def ask(running: Server, number: int, tokens: int) -> int:
    """Ask one question to its end; return how many pieces the answer had."""
    question = {"message": models.text(PROMPT, 80_000 + number), "max_tokens": tokens, "store": False}
    pieces = 0
    for _, event in running.events(question):
        pieces += "delta" in event
        if "error" in event:
            raise RuntimeError(f"The server failed: {event['error']['message']}")
    return pieces


class Callers:
    """Threads that ask one question after the other until the block is left."""

    def __init__(self, running: Server, count: int, seed: int) -> None:
        self.running = running
        self.pieces = 0
        self.failure: Exception | None = None
        self._seed = seed * 1_000_000
        self._count = count
        self._begun = threading.Semaphore(0)
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(n,), daemon=True) for n in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(START_SECONDS)
        if self.failure is not None:
            raise self.failure

    def wait(self) -> None:
        """Return when every caller has heard something."""
        for _ in range(self._count):
            if not self._begun.acquire(timeout=START_SECONDS):
                raise self.failure or TimeoutError("The engine does not answer eight callers at once.")

    def _call(self, caller: int) -> None:
        number = 0
        try:
            while not self._ended.is_set():
                question = {
                    "message": models.text(PROMPT, self._seed + 1000 * caller + number),
                    "max_tokens": ANSWER,
                    "store": False,
                }
                for _, event in self.running.events(question):
                    if "error" in event:
                        raise RuntimeError(f"The server failed: {event['error']['message']}")
                    if "delta" in event:
                        with self._lock:
                            self.pieces += 1
                        if number == 0:
                            self._begun.release()
                            number += 1
                    if self._ended.is_set():
                        break
                number += 1
        except Exception as reason:  # noqa: BLE001 - it is raised where the block is left
            self.failure = reason
            self._begun.release()
