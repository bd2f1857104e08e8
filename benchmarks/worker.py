"""The worker process killed with signal 9 in the middle of an answer: what the caller sees, and how soon.

A model of 25 million random weights, made on the spot. Timed from the signal to the typed error, and from
there to the first token of the next answer, which a new worker gives. A new server each round, because after
three crashes within a minute it rightly starts no fourth worker.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.support.process import child_named, wait_until
from benchmarks.support.result import Row
from benchmarks.support.server import server
from tests.support.tiny_gguf import SLOW, write

ROUNDS = 5
SECONDS = 600
WORKER = "tether_jupyter.llm.local.worker"
QUESTION = {"message": "hi", "store": False, "max_tokens": 3000}


def run(rounds: int, quick: bool) -> list[Row]:
    """Kill one worker a round."""
    errors, answers, survived = [], [], []
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder:
        model = write(Path(folder) / "slow.gguf", shape=SLOW)
        for _ in range(rounds):
            error, answer, same = crash(model)
            errors.append(error)
            answers.append(answer)
            survived.append(100.0 * same)
    return [
        Row("signal to typed error event", "s", errors, at_most=2, each=True),
        Row("error to the next answer's first token", "s", answers, at_most=5, each=True),
        Row("same server process", "%", survived, at_least=100, each=True),
    ]


def crash(model: Path) -> tuple[float, float, bool]:
    """Kill a worker in mid-answer; return both times, and whether the server is the same one and well."""
    config: dict[str, dict[str, Any]] = {
        "Tether": {"backend": "local"},
        "LocalLLM": {"model_path": str(model), "n_threads": 1},
    }
    with server(config=config) as running:
        killed = 0.0
        error: tuple[float, str] | None = None
        for at, event in running.events(QUESTION):
            if "delta" in event and not killed:
                pid = wait_until(lambda: child_named(running.pid, WORKER), 5, "The worker's appearance")
                killed = time.perf_counter()
                os.kill(pid, signal.SIGKILL)
            elif "error" in event:
                error = at - killed, event["error"]["type"]
        if not killed or error is None or error[1] != "engine_crashed":
            raise RuntimeError(f"The answer did not end as a crash should: {error}")
        asked = time.perf_counter()
        first = next(
            (at for at, event in running.events({**QUESTION, "max_tokens": 5}) if "delta" in event), None
        )
        if first is None:
            raise RuntimeError("There was no next answer.")
        same = running.child.poll() is None and running.get("tether/health")[0] == 200
        return error[0], first - asked, same
