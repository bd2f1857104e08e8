"""An API that speaks OpenAI's protocol, as slowly and as badly as it is told to.

The model's name is the script: ``n=200,first=0.2,gap=0.02`` streams 200 words, the first after 200 ms and the
others 20 ms apart; ``fault=reset,at=5`` cuts the connection after five. It is raw asyncio, so that a thousand
streams cost it little, and it notices at once when its caller goes away.

Run as a program it prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Seen:
    """What the fake has seen: counts, and the requests themselves."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    open: int = 0
    finished: int = 0
    aborted: int = 0
    connections: int = 0


class FakeOpenAI:
    """The server. `url` is its base URL, `seen` what it saw."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.changed = asyncio.Condition()
        self.server: asyncio.Server | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", 0, backlog=4096)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.server is not None
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def until(self, check: Any) -> None:
        """Wait until `check(seen)` holds."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: check(self.seen)), 20)

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        try:
            while await self.request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection stays."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if first.startswith("GET /stats"):
            seen = self.seen
            stats = {"open": seen.open, "finished": seen.finished, "aborted": seen.aborted}
            await self.plain(writer, 200, json.dumps({**stats, "requests": len(seen.requests)}))
            return True
        asked = json.loads(body)
        self.seen.requests.append(asked)
        self.seen.headers.append(headers)
        script = dict(p.split("=", 1) for p in str(asked["model"]).split(",") if "=" in p)
        await self.tell()
        if not asked.get("stream"):
            text = " ".join(f"word{n}" for n in range(int(script.get("n", 5))))
            await self.plain(writer, 200, json.dumps({"choices": [{"message": {"content": text}}]}))
            return True
        self.seen.open += 1
        gone = asyncio.create_task(reader.read(1))
        answer = asyncio.create_task(Answer(script, writer).run())
        try:
            await asyncio.wait([gone, answer], return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                keep = answer.result()
                self.seen.finished += 1
                # The next request may have begun to arrive while the last bytes left.
                stays = keep and not gone.done() and headers.get("connection") != "close"
                gone.cancel()
                await asyncio.wait([gone])
                return stays
            self.seen.aborted += 1
            return False
        finally:
            answer.cancel()
            gone.cancel()
            self.seen.open -= 1
            await self.tell()

    async def plain(self, writer: asyncio.StreamWriter, status: int, body: str, extra: str = "") -> None:
        data = body.encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        await writer.drain()


class Answer:
    """One streamed answer, with the fault that its script asks for."""

    def __init__(self, script: dict[str, str], writer: asyncio.StreamWriter) -> None:
        self.script = script
        self.writer = writer
        self.count = int(script.get("n", 5))
        self.gap = float(script.get("gap", 0))
        self.first = float(script.get("first", 0))
        self.fault = script.get("fault", "")
        self.at = int(script.get("at", 0))

    async def run(self) -> bool:
        if self.fault.startswith("status"):
            return await self.refuse(int(self.fault.removeprefix("status")))
        if self.fault == "silent":
            await asyncio.sleep(3600)
        if self.fault == "hugerefusal":
            self.writer.write(
                b"HTTP/1.1 400 X\r\nContent-Type: text/plain\r\nContent-Length: 9999999999\r\n\r\n"
            )
            while True:
                self.writer.write(b"x" * 2**16)
                await self.writer.drain()
        if self.fault == "html":
            return await self.head(200, "text/html", b"<html>A proxy says hello</html>")
        self.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await asyncio.sleep(self.first)
        for n in range(self.count):
            if n and self.gap:
                await asyncio.sleep(self.gap)
            if self.fault and n == self.at and not await self.misbehave():
                return False
            self.send({"choices": [{"index": 0, "delta": {"content": f"word{n} "}}]})
            await self.writer.drain()
        self.send({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 7, "completion_tokens": self.count, "total_tokens": 7 + self.count}
        self.send({"choices": [], "usage": usage})
        self.chunk(b"data: [DONE]\n\n")
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        return True

    async def refuse(self, status: int) -> bool:
        body = json.dumps({"error": {"message": "no, says sk-secret-echo", "type": "x"}}).encode()
        after = self.script.get("after", "0")
        extra = f"Retry-After: {after}\r\n".encode() if status == 429 else b""
        return await self.head(status, "application/json", body, extra)

    async def head(self, status: int, kind: str, body: bytes, extra: bytes = b"") -> bool:
        self.writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode()
            + extra
            + b"\r\n"
            + body
        )
        await self.writer.drain()
        return True

    async def misbehave(self) -> bool:
        """Do the fault; return whether the answer goes on."""
        match self.fault:
            case "reset":
                self.writer.transport.abort()
                return False
            case "truncate":
                self.writer.write(b"0\r\n\r\n")
                await self.writer.drain()
                return True
            case "stall":
                await asyncio.sleep(3600)
            case "garbage":
                self.chunk(b"data: {not json\n\n")
            case "error":
                self.chunk(b'data: {"error": {"message": "overloaded sk-secret-echo"}}\n\n')
            case "longline":
                for _ in range(64):
                    self.chunk(b"x" * 2**20)
                    await self.writer.drain()
            case "split":
                text = 'data: {"choices":[{"index":0,"delta":{"content":"\u00e9\u20ac\U0001f600"}}]}\r\n\r\n'
                for byte in text.encode():
                    self.chunk(bytes([byte]))
                    await self.writer.drain()
            case "names":
                self.chunk(b"event: done\nid: 9\nretry: 1\ndata: {}\n\n")
                self.chunk(b'data: {"done": true, "error": null, "choices": []}\n\n')
            case "endless":
                self.count = 10**9
        return True

    def send(self, payload: dict[str, Any]) -> None:
        self.chunk(b"data: " + json.dumps(payload).encode() + b"\n\n")

    def chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n" % len(data) + data + b"\r\n")


async def main() -> None:
    async with FakeOpenAI() as fake:
        print(fake.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
