"""The client for plain code."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
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


class Client:
    """Ask a Jupyter server that has Tether.

    Each question stands alone unless it names a conversation: `conversation_id=reply.conversation_id`
    goes on with that one. Connections stay open between questions; `close()` gives them back.

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
        self._http: httpx.Client | None = None

    def __repr__(self) -> str:
        return f"Client({self._server.url!r})" if self._server else "Client()"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def server(self) -> Server:
        """The server that is asked; found at the first use."""
        if self._server is None:
            self._server = self._find()
        return self._server

    def chat(self, message: str | None = None, **request: Any) -> Reply:
        """Ask, wait for the whole answer, and return it.

        Parameters
        ----------
        message:
            The question.
        request:
            Any other field of a request: `model`, `system`, `temperature`, `max_tokens`,
            `conversation_id`, `messages`, `context` and so on.

        Raises
        ------
        TetherError
            The server refused or failed, or cannot be reached.
        """
        return Reply.from_json(self._json("POST", "chat", http.turn(message, request)))

    def stream(self, message: str | None = None, **request: Any) -> Stream:
        """Ask, and return the answer's events as they come.

        Use it in a `with` block: leaving the block closes the connection, and with it the turn ends on
        the server. The request is sent when the block is entered or the first event is asked for.
        """
        return Stream(self, http.turn(message, request))

    def preview(self, message: str | None = None, **request: Any) -> dict[str, Any]:
        """Return what `chat` would send to a model, and where to; nothing is asked.

        `to` says which model and whether the question leaves this machine; `messages`, `items`, `left_out`,
        `masked`, `tokens` and `window` what it would hold.
        """
        return self._json("POST", "context", http.turn(message, request))

    def upload(self, *paths: str | Path) -> list[dict[str, Any]]:
        """Send files, and return what is known of each; their `id`s go into a request's `attachments`.

        Raises
        ------
        TetherError
            A file cannot be read, is too large, or the server refuses it.
        """
        return list(self._json("POST", "uploads", files=http.form_of(paths))["uploads"])

    def settings(self, client_id: str = "api") -> dict[str, Any]:
        """Return what holds for a front end: of each field its `value` and the `layer` it comes from."""
        return self._json("GET", f"clients/{quote(client_id, safe='')}/llm?effective=true")

    def conversations(self, **filters: str | int | bool | None) -> list[dict[str, Any]]:
        """Return conversations, narrowed by `kernel_id`, `notebook`, `project_id`, `deleted`, `limit`."""
        return list(self._json("GET", f"conversations{http.query(**filters)}")["conversations"])

    def conversation(self, conversation_id: str) -> dict[str, Any]:
        """Return one conversation's own facts."""
        return self._json("GET", f"conversations/{quote(conversation_id, safe='')}")

    def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return a conversation's messages, all branches, the oldest first."""
        return list(
            self._json("GET", f"conversations/{quote(conversation_id, safe='')}/messages")["messages"]
        )

    def export(self, conversation_id: str, format: str = "md", *, message: str | None = None) -> bytes:
        """Return a conversation as a file: `md`, `ipynb` or `json`; the branch that `message` ends."""
        path = f"conversations/{quote(conversation_id, safe='')}/export"
        response = self._send("GET", f"{path}{http.query(format=format, message=message)}", accept="*/*")
        return bytes(response.content)

    def health(self) -> dict[str, Any]:
        """Return how the server and its model are, also when they are unwell."""
        return self._json("GET", "health", unwell=True)

    def models(self) -> dict[str, Any]:
        """Return `models`, a row for each that can answer or be pulled, and `problem`, or null."""
        return self._json("GET", "models")

    def presets(self, client_id: str = "api") -> dict[str, Any]:
        """Return a front end's `presets`, and the name of the `active` one, or null."""
        return self._json("GET", f"clients/{quote(client_id, safe='')}/presets")

    def load(self, name: str | None = None) -> dict[str, Any]:
        """Get a model ready to answer, in place of the one that is, and return its `backend` and `name`.

        Parameters
        ----------
        name:
            `MODEL`, `BACKEND:MODEL` or `BACKEND`; the usual model where it is left out.

        Raises
        ------
        TetherError
            There is none of that name, it cannot be loaded, or answers are being written with another.
        """
        return self._json("POST", "models/load", http.named(name))

    def unload(self, name: str | None = None) -> dict[str, Any]:
        """Give back the memory that a model takes, and return its `backend` and `name`.

        Answers that it is writing end. The next question loads it again.

        Parameters
        ----------
        name:
            As for `load`; the backend that answers by itself where it is left out.
        """
        return self._json("POST", "models/unload", http.named(name))

    def stop(self, conversation_id: str) -> None:
        """End the turn that is under way in a conversation."""
        self._json("POST", f"stop/{quote(conversation_id, safe='')}", {})

    def change_conversation(self, conversation_id: str, **fields: Any) -> dict[str, Any]:
        """Change the `title`, `metadata` or other facts of a conversation, and return all of them."""
        return self._json("PATCH", f"conversations/{quote(conversation_id, safe='')}", http.sendable(fields))

    def new_conversation(self, **fields: Any) -> str:
        """Start a conversation and return its id; with `kernel_id`, it becomes that notebook's."""
        return str(self._json("POST", "conversations", http.sendable(fields))["id"])

    def close(self) -> None:
        """Close all connections. The next question opens one again."""
        opened, self._http = self._http, None
        if opened is not None:
            opened.close()

    def _json(
        self, method: str, path: str, body: Any = None, *, unwell: bool = False, files: Any = None
    ) -> dict[str, Any]:
        response = self._send(method, path, body, accept=http.JSON, unwell=unwell, files=files)
        if not response.content:
            return {}
        try:
            content = response.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise UpstreamError("The server's answer is not what Tether sends.")
        return content

    def _send(
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
                response = opened.send(request, stream=stream)
                if response.is_success or (unwell and response.status_code == 503):
                    return response
                with contextlib.closing(response):
                    error = http.failure(response, _read_some(response))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                error = http.unreachable(server)
            except httpx.TransportError:
                error = http.lost(server)
            if not (http.is_elsewhere(error) and self._moved(server)):
                raise error

    def _opened(self, server: Server) -> httpx.Client:
        import httpx

        if self._http is None:
            self._http = httpx.Client(
                transport=httpx.HTTPTransport(**http.transport_options(server)),
                timeout=http.timeout(),
                trust_env=False,
                follow_redirects=False,
            )
        return self._http

    def _moved(self, server: Server) -> bool:
        """Look for the server anew, if it was not given, and return whether it is another one."""
        if self._given:
            return False
        try:
            found = self._find()
        except TetherError:
            return False
        if found == server:
            return False
        self.close()
        self._server = found
        return True

    def _find(self) -> Server:
        found = find()
        return Server(found.url, self._token) if self._token else found


class Stream:
    """The events of one turn, as they come.

    Iterating yields them up to `done`; an `error` is raised as the `TetherError` that it names. So is a
    connection that ends too early.
    """

    def __init__(self, client: Client, body: dict[str, Any]) -> None:
        self._client = client
        self._body = body
        self._response: httpx.Response | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> httpx.Response:
        """Send the request, if that has not been done, and wait for the answer's beginning."""
        if self._response is None:
            self._response = self._client._send(
                "POST", "chat/stream", self._body, accept=http.NDJSON, stream=True
            )
        return self._response

    def __iter__(self) -> Iterator[Event]:
        import httpx

        response = self.open()
        decoder = LineDecoder()
        ended = False
        try:
            for piece in response.iter_raw():
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
            response.close()
        if not ended:
            raise http.lost(self._client.server)

    def close(self) -> None:
        """Close the connection if the answer is not complete; the server then stops the turn."""
        if self._response is not None:
            self._response.close()

    def abort(self) -> None:
        """Break the connection, from any thread: whoever is waiting for an event wakes up at once."""
        if self._response is None:
            return
        wire = self._response.extensions.get("network_stream")
        plain = wire.get_extra_info("socket") if wire else None
        if plain is not None:
            # On a closed socket there is nothing left to wake.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(plain, socket.SHUT_RDWR)


def _read_some(response: httpx.Response) -> bytes:
    """Return the beginning of a body that explains a failure."""
    if response.is_stream_consumed:
        return response.content
    body = b""
    for piece in response.iter_raw():
        body += piece
        if len(body) > http.MAX_FAILURE:
            break
    return body
