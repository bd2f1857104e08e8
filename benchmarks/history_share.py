"""What it costs a turn of 200 tokens, 20 ms apart, to be kept: beside the same one with `store: false`.

Turns of both kinds take turns in one server. The first token is measured with turns that end after it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from typing import Any

from benchmarks.support.result import Row
from benchmarks.support.server import Server, server

ROUNDS = 12
SECONDS = 900
TOKENS, GAP = 200, 0.02
FIRSTS = 20
"""Turns of each kind and round that are ended after their first token."""
PLAIN = "`store: false`"


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask with and without `store`, in turn."""
    tokens, firsts = (20, 5) if quick else (TOKENS, FIRSTS)
    script = [{"repeat": [tokens, {"delta": "word "}, GAP]}]
    config = {"Tether": {"backend": "mock"}, "MockLLM": {"script": script}}
    whole: dict[bool, list[float]] = {True: [], False: []}
    first: dict[str, list[float]] = {"plain": [], "new": [], "same": []}
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder:
        variables = {"DATABASE_URL": f"sqlite:///{folder}/history.db"}
        with server(config=config, variables=variables) as running:
            conversation = ask(running, store=True)[2]
            ask(running, store=False)
            for number in range(rounds):
                for store in (True, False) if number % 2 else (False, True):
                    whole[store].append(ask(running, store=store)[1])
                for _ in range(firsts):
                    first["plain"].append(ask(running, store=False, max_tokens=1)[0])
                    first["new"].append(ask(running, store=True, max_tokens=1)[0])
                    given = {"conversation_id": conversation, "max_tokens": 1}
                    first["same"].append(ask(running, store=True, **given)[0])
    later = {kind: 1000 * (median(first[kind]) - median(first["plain"])) for kind in ("new", "same")}
    milliseconds = {kind: [1000 * value for value in values] for kind, values in first.items()}
    return [
        Row(f"a turn of {tokens} tokens", "s", whole[True], PLAIN, whole[False], ratio_at_most=1.02),
        Row("first token later by, p50, new conversation", "ms", [later["new"]], at_most=5.0),
        Row("first token later by, p50, one that goes on", "ms", [later["same"]], at_most=5.0),
        Row("first token, new conversation", "ms", milliseconds["new"], PLAIN, milliseconds["plain"]),
        Row("first token, one that goes on", "ms", milliseconds["same"], PLAIN, milliseconds["plain"]),
    ]


def ask(running: Server, **given: Any) -> tuple[float, float, str]:
    """Ask; return the seconds to the first token and to the end, and the conversation."""
    begun = time.perf_counter()
    first, conversation = 0.0, ""
    for at, event in running.events({"message": "hi", **given}):
        if "meta" in event:
            conversation = event["meta"]["conversation_id"]
        elif "delta" in event:
            first = first or at - begun
        elif "error" in event:
            raise RuntimeError(event["error"]["message"])
    return first, time.perf_counter() - begun, conversation


def median(values: list[float]) -> float:
    """Return the middle one."""
    return statistics.median(values)
