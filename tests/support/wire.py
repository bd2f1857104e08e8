"""One request by hand, as no client would send it, and what comes back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> Any:
        """The error that the body holds."""
        return json.loads(self.body)["error"]


async def send(port: int, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Reply:
    """Send a request as it stands and read the answer; of a socket that opened, only the head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    sent = {"Host": "127.0.0.1", "Content-Type": "application/json", **headers}
    if method in ("POST", "PUT", "PATCH"):
        sent["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
    async with asyncio.timeout(20):
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        text = await reader.readexactly(int(found.get("content-length", 0)))
    writer.close()
    return Reply(int(first.split()[1]), found, text)
