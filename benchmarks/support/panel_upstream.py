"""An OpenAI-compatible API for the panel's benchmarks: rich text at a steady pace, and when it did what.

The question is the script: `[[text=rich n=5000 gap=0.005 first=0.05 mark=Mark7]]`. Pieces leave at the
moments that the gap sets, counted from the first one, so that a busy machine does not slow the stream down.
Run as a program it prints its port and serves until its standard input ends; `GET /turns` tells what it
did, in seconds of `time.time()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.support.panel_text import pieces, rich
from benchmarks.support.process import process

SCRIPT = re.compile(r"\[\[([^\[\]]*)\]\]")
TURNS: list[dict[str, Any]] = []


class PanelUpstream:
    """A running one, seen from the benchmark."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v1"

    def turns(self) -> list[dict[str, Any]]:
        """Return what it did, question by question."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/turns")
        found: list[dict[str, Any]] = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def turn(self, mark: str, *, over: float = 0) -> dict[str, Any]:
        """Return one of them by its mark, once it is over, however it ended, if `over` seconds are given."""
        deadline = time.monotonic() + over
        while True:
            for turn in self.turns():
                if turn["mark"] == mark and (turn["ended"] or time.monotonic() > deadline):
                    return turn
            if time.monotonic() > deadline + 5:
                raise RuntimeError(f"The upstream was never asked for {mark}.")
            time.sleep(0.02)


@contextlib.contextmanager
def panel_upstream() -> Iterator[PanelUpstream]:
    """Run one in a process of its own."""
    with process([sys.executable, "-m", "benchmarks.support.panel_upstream"], pipes=True) as child:
        assert child.stdout is not None
        yield PanelUpstream(int(child.stdout.readline()))


def text_for(script: dict[str, str]) -> str:
    """Return what a script says."""
    begin = f"{script.get('mark', 'Begun')} "
    if script.get("text") == "rich":
        return begin + rich()
    if script.get("text") == "turn":
        return begin + rich(1)
    return begin + " ".join(f"word{number}" for number in range(int(script.get("n", 5))))


async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests until the caller goes away."""
    try:
        while await request(reader, writer):
            pass
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one; return whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    received = time.time()
    size = re.search(r"content-length: *(\d+)", head, re.I)
    body = await reader.readexactly(int(size[1]) if size else 0)
    if head.startswith("GET"):
        await plain(writer, TURNS)
        return True
    asked = json.loads(body)
    words = json.dumps([m for m in asked["messages"] if m["role"] == "user"][-1:])
    found = SCRIPT.findall(words)
    script = dict(pair.split("=", 1) for pair in found[-1].split()) if found else {}
    if not asked.get("stream"):
        await plain(writer, {"choices": [{"message": {"role": "assistant", "content": "A title"}}]})
        return True
    turn: dict[str, Any] = {"mark": script.get("mark"), "received": received, "first": None, "last": None}
    turn |= {"ended": None, "aborted": False, "sent": 0, "bytes": 0}
    TURNS.append(turn)
    gone = asyncio.create_task(reader.read(1))
    answer = asyncio.create_task(stream(script, turn, writer))
    try:
        await asyncio.wait([gone, answer], return_when=asyncio.FIRST_COMPLETED)
        turn["ended"] = time.time()
        # A caller that is gone shows as the end of what it sends, or in what is written to it.
        whole = answer.done() and not answer.exception()
        turn["aborted"] = not whole
        return whole and not gone.done()
    finally:
        answer.cancel()
        gone.cancel()
        await asyncio.wait([gone, answer])


async def stream(script: dict[str, str], turn: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """Say it."""
    text = text_for(script)
    parts = pieces(text, min(int(script.get("n", 5)), len(text)))
    gap = float(script.get("gap", 0))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(float(script.get("first", 0)))
    begun = time.perf_counter()
    for number, part in enumerate(parts):
        if (wait := begun + number * gap - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        send(writer, {"choices": [{"index": 0, "delta": {"content": part}}]})
        await writer.drain()
        turn["last"] = time.time()
        turn["first"] = turn["first"] or turn["last"]
        turn["sent"] += 1
        turn["bytes"] += len(part.encode())
    send(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    counts = {"prompt_tokens": 7, "completion_tokens": len(parts), "total_tokens": 7 + len(parts)}
    send(writer, {"choices": [], "usage": counts})
    chunk(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def send(writer: asyncio.StreamWriter, payload: dict[str, Any]) -> None:
    """Write one event."""
    chunk(writer, b"data: " + json.dumps(payload).encode() + b"\n\n")


def chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Write one chunk of HTTP."""
    writer.write(b"%x\r\n" % len(data) + data + b"\r\n")


async def plain(writer: asyncio.StreamWriter, payload: Any) -> None:
    """Answer with JSON."""
    data = json.dumps(payload).encode()
    writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        + data
    )
    await writer.drain()


async def main() -> None:
    """Serve until the standard input ends."""
    serving = await asyncio.start_server(connection, "127.0.0.1", 0)
    print(serving.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
