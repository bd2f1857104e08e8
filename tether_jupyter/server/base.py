"""What every door has: who is there and what they may do, limits, and errors that people can read.

Jupyter leaves an undecorated handler open, buffers half a gigabyte of body, and writes the query and the
text of an unhandled exception to the log. `TetherHandler` here and `TetherWebSocket` in `socket_door.py` are
the only ones that subclass Jupyter's handlers, so that nothing in Tether can forget to undo that.
"""

from __future__ import annotations

import json
import re
import secrets
from http.client import responses
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated, authorized, ws_authenticated
from jupyter_server.auth.identity import IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider
from jupyter_server.auth.login import LegacyLoginHandler
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.iostream import StreamClosedError

from tether_jupyter.core.frames import frames
from tether_jupyter.errors import (
    STATUS,
    Forbidden,
    Internal,
    InvalidRequest,
    NotFound,
    TetherError,
    TooLarge,
    Unauthorized,
)

if TYPE_CHECKING:
    from tether_jupyter.services import Services

AUTH_RESOURCE = "tether"
VERBS = ("get", "head", "post", "put", "patch", "delete")
CORRELATION_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
ADDRESS = re.compile(r"[!-~]{0,512}")
"""An `Origin` or a `Host` that Jupyter may see: it writes those that it refuses to the log, whole."""
HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MOST_HEADERS = 64
"""Headers that a listed page may ask to send; an SDK adds a dozen of its own."""


def owner_of(handler: JupyterHandler) -> str:
    """Return whose conversations a request is about.

    Jupyter's own providers know one person, and give each token or browser a name of its own; any other
    provider names people. So does a login handler of another's making, which a JupyterHub may bring.
    """
    provider = handler.identity_provider
    if type(provider) is LegacyIdentityProvider:
        # A page of one's own may ask for the password: it is Jupyter's word then, which names nobody.
        names, jupyters = (
            getattr(getattr(door, "get_user", None), "__func__", None)
            for door in (provider.login_handler_class, LegacyLoginHandler)
        )
        one = names is jupyters
    else:
        one = type(provider) in (IdentityProvider, PasswordIdentityProvider)
    return "owner" if one else str(handler.current_user.username)


class Guard(JupyterHandler):
    """What HTTP and WebSocket doors share."""

    auth_resource = AUTH_RESOURCE

    @property
    def services(self) -> Services:
        """What the doors open to."""
        services: Services = self.settings["tether_services"]
        return services

    @property
    def owner(self) -> str:
        """Whose conversations these are."""
        return owner_of(self)

    async def may(self, action: str, resource: str) -> bool:
        """Return whether the caller may do something to a kind of things of Jupyter's own."""
        allowed = self.authorizer.is_authorized(self, self.current_user, action, resource)
        return bool(await ensure_async(allowed))

    @property
    def correlation_id(self) -> str:
        """The id that the caller gave this request, or one made up for it."""
        if not hasattr(self, "_correlation_id"):
            sent = self.request.headers.get("X-Correlation-Id", "")
            self._correlation_id = sent if CORRELATION_ID.fullmatch(sent) else secrets.token_hex(8)
        return self._correlation_id

    @correlation_id.setter
    def correlation_id(self, value: str) -> None:
        self._correlation_id = value

    async def prepare(self, **kwargs: Any) -> None:
        """Find out who is there."""
        origin, host = (self.request.headers.get(name, "") for name in ("Origin", "Host"))
        if not (ADDRESS.fullmatch(host) and readable(origin)):
            # No browser sends one. Jupyter would fail at it, or write all of it to the log.
            raise Forbidden
        try:
            await super().prepare(**kwargs)
        except web.HTTPError as reason:
            # Jupyter calls a foreign origin "not found", before it has asked who is there; and it says that a
            # stranger's form lacks its cookie, before it says that this is a stranger.
            if reason.status_code == 404:
                raise Forbidden from None
            known = getattr(self, "_jupyter_current_user", None) is not None or not self.check_host()
            raise reason if known or reason.status_code != 403 else self.stranger() from None

    def stranger(self) -> TetherError:
        """Return the refusal of a caller that nobody knows."""
        return Unauthorized() if self.identity_provider.auth_enabled else Forbidden()

    def set_default_headers(self) -> None:
        """Set what every answer has, errors too: Tornado drops all other headers before it sends one."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Correlation-Id", self.correlation_id)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Map our own errors to their status before Tornado calls everything 500."""
        reason = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(reason, TetherError):
            status_code = STATUS[reason.type]
        elif status_code == 405 and getattr(self, "_jupyter_current_user", None) is None:
            # A method that HTTP does not know ends before `prepare`: strangers learn nothing from it.
            status_code, kwargs = 403, {}
        super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send any failure, with the same status and headers at every door."""
        reason = as_tether_error(status_code, kwargs.get("exc_info", (None, None, None))[1])
        self.set_header("Content-Type", "application/json")
        self.set_status(status_code if status_code in (405, 426) else STATUS[reason.type])
        if isinstance(reason, Unauthorized):
            self.set_header("WWW-Authenticate", "token")
        if reason.retry_after is not None:
            self.set_header("Retry-After", str(max(1, round(reason.retry_after))))
        self.finish(json.dumps(self.error_body(reason)))

    def error_body(self, reason: TetherError) -> dict[str, Any]:
        """Return what callers read of a failure: the one form that all have."""
        return {"error": reason.payload()}

    def _log(self) -> None:
        """Write the access log: never a query, a header or a body."""
        status = self.get_status()
        write = self.log.warning if status >= 500 else self.log.info if status >= 400 else self.log.debug
        write(
            "tether: %s %s %d %.1f ms [%s]",
            printable(self.request.method or ""),
            printable(self.request.path),
            status,
            self.request.request_time() * 1000,
            self.correlation_id,
        )

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Write where an unforeseen exception came from, and none of what it says."""
        if typ is None or (typ is not None and issubclass(typ, TetherError | web.HTTPError)):
            return
        if issubclass(typ, StreamClosedError):
            return
        self.log.error(
            "tether: %s %s [%s] failed: %s",
            printable(self.request.method or ""),
            printable(self.request.path),
            self.correlation_id,
            frames(value) if value else typ.__name__,
        )


def guarded(method: Any, websocket: bool) -> Any:
    """Return a verb that only answers those who are known and allowed.

    A socket is opened with a GET, and what comes over it then asks and stops, as a POST does.
    """
    if websocket:
        return ws_authenticated(authorized("write")(method))
    return web.authenticated(authorized(method))


def readable(origin: str) -> bool:
    """Return whether a caller's origin can be taken apart."""
    try:
        urlsplit(origin)
    except ValueError:
        return False
    return ADDRESS.fullmatch(origin) is not None


def flag(text: str, name: str) -> bool:
    """Return what a query's `true` or `false` means."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise InvalidRequest(f"`{name}` is `true` or `false`.")
    return text.lower() in ("true", "1")


def printable(text: str) -> str:
    """Return a short form of a caller's text that cannot forge a line of the log."""
    return "".join(c if c.isprintable() else "?" for c in text[:256])


@web.stream_request_body
class TetherHandler(Guard, APIHandler):
    """The base of every HTTP door: each verb that a subclass defines is authenticated and authorised.

    Answers are JSON, errors are ``{"error": {"type", "message", "retryable", "hint"}}``.
    """

    max_body_size: ClassVar[int | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for verb in VERBS:
            if verb in cls.__dict__:
                setattr(cls, verb, guarded(cls.__dict__[verb], websocket=False))

    async def prepare(self) -> None:  # type: ignore[override]  # as APIHandler does
        """Turn away, before a body is read, whoever is not known: for verbs that do not exist, too."""
        self._body = bytearray()
        self._received = 0
        self._size_limit = self.max_body_size or self.services.settings.tether.max_body_size
        await super().prepare()
        if self.preflight:
            return
        if self._allowed_origin() and not self.token_authenticated:
            # A listed page calls with a token. This browser's cookie is not its to use.
            raise Forbidden("A page of another site must send the server's token.")
        if self.current_user is None:
            raise self.stranger()
        announced = self.request.headers.get("Content-Length", "0")
        if announced.isdigit() and int(announced) > self._size_limit:
            self.set_header("Connection", "close")
            raise self._too_large()

    def data_received(self, chunk: bytes) -> None:
        """Gather the body, up to the limit; of a larger one only its size."""
        self._received += len(chunk)
        if self._received <= self._size_limit:
            self._body += chunk

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The request is larger than {self._size_limit:,} bytes. Send less.")

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self._let_read()

    def set_cors_headers(self) -> None:
        super().set_cors_headers()
        self._let_read()

    def _let_read(self) -> None:
        """Let a listed page read the answer, be it an error."""
        if origin := self._allowed_origin():
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Expose-Headers", "X-Correlation-Id, Retry-After")
            self.set_header("Vary", "Origin")

    @property
    def preflight(self) -> bool:
        """Whether a listed page asks what it may send."""
        return self.request.method == "OPTIONS" and bool(self._allowed_origin())

    @allow_unauthenticated
    def options(self, *args: Any, **kwargs: Any) -> None:
        super().options(*args, **kwargs)
        if self.preflight:
            # SDKs send headers of their own, and a browser holds back a request whose headers are not named.
            asked = self.request.headers.get("Access-Control-Request-Headers", "").split(",")
            names = [name.strip() for name in asked[:MOST_HEADERS] if HEADER_NAME.fullmatch(name.strip())]
            if names:
                self.set_header("Access-Control-Allow-Headers", ", ".join(names))

    def _allowed_origin(self) -> str:
        """Return the caller's origin where it is another site's and the settings name exactly that one."""
        origin = self.request.headers.get("Origin", "")
        if origin.partition("://")[2] == self.request.host:
            return ""
        listed = self.services.settings.tether.cors_origins
        return origin if origin and origin in [known.rstrip("/") for known in listed] else ""

    def check_origin(self, origin_to_satisfy_tornado: str = "") -> bool:
        if self._allowed_origin():
            return True
        # Jupyter writes the path to the log where it refuses the origin.
        path, self.request.path = self.request.path, printable(self.request.path)
        try:
            return super().check_origin(origin_to_satisfy_tornado)
        finally:
            self.request.path = path

    def read_body(self) -> dict[str, Any]:
        """Return the JSON object in the body.

        A form of another site can send JSON as plain text with this browser's cookie, so a caller without a
        token must say that it is JSON.
        """
        from tether_jupyter.core.request import read_json

        if self._received > self._size_limit:
            raise self._too_large()
        kind = self.request.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if kind != "application/json" and not self.token_authenticated:
            raise InvalidRequest("Send the request with `Content-Type: application/json`.")
        return read_json(bytes(self._body))

    def answer(self, payload: dict[str, Any], status: int = 200) -> None:
        """Send a JSON object and end."""
        self.set_status(status)
        self.finish(json.dumps(payload, ensure_ascii=False))


def as_tether_error(status_code: int, reason: BaseException | None) -> TetherError:
    """Return the error that callers see for an exception or a bare status."""
    if isinstance(reason, TetherError):
        return reason
    if status_code == 401:
        return Unauthorized()
    if status_code == 403:
        return Forbidden()
    if status_code == 404:
        return NotFound()
    if status_code == 405:
        return InvalidRequest("This address does not take that method. See `openapi.json`.")
    if status_code == 413:
        return TooLarge()
    if status_code == 426:
        return InvalidRequest("This address speaks version 13 of WebSocket. Connect with that.")
    if 400 <= status_code < 500:
        return InvalidRequest(f"{responses.get(status_code, 'Bad request')}.")
    return Internal()


class UnknownHandler(TetherHandler):
    """Whatever else is asked for under `tether/`: nothing, said in JSON and only to those who may ask."""

    async def prepare(self) -> None:  # type: ignore[override]  # as above
        await super().prepare()
        if not self.preflight:
            raise self.nothing()

    def nothing(self) -> NotFound:
        """Return what is said of such an address."""
        return NotFound("There is nothing at this address. See `openapi.json` for what there is.")


handlers = [(r"/tether/.*", UnknownHandler)]
