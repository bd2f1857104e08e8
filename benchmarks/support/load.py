"""Many streams at once, from a process of its own: raw sockets, so that the load costs little itself.

Reads a specification as JSON from standard input and writes what happened to standard output:
`{"streams", "count", "port", "path", "headers", "body", "seconds"}`. An answer is complete if its text is the
fake's `count` words, each once and in order.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

READ = 65536


async def one(spec: dict[str, Any], request: bytes) -> tuple[bytes, float | None]:
    """Ask, read to the end, and return the bytes and the seconds to the first word."""
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", spec["port"])
    writer.write(request)
    data, first = bytearray(), None
    try:
        while piece := await reader.read(READ):
            data += piece
            if first is None and b"word0" in data:
                first = time.perf_counter() - begun
    finally:
        writer.close()
    return bytes(data), first


def text_in(answer: bytes) -> str:
    """Return the text of an answer: Tether's events as NDJSON, or an API's chunks as SSE."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        body = dechunked(body)
    parts = []
    for line in body.split(b"\n"):
        line = line.removeprefix(b"data:").strip()
        if not line.startswith(b"{"):
            continue
        event = json.loads(line)
        parts += [(choice.get("delta") or {}).get("content") or "" for choice in event.get("choices") or []]
        parts.append(event.get("delta") or "")
    return "".join(parts)


def dechunked(body: bytes) -> bytes:
    """Undo HTTP's chunks; what comes after the last whole one is dropped."""
    out = bytearray()
    while body:
        size, mark, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16) if mark else 0
        if length == 0 or len(body) < length:
            break
        out += body[:length]
        body = body[length + 2 :]
    return bytes(out)


async def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Open all streams at once and return what came of them."""
    body = spec["body"].encode()
    headers = {**spec["headers"], "Host": f"127.0.0.1:{spec['port']}", "Connection": "close"}
    lines = [f"POST {spec['path']} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    request = ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body
    begun = time.perf_counter()
    tasks = [asyncio.create_task(one(spec, request)) for _ in range(spec["streams"])]
    await asyncio.wait(tasks, timeout=spec["seconds"])
    wall = time.perf_counter() - begun
    late = [task for task in tasks if not task.done()]
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    failed = [task for task in tasks if task.cancelled() or task.exception()]
    answers = [task.result() for task in tasks if task not in failed]
    expected = "".join(f"word{n} " for n in range(spec["count"]))
    complete = sum(text_in(data) == expected for data, _ in answers)
    firsts = sorted(first for _, first in answers if first is not None)
    return {
        "complete": complete,
        "late": len(late),
        "wall": wall,
        "cpu": time.process_time(),
        "bytes": sum(len(data) for data, _ in answers),
        "p50": firsts[len(firsts) // 2] if firsts else None,
        "p95": firsts[int(len(firsts) * 0.95)] if firsts else None,
    }


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
