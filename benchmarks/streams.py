"""A thousand streams of five events a second through the `openai` backend, beside the upstream itself.

Each stream has 50 words, 200 ms apart: ten seconds at best. The load comes from a process of its own, and
all streams are opened at once. An answer is complete if every word is there, once, in order. A relay of
FastAPI and the openai SDK takes its turn as well where `--relay` has installed it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from typing import Any

from benchmarks.magic import variables
from benchmarks.support.process import cpu_seconds, environment, process, rss
from benchmarks.support.relay import installed, relay
from benchmarks.support.result import Row
from benchmarks.support.server import server
from benchmarks.support.upstream import upstream

ROUNDS = 3
SECONDS = 900
STREAMS, COUNT, GAP = 1000, 50, 0.2
PATIENCE = 120
JSON = {"Content-Type": "application/json"}
OTHERS = {"direct": "the upstream itself", "relay": "FastAPI relay"}


def run(rounds: int, quick: bool) -> list[Row]:
    """Load the upstream and Tether in turn."""
    streams, count = (100, 10) if quick else (STREAMS, COUNT)
    model = f"n={count},gap={GAP}"
    found: dict[str, list[dict[str, Any]]] = {}
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(upstream())
        running = stack.enter_context(server(variables=variables(fake.url, model)))
        asked = {"model": model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        direct = request(fake.port, "/v1/chat/completions", JSON, asked)
        headers = {**running.headers, "Accept": "application/x-ndjson"}
        tether = request(running.port, "/tether/chat/stream", headers, {"message": "hi", "store": False})
        targets = {"direct": (direct, fake.pid), "tether": (tether, running.pid)}
        if installed():
            port, pid = stack.enter_context(relay(fake.url))
            targets["relay"] = request(port, "/chat", JSON, {"model": model, "message": "hi"}), pid
        for target, _ in targets.values():
            load({**target, "streams": 2, "count": count})
        idle = rss(running.pid)
        for number in range(rounds):
            for name in list(targets)[:: 1 if number % 2 == 0 else -1]:
                target, pid = targets[name]
                found.setdefault(name, []).append(
                    measured({**target, "streams": streams, "count": count}, pid)
                )
                if found[name][-1]["late"]:
                    print(f"{name}: {found[name][-1]['late']} streams were not over in time")
        if running.child.poll() is not None:
            raise RuntimeError("The server did not survive.")

    def row(what: str, key: str, unit: str, scale: float = 1, other: str = "direct", **promise: Any) -> Row:
        values = {
            name: [one[key] * scale for one in runs if one[key] is not None] for name, runs in found.items()
        }
        return Row(what, unit, values["tether"], OTHERS[other], values[other], **promise)

    event = 1e6 / (streams * count)
    peaks = [one["peak"] for one in found["tether"]]
    rows = [
        row("complete answers", "complete", "%", 100 / streams, at_least=100, each=True),
        row("wall", "wall", "s", ratio_at_most=1.25),
        row("first word, p50", "p50", "s"),
        row("first word, p95", "p95", "s"),
        row("CPU, set-up included", "cpu", "µs an event", event),
        # Memory that a server has given back to its allocator stays resident: the first round tells most.
        Row("memory, first round", "KB a stream", [(peaks[0] - idle) * 1000 / streams]),
        Row("memory, highest", "MB", [max(peaks)], "idle", [idle]),
    ]
    if "relay" in found:
        rows += [
            row("complete answers", "complete", "%", 100 / streams, "relay"),
            row("wall", "wall", "s", 1, "relay"),
            row("first word, p50", "p50", "s", 1, "relay"),
            row("CPU, set-up included", "cpu", "µs an event", event, "relay"),
        ]
    return rows


def request(port: int, path: str, headers: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """Return what the load generator is told of a target."""
    return {"port": port, "path": path, "headers": headers, "body": json.dumps(body), "seconds": PATIENCE}


def measured(spec: dict[str, Any], pid: int) -> dict[str, Any]:
    """Load a target and return what came of it, with its process's CPU seconds and highest memory."""
    before, peak, ended = cpu_seconds(pid, family=False), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            peak[0] = max(peak[0], rss(pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        found = load(spec)
    finally:
        ended.set()
        watcher.join(5)
    time.sleep(0.5)
    return {**found, "cpu": cpu_seconds(pid, family=False) - before, "peak": peak[0]}


def load(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the load generator once."""
    command = [sys.executable, "-m", "benchmarks.support.load"]
    with process(command, env=environment(), pipes=True) as child:
        try:
            out, _ = child.communicate(json.dumps(spec), timeout=PATIENCE + 60)
        except subprocess.TimeoutExpired:
            raise TimeoutError("The load generator did not end.") from None
    if child.returncode:
        raise RuntimeError("The load generator failed.")
    found: dict[str, Any] = json.loads(out)
    return found
