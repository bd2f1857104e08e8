"""How rows reach the server: a thousand small questions, each of which may cost next to nothing.

httpx takes two milliseconds of computing for a question, which a run of 32 rows at a time feels. Where
aiohttp is installed and the server is on this machine, that takes its place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tether_jupyter.client import http
from tether_jupyter.client.aio import AsyncClient
from tether_jupyter.client.http import (
    MAX_FAILURE,
    Unreachable,
    is_elsewhere,
    reason_of,
    timeout,
    transport_options,
)
from tether_jupyter.errors import UpstreamError

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from tether_jupyter.client.discovery import Server


class Wire:
    """Connections to a server on this machine, shared by all who ask in one run."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def reaches(self, server: Server) -> bool:
        """Return whether this server can be asked in this way."""
        if not server.is_local or not server.url.startswith("http:"):
            return False
        try:
            import aiohttp  # noqa: F401
        except ImportError:
            return False
        return True

    async def send(self, server: Server, method: str, path: str, body: Any) -> tuple[int, str, bytes]:
        """Send a request; return the answer's status, its `Retry-After`, and its body.

        Raises
        ------
        Unreachable, UpstreamError
            Nobody answers there, or the connection broke.
        """
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, connect=http.CONNECT_SECONDS),
                trust_env=False,
            )
        headers = http.headers(server, http.JSON)
        data = None
        if body is not None:
            headers["Content-Type"] = http.JSON
            data = json.dumps(body, ensure_ascii=False).encode()
        try:
            async with self._session.request(
                method, f"{server.url}tether/{path}", data=data, headers=headers, allow_redirects=False
            ) as response:
                return response.status, response.headers.get("Retry-After", ""), await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise http.unreachable(server) from None
        except (aiohttp.ClientError, OSError):
            raise http.lost(server) from None

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


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
        self._wire: Wire = Wire() if like is None else like._wire
        self._first = like is None

    async def close(self) -> None:
        """Close the connections; the first client of a run closes those that it shares."""
        await super().close()
        if self._first:
            await self._wire.close()

    async def _json(
        self, method: str, path: str, body: Any = None, *, unwell: bool = False, files: Any = None
    ) -> dict[str, Any]:
        server = self.server
        if files is not None or not self._wire.reaches(server):
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
