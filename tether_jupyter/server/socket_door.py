"""What every WebSocket door has: who is there, where they come from, and a handshake that is one."""

from __future__ import annotations

from typing import Any

from jupyter_server.base.websocket import WebSocketMixin
from tornado import web, websocket

from tether_jupyter.errors import Forbidden, InvalidRequest
from tether_jupyter.server.base import Guard, guarded


class TetherWebSocket(WebSocketMixin, Guard, websocket.WebSocketHandler):
    """The base of every WebSocket door: refused before the handshake, not after it.

    A door must not replace `get`, which checks who is there.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "get" in cls.__dict__:
            raise TypeError("a WebSocket door must not replace `get`, which checks who is there")

    async def prepare(self, **kwargs: Any) -> None:
        await super().prepare(**kwargs)
        if self.current_user is None:
            raise self.stranger()

    async def get(self, *args: Any, **kwargs: Any) -> None:
        # A page of another site sends this browser's cookie and its own origin; a browser that hides the
        # origin gets no benefit of the doubt. Tornado would take a caller's `Sec-Fetch-Site` for an answer.
        headers = self.request.headers
        from_page = headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        if not headers.get("Origin") and (from_page or not self.token_authenticated):
            raise Forbidden
        if not self.check_origin():
            raise Forbidden
        self._check_handshake()
        await super().get(*args, **kwargs)

    get = guarded(get, websocket=True)

    def _check_handshake(self) -> None:
        """Refuse, in the form that all errors have, what Tornado would refuse in plain text."""
        headers = self.request.headers
        connection = [word.strip() for word in headers.get("Connection", "").lower().split(",")]
        if headers.get("Upgrade", "").lower() != "websocket" or "upgrade" not in connection:
            raise InvalidRequest("This address speaks WebSocket: connect with a client for that.")
        if headers.get("Sec-WebSocket-Version") != "13":
            raise web.HTTPError(426)
        if not headers.get("Sec-WebSocket-Key") or not headers.get("Host"):
            raise InvalidRequest("A WebSocket's request needs `Host` and `Sec-WebSocket-Key`.")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if status_code == 426:
            self.set_header("Sec-WebSocket-Version", "13")
        super().write_error(status_code, **kwargs)

    @property
    def max_message_size(self) -> int:
        """The largest message, in bytes: as large as a request's body."""
        return self.services.settings.tether.max_body_size

    def get_compression_options(self) -> None:
        """Compress nothing: answers are small and secrets must not shape their size."""
