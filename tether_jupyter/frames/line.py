"""How rows reach the server: a thousand small questions, each of which may cost next to nothing.

httpx takes two milliseconds of computing for a question, which a run of 32 rows at a time feels. A server on
this machine is asked by Python's own `http.client` instead, each line in a thread that mostly waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import selectors
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tether_jupyter.client import http
from tether_jupyter.client.aio import AsyncClient
from tether_jupyter.client.http import (
    MAX_FAILURE,
    Unreachable,
    is_elsewhere,
    keep_alive,
    reason_of,
    timeout,
    transport_options,
)
from tether_jupyter.errors import UpstreamError

if TYPE_CHECKING:
    import httpx

    from tether_jupyter.client.discovery import Server

MOST_LINES = 1024


class Wire:
    """One connection to a server on this machine.

    Parameters
    ----------
    threads:
        Where its waiting is done.
    """

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._connection: HTTPConnection | None = None
        self._ended = False

    async def send(self, server: Server, method: str, path: str, body: Any) -> tuple[int, str, bytes]:
        """Send a request; return the answer's status, its `Retry-After`, and its body.

        Raises
        ------
        Unreachable, UpstreamError
            Nobody answers there, or the connection broke.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._exchange, server, method, path, body)
        except asyncio.CancelledError:
            self._ended = True
            self.abort()
            raise

    def _exchange(self, server: Server, method: str, path: str, body: Any) -> tuple[int, str, bytes]:
        try:
            connection = self._connected(server)
        except OSError:
            raise http.unreachable(server) from None
        headers = http.headers(server, http.JSON)
        data = None
        if body is not None:
            headers["Content-Type"] = http.JSON
            data = json.dumps(body, ensure_ascii=False).encode()
        try:
            connection.request(method, f"{urlsplit(server.url).path}tether/{path}", data, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self.abort()
            raise http.lost(server) from None
        if response.will_close:
            self.abort()
        return response.status, response.headers.get("Retry-After", ""), content

    def _connected(self, server: Server) -> HTTPConnection:
        """Return the connection; a new one where the server has closed it meanwhile."""
        found = self._connection
        if found is not None and found.sock is not None and is_quiet(found.sock):
            return found
        self.abort()
        address = urlsplit(server.url)
        made = HTTPConnection(address.hostname or "", address.port, timeout=http.CONNECT_SECONDS)
        made.auto_open = 0  # Broken off, it must not ask once more by itself.
        made.connect()
        # A model may think for as long as it likes.
        made.sock.settimeout(None)
        for option in [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *keep_alive()]:
            made.sock.setsockopt(*option)
        self._connection = made
        if self._ended:
            self.abort()
        return made

    def abort(self) -> None:
        """Break the connection, from any thread: whoever waits for an answer wakes up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if connection.sock is not None:
                with contextlib.suppress(OSError):  # It is closed already.
                    connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()


def is_quiet(sock: socket.socket) -> bool:
    """Return whether nothing has come on a connection, as its end would."""
    # Not `select.select`, which takes no more than the first 1,024 files of a process.
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return not selector.select(0)


def reaches(server: Server) -> bool:
    """Return whether a server can be asked in this way."""
    return server.is_local and server.url.startswith("http:")


class LineClient(AsyncClient):
    """A client with one connection, for those who ask one thing after another.

    A pool looks at each of its connections for each request: with a hundred, that is most of the work.

    Parameters
    ----------
    server:
        Which server; found where it is `None`.
    like:
        Another of the same run, whose certificates serve this one as well.
    """

    def __init__(self, server: Server | None, like: LineClient | None = None) -> None:
        super().__init__()
        self._server = server if like is None else like.server
        self._given = server is not None
        self._certificates: dict[str, Any] = {} if like is None else like._certificates
        self._first = like is None
        self._threads: ThreadPoolExecutor = (
            ThreadPoolExecutor(MOST_LINES, "tether-line") if like is None else like._threads
        )
        self._wire = Wire(self._threads)

    async def close(self) -> None:
        """Close the connection; the first client of a run ends what the others share."""
        await super().close()
        self._wire.abort()
        if self._first:
            self._threads.shutdown(wait=False)

    async def _json(
        self, method: str, path: str, body: Any = None, *, unwell: bool = False, files: Any = None
    ) -> dict[str, Any]:
        server = self.server
        if files is not None or not reaches(server):
            return await super()._json(method, path, body, unwell=unwell, files=files)
        try:
            status, wait, content = await self._wire.send(server, method, path, body)
        except Unreachable:
            if not await self._moved(server):
                raise
            return await self._json(method, path, body, unwell=unwell)
        if not (200 <= status < 300 or (unwell and status == 503)):
            error = reason_of(status, content[:MAX_FAILURE])
            if error.retry_after is None and wait.isascii() and wait.isdigit():
                error.retry_after = float(wait)
            if is_elsewhere(error) and await self._moved(server):
                return await self._json(method, path, body, unwell=unwell)
            raise error
        try:
            found = json.loads(content or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UpstreamError("The server's answer is not what Tether sends.")
        return found

    def _opened(self, server: Server) -> httpx.AsyncClient:
        import httpx

        if self._http is None:
            options = transport_options(server)
            if options["verify"]:
                if server.url not in self._certificates:
                    # Reading all certificates takes longer than a question.
                    self._certificates[server.url] = httpx.create_ssl_context(trust_env=options["trust_env"])
                options["verify"] = self._certificates[server.url]
            self._http = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=1), **options),
                timeout=timeout(),
                trust_env=False,
                follow_redirects=False,
            )
        return self._http
