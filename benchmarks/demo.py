"""The demo model through the server: how soon it says its first word, and how fast it goes on.

From the start of the server's process to the first token of an answer that is asked for as soon as the server
is there, which includes loading the model; then warm answers. Nothing is promised here.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.support.result import Row
from benchmarks.support.server import Server, server

ROUNDS = 5
SECONDS = 300
WARM = 5
QUESTION = {"message": "What does NameError mean?", "temperature": 0, "store": False}


def run(rounds: int, quick: bool) -> list[Row]:
    """Start a server each round and ask it."""
    found: dict[str, list[float]] = {"start": [], "cold": [], "warm": [], "server": [], "speed": []}
    for _ in range(rounds):
        with server(config={"Tether": {"backend": "local"}}, wait=False) as running:
            ready = running.wait()
            cold = ask(running)
            found["start"].append(ready + cold["first"])
            found["cold"].append(cold["first"])
            for _ in range(2 if quick else WARM):
                warm = ask(running)
                found["warm"].append(warm["first"] * 1000)
                found["server"].append(warm["usage"]["ttft_ms"])
                found["speed"].append(warm["usage"]["tokens_per_s"])
    return [
        Row("server's start to the first token", "s", found["start"]),
        Row("first question to the first token, model not loaded", "s", found["cold"]),
        Row("question to the first token, warm", "ms", found["warm"]),
        Row("of which the server itself counts", "ms", found["server"]),
        Row("speed", "tokens/s", found["speed"]),
    ]


def ask(running: Server) -> dict[str, Any]:
    """Ask; return the seconds to the first token, and the usage that the server tells."""
    begun = time.perf_counter()
    found: dict[str, Any] = {}
    for at, event in running.events(QUESTION):
        if "delta" in event:
            found.setdefault("first", at - begun)
        elif "usage" in event:
            found["usage"] = event["usage"]
        elif "error" in event:
            raise RuntimeError(f"The demo model failed: {event['error']['message']}")
    return found
