"""The client for coroutines: the same names as `Client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from tether_jupyter.client import http
from tether_jupyter.client.discovery import Server, find, server_at
from tether_jupyter.client.lines import LineDecoder
from tether_jupyter.client.reply import Reply
from tether_jupyter.core.events import TERMINAL, Event, kind
from tether_jupyter.errors import TetherError, UpstreamError, from_payload

if TYPE_CHECKING:
    import httpx


class AsyncClient:
    """Ask a Jupyter server that has Tether, without blocking the event loop.

    Parameters
    ----------
    url:
        The server's base URL. Found by itself where it is left out: see `discovery.find`.
    token:
        The server's token.
    """

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self._server = server_at(url, token) if url else None
        self._given = url is not None
        self._token = token
        self._http: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"AsyncClient({self._server.url!r})" if self._server else "AsyncClient()"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def server(self) -> Server:
        """The server that is asked; found at the first use."""
        if self._server is None:
            self._server = self._find()
        return self._server

    async def chat(self, message: str | None = None, **request: Any) -> Reply:
        """Ask, wait for the whole answer, and return it. Raises `TetherError`."""
        return Reply.from_json(await self._json("POST", "chat", http.turn(message, request)))

    def stream(self, message: str | None = None, **request: Any) -> AsyncStream:
        """Ask, and return the answer's events as they come: `async with`, then `async for`."""
        return AsyncStream(self, http.turn(message, request))

    async def preview(self, message: str | None = None, **request: Any) -> dict[str, Any]:
        """Return what `chat` would send to a model, and where to; nothing is asked."""
        return await self._json("POST", "context", http.turn(message, request))

    async def upload(self, *paths: str | Path) -> list[dict[str, Any]]:
        """Send files, and return what is known of each; their `id`s go into a request's `attachments`."""
        return list(
            (await self._json("POST", "uploads", files=await asyncio.to_thread(http.form_of, paths)))[
                "uploads"
            ]
        )

    async def settings(self, client_id: str = "api") -> dict[str, Any]:
        """Return what holds for a front end: of each field its `value` and the `layer` it comes from."""
        return await self._json("GET", f"clients/{quote(client_id, safe='')}/llm?effective=true")

    async def conversations(self, **filters: str | int | bool | None) -> list[dict[str, Any]]:
        """Return conversations, narrowed by `kernel_id`, `notebook`, `project_id`, `deleted`, `limit`."""
        return list((await self._json("GET", f"conversations{http.query(**filters)}"))["conversations"])

    async def conversation(self, conversation_id: str) -> dict[str, Any]:
        """Return one conversation's own facts."""
        return await self._json("GET", f"conversations/{quote(conversation_id, safe='')}")

    async def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return a conversation's messages, all branches, the oldest first."""
        return list(
            (await self._json("GET", f"conversations/{quote(conversation_id, safe='')}/messages"))["messages"]
        )

    async def export(self, conversation_id: str, format: str = "md", *, message: str | None = None) -> bytes:
        """Return a conversation as a file: `md`, `ipynb` or `json`; the branch that `message` ends."""
        path = f"conversations/{quote(conversation_id, safe='')}/export"
        response = await self._send(
            "GET", f"{path}{http.query(format=format, message=message)}", accept="*/*"
        )
        return bytes(response.content)

    async def health(self) -> dict[str, Any]:
        """Return how the server and its model are, also when they are unwell."""
        return await self._json("GET", "health", unwell=True)

    async def models(self) -> dict[str, Any]:
        """Return `models`, a row for each that can answer or be pulled, and `problem`, or null."""
        return await self._json("GET", "models")

    async def presets(self, client_id: str = "api") -> dict[str, Any]:
        """Return a front end's `presets`, and the name of the `active` one, or null."""
        return await self._json("GET", f"clients/{quote(client_id, safe='')}/presets")

    async def load(self, name: str | None = None) -> dict[str, Any]:
        """Get a model ready to answer, in place of the one that is, and return its `backend` and `name`."""
        return await self._json("POST", "models/load", http.named(name))

    async def unload(self, name: str | None = None) -> dict[str, Any]:
        """Give back the memory that a model takes, and return its `backend` and `name`."""
        return await self._json("POST", "models/unload", http.named(name))

    async def stop(self, conversation_id: str) -> None:
        """End the turn that is under way in a conversation."""
        await self._json("POST", f"stop/{quote(conversation_id, safe='')}", {})

    async def change_conversation(self, conversation_id: str, **fields: Any) -> dict[str, Any]:
        """Change the `title`, `metadata` or other facts of a conversation, and return all of them."""
        return await self._json(
            "PATCH", f"conversations/{quote(conversation_id, safe='')}", http.sendable(fields)
        )

    async def new_conversation(self, **fields: Any) -> str:
        """Start a conversation and return its id; with `kernel_id`, it becomes that notebook's."""
        return str((await self._json("POST", "conversations", http.sendable(fields)))["id"])

    async def close(self) -> None:
        """Close all connections. The next question opens one again."""
        opened, self._http = self._http, None
        if opened is not None:
            await opened.aclose()

    async def _json(
        self, method: str, path: str, body: Any = None, *, unwell: bool = False, files: Any = None
    ) -> dict[str, Any]:
        response = await self._send(method, path, body, accept=http.JSON, unwell=unwell, files=files)
        if not response.content:
            return {}
        try:
            content = response.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise UpstreamError("The server's answer is not what Tether sends.")
        return content

    async def _send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept: str,
        stream: bool = False,
        unwell: bool = False,
        files: Any = None,
    ) -> httpx.Response:
        """Send a request and return the answer to it, if that is a success; look once for a moved server."""
        import httpx

        while True:
            server = self.server
            opened = self._opened(server)
            request = opened.build_request(
                method,
                f"{server.url}tether/{path}",
                json=body,
                files=files,
                headers=http.headers(server, accept),
            )
            error: TetherError
            try:
                response = await opened.send(request, stream=stream)
                if response.is_success or (unwell and response.status_code == 503):
                    return response
                try:
                    error = http.failure(response, await _read_some(response))
                finally:
                    await response.aclose()
            except (httpx.ConnectError, httpx.ConnectTimeout):
                error = http.unreachable(server)
            except httpx.TransportError:
                error = http.lost(server)
            if not (http.is_elsewhere(error) and await self._moved(server)):
                raise error

    def _opened(self, server: Server) -> httpx.AsyncClient:
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(**http.transport_options(server)),
                timeout=http.timeout(),
                trust_env=False,
                follow_redirects=False,
            )
        return self._http

    async def _moved(self, server: Server) -> bool:
        """Look for the server anew, if it was not given, and return whether it is another one."""
        if self._given:
            return False
        try:
            found = self._find()
        except TetherError:
            return False
        if found == server:
            return False
        await self.close()
        self._server = found
        return True

    def _find(self) -> Server:
        found = find()
        return Server(found.url, self._token) if self._token else found


class AsyncStream:
    """The events of one turn, as they come; an `error` among them is raised."""

    def __init__(self, client: AsyncClient, body: dict[str, Any]) -> None:
        self._client = client
        self._body = body
        self._response: httpx.Response | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> httpx.Response:
        """Send the request, if that has not been done, and wait for the answer's beginning."""
        if self._response is None:
            self._response = await self._client._send(
                "POST", "chat/stream", self._body, accept=http.NDJSON, stream=True
            )
        return self._response

    async def __aiter__(self) -> AsyncIterator[Event]:
        import httpx

        response = await self.open()
        decoder = LineDecoder()
        ended = False
        try:
            async for piece in response.aiter_raw():
                for event in decoder.feed(piece):
                    if ended:
                        break
                    ended = kind(event) in TERMINAL
                    if kind(event) == "error":
                        raise from_payload(event["error"])
                    yield event
        except (httpx.TransportError, httpx.StreamError):
            ended = False
        finally:
            await response.aclose()
        if not ended:
            raise http.lost(self._client.server)

    async def close(self) -> None:
        """Close the connection if the answer is not complete; the server then stops the turn."""
        if self._response is not None:
            await self._response.aclose()


async def _read_some(response: httpx.Response) -> bytes:
    """Return the beginning of a body that explains a failure."""
    if response.is_stream_consumed:
        return response.content
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > http.MAX_FAILURE:
            break
    return body
