"""A hub that speaks Hugging Face's protocol, and its file host on a second port, as badly as it is told to.

`Hub.files` holds the bytes by repository and path. A file is asked for at the hub, which redirects to the
host, as the real one does for large files. Each request for bytes uses up one of `Hub.faults`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "a" * 40
REPO = re.compile(r"/api/models/([^/]+/[^/?]+)")
RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([0-9a-z]+)/(.+)")


@dataclass
class Fault:
    """What one answer with bytes does wrong.

    Parameters
    ----------
    cut:
        Break the connection after so many bytes of the body.
    status:
        Refuse with this status, and `headers`.
    bytes:
        Send these instead.
    tag:
        Have this tag instead.
    ignore_range:
        Send the whole file, whatever was asked for.
    shift:
        Claim and send a range that begins so much later.
    hold:
        Send the first half, then wait until `Hub.release` is set.
    redirect:
        Lead there instead.
    """

    cut: int | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    bytes: bytes | None = None
    tag: str | None = None
    ignore_range: bool = False
    shift: int = 0
    hold: bool = False
    redirect: str | None = None


@dataclass
class Request:
    """A request as it came: to the hub or to its host."""

    host: str
    path: str
    headers: dict[str, str]


class Hub:
    """The two servers. `url` is what HF_ENDPOINT would be."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.license: str | None = "apache-2.0"
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.sums: dict[str, str] = {}
        self.plain = False
        self.gated = ""
        self.private = ""
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.body: bytes | None = None
        self.held = threading.Event()
        self.release = threading.Event()
        self._servers: list[ThreadingHTTPServer] = []

    def __enter__(self) -> Self:
        self.hub_port = self._serve("hub", self.at_hub)
        self.host_port = self._serve("host", self.at_host)
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.hub_port}"

    def add(self, repo: str, path: str, content: bytes) -> bytes:
        """Put a file into a repository."""
        self.files[repo][path] = content
        return content

    def asked(self, host: str) -> list[Request]:
        """Return the requests that one of the two got."""
        return [request for request in self.requests if request.host == host]

    def ranges(self) -> list[str | None]:
        """Return the ranges that were asked for, in order."""
        return [request.headers.get("range") for request in self.asked("host")]

    def tag(self, content: bytes) -> str:
        """Return the tag that an answer with these bytes has."""
        return f'"{hashlib.sha256(content).hexdigest()[:32]}"'

    # -- the hub

    def at_hub(self, door: Door) -> None:
        if self.refusals:
            status, headers = self.refusals.pop(0)
            return door.answer(status, json.dumps({"error": "no, says hf_secretsecret"}).encode(), headers)
        token = door.headers.get("Authorization", "")
        path = unquote(urlsplit(door.path).path)
        if found := REPO.match(path):
            return self.list(door, found[1], path, token)
        if found := RESOLVE.fullmatch(path):
            repo, commit, file = found[1], found[2], found[3]
            if commit != COMMIT or file not in self.files.get(repo, {}):
                return door.answer(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
            to = f"http://127.0.0.1:{self.host_port}/{repo}/{file}?Signature=secret"
            if self.faults and self.faults[0].redirect is not None:
                to = self.faults.pop(0).redirect or ""
            return door.answer(302, b"", {"Location": to})
        return door.answer(404, b"nothing", {})

    def list(self, door: Door, repo: str, path: str, token: str) -> None:
        if self.body is not None:
            return door.answer(200, self.body, {})
        if repo == self.gated and not token:
            return door.answer(
                401, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Accept the terms."}
            )
        if repo not in self.files or (repo == self.private and token != "Bearer hf_right"):
            code = 404 if token else 401
            return door.answer(code, b"{}", {"X-Error-Code": "RepoNotFound", "Content-Type": "text/plain"})
        entries = self.files[repo]
        if "/tree/" in path:
            return self.tree(door, repo, entries)
        blobs = "blobs" in parse_qs(urlsplit(door.path).query) and not self.plain
        siblings = [
            {"rfilename": name, **(self.describe(name, content, "sha256") if blobs else {})}
            for name, content in entries.items()
        ]
        card = {"cardData": {"license": self.license}} if self.license else {}
        body = {"id": repo, "sha": COMMIT, "siblings": siblings, "tags": ["gguf"], **card}
        return door.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def tree(self, door: Door, repo: str, entries: dict[str, bytes]) -> None:
        """Send the other list, one file a page."""
        names = list(entries)
        page = int(parse_qs(urlsplit(door.path).query).get("cursor", ["0"])[0])
        name = names[page]
        body = [{"type": "directory", "path": "x", "size": 0}]
        body.append({"type": "file", "path": name, **self.describe(name, entries[name], "oid")})
        headers = {"Content-Type": "application/json"}
        if page + 1 < len(names):
            to = f"{self.url}/api/models/{repo}/tree/{COMMIT}?recursive=true&cursor={page + 1}"
            headers["Link"] = f'<{to}>; rel="next"'
        return door.answer(200, json.dumps(body).encode(), headers)

    def describe(self, name: str, content: bytes, key: str) -> dict[str, Any]:
        size = len(content)
        if not name.endswith(".gguf"):
            return {"size": size}
        total = self.sums.get(name, hashlib.sha256(content).hexdigest())
        return {"size": size, "lfs": {key: total, "size": size, "pointerSize": 134}}

    # -- its host

    def at_host(self, door: Door) -> None:
        _, owner, repo, file = urlsplit(unquote(door.path)).path.split("/", 3)
        content = self.files[f"{owner}/{repo}"][file]
        fault = self.faults.pop(0) if self.faults else Fault()
        if fault.status is not None:
            return door.answer(fault.status, b"{}", fault.headers)
        content = content if fault.bytes is None else fault.bytes
        tag = fault.tag or self.tag(content)
        begin, status, headers = 0, 200, {"ETag": tag, "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-", door.headers.get("Range", ""))
        fits = door.headers.get("If-Range", tag) == tag
        if asked and fits and not fault.ignore_range:
            begin = int(asked[1]) + fault.shift
            if begin >= len(content):
                return door.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            status = 206
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        return door.answer(status, content[begin:], headers, fault, self)

    def _serve(self, host: str, answer: Callable[[Door], None]) -> int:
        class Bound(Door):
            pass

        Bound.hub, Bound.host, Bound.reply = self, host, staticmethod(answer)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        server.daemon_threads = True
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return int(server.server_address[1])


class Door(BaseHTTPRequestHandler):
    """One connection to one of the two."""

    hub: Hub
    host: str
    reply: Callable[[Door], None]
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        # Whoever stops a pull hangs up.
        with contextlib.suppress(ConnectionResetError):
            super().handle()

    def do_GET(self) -> None:
        lower = {name.lower(): value for name, value in self.headers.items()}
        self.hub.requests.append(Request(self.host, self.path, lower))
        try:
            self.reply(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        fault: Fault | None = None,
        hub: Hub | None = None,
    ) -> None:
        fault = fault or Fault()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault.hold and hub is not None:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            hub.held.set()
            hub.release.wait(30)
            body = body[len(body) // 2 :]
        if fault.cut is None:
            self.wfile.write(body)
            return
        self.wfile.write(body[: fault.cut])
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
