"""Bytes on the wire for a reply of 2,000 tokens, over the bytes of its text.

All bytes that the server sends down the socket count: status line, headers, chunk framing and events. The
promise is for NDJSON, which the sidebar asks for. The fake's tokens have about nine characters; those of the
mock have four, as real tokens do, which is the harder case.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from benchmarks.magic import variables
from benchmarks.support.load import text_in
from benchmarks.support.result import Row
from benchmarks.support.server import Server, server
from benchmarks.support.upstream import upstream

ROUNDS = 2
SECONDS = 600
PATIENCE = 120
LIMIT = 6
NDJSON, SSE = "application/x-ndjson", "text/event-stream"


def run(rounds: int, quick: bool) -> list[Row]:
    """Count the bytes of each encoding, with tokens 5 ms apart and all at once."""
    count, gap = 2000, 0.001 if quick else 0.005
    script = [{"repeat": [count, {"delta": "abc "}, gap]}]
    rows: list[Row] = []
    with (
        upstream() as fake,
        server(
            config={"MockLLM": {"script": script}, "Tether": {"default_max_tokens": 2 * count}},
            variables=variables(fake.url, "n=1"),
        ) as running,
    ):
        cases = {
            "one by one": (f"openai:n={count},gap={gap}", count),
            "all at once": (f"openai:n={count}", count),
            "one by one, four characters a token": ("mock:mock", 0),
        }
        for case, (model, words) in cases.items():
            for name, accept in (("NDJSON", NDJSON), ("SSE", SSE)):
                found = [overhead(running, model, accept, words or count) for _ in range(rounds)]
                limit = LIMIT if accept == NDJSON else None
                rows.append(
                    Row(f"{name}, {case}", "× its text", found, at_most=limit, each=limit is not None)
                )
    return rows


def overhead(running: Server, model: str, accept: str, count: int) -> float:
    """Return the bytes of an answer on the socket over those of its text."""
    body = json.dumps({"message": "hi", "model": model, "store": False})
    received = receive(running, body, accept)
    text = text_in(received)
    if text.count(" ") != count:
        raise RuntimeError(f"The answer has {text.count(' ')} words, and should have {count}.")
    return len(received) / len(text.encode())


def receive(running: Server, body: str, accept: str) -> bytes:
    """Return every byte that the server sends for a question."""
    headers: dict[str, Any] = {
        **running.headers,
        "Host": f"127.0.0.1:{running.port}",
        "Accept": accept,
        "Content-Length": len(body),
        "Connection": "close",
    }
    lines = ["POST /tether/chat/stream HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    received = bytearray()
    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as wire:
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        while piece := wire.recv(65536):
            received += piece
    return bytes(received)
