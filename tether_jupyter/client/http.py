"""What the two clients share: how a request is made, and what an answer that failed means."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tether_jupyter.client.discovery import HOW_TO_START, Server
from tether_jupyter.core.sizes import human
from tether_jupyter.errors import (
    STATUS,
    Forbidden,
    Internal,
    InvalidRequest,
    ModelNotReady,
    NotFound,
    TetherError,
    TooLarge,
    Unauthorized,
    UpstreamError,
    from_payload,
)

if TYPE_CHECKING:
    import httpx

JSON = "application/json"
NDJSON = "application/x-ndjson"
CONNECT_SECONDS = 5.0
WRITE_SECONDS = 30.0
MAX_FAILURE = 64 * 1024
MAX_FILE = 1 << 30
"""Bytes of a file that are read to be sent; what a server takes of them is its own matter."""


class Unreachable(ModelNotReady):
    """Nothing answers at the server's address."""


def timeout() -> httpx.Timeout:
    """Return the limits: none on reading, because a model may think for as long as it likes, and none on
    waiting for one of the pool's connections, which others read from."""
    import httpx

    return httpx.Timeout(CONNECT_SECONDS, read=None, write=WRITE_SECONDS, pool=None)


def transport_options(server: Server) -> dict[str, Any]:
    """Return the arguments of an httpx transport to this server."""
    return {
        # Loopback needs no certificate authority, and loading them takes longer than a question.
        "verify": not server.is_local and server.url.startswith("https:"),
        "trust_env": not server.is_local,
        "proxy": None if server.is_local else proxy_for(server),
        "socket_options": keep_alive(),
    }


def proxy_for(server: Server) -> str | None:
    """Return the proxy that the environment names for a server elsewhere.

    Raises
    ------
    InvalidRequest
        It is none that can be used.
    """
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(server.host):
        return None
    proxies = getproxies()
    for name in (server.url.partition(":")[0], "all"):
        if proxy := proxies.get(name):
            # Many write it without a scheme, as curl takes it.
            proxy = proxy if "://" in proxy else f"http://{proxy}"
            check_proxy(proxy, f"{name.upper()}_PROXY", server)
            return proxy
    return None


def check_proxy(proxy: str, variable: str, server: Server) -> None:
    """Refuse a proxy that httpx would fail at, in words that do not hold its password.

    Raises
    ------
    InvalidRequest
        It is no address of one, or of a kind for which a package is missing.
    """
    import httpx

    away = f"or add `{server.host}` to NO_PROXY to do without a proxy"
    try:
        if httpx.Proxy(proxy).url.scheme.startswith("socks"):
            import_module("socksio")
    except ImportError:
        raise InvalidRequest(
            f"The proxy in {variable} is a SOCKS proxy, for which a package is missing here: "
            f'`pip install "httpx[socks]"`, {away}.'
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise InvalidRequest(
            f"What {variable} holds is no proxy's address. "
            f"Set it to one such as http://proxy.example:3128, {away}."
        ) from None


def keep_alive() -> list[tuple[int, int, int]]:
    """Return the socket options that notice a server that vanished without a word, within a minute."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


def headers(server: Server, accept: str) -> dict[str, str]:
    """Return a request's headers. The token stands here and nowhere else."""
    found = {"Accept": accept, "Accept-Encoding": "identity"}
    if server.token:
        found["Authorization"] = f"token {server.token}"
    else:
        # A server without authentication still wants both halves of its check against forged requests.
        half = secrets.token_hex(16)
        found |= {"Cookie": f"_xsrf={half}", "X-XSRFToken": half}
    return found


def turn(message: str | None, request: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a turn: what was given, without what is `None`."""
    body: dict[str, Any] = sendable({"message": message, **request})
    return {k: v for k, v in body.items() if v is not None}


def sendable(value: Any) -> Any:
    """Return what a request is to hold with all of its texts, and keys, `whole`."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {sendable(key): sendable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [sendable(each) for each in value]
    return value


def whole(text: str) -> str:
    """Return a text that can be encoded: pairs of halves joined, single ones replaced.

    A cut emoji in JSON leaves a half of one, and so does the name of a file that is not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def query(**fields: str | int | bool | None) -> str:
    """Return a query, with its question mark, of the fields that are not `None`; else nothing."""
    words = {True: "true", False: "false"}
    given = {
        name: words[value] if isinstance(value, bool) else str(value)
        for name, value in fields.items()
        if value is not None
    }
    return f"?{urlencode(sendable(given))}" if given else ""


def form_of(paths: Iterable[str | Path]) -> list[tuple[str, tuple[str, bytes]]]:
    """Return files as the parts of a form.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidRequest
        It cannot be read, or is a folder.
    TooLarge
        It is so large that it is not even read.
    """
    parts = []
    for path in map(Path, paths):
        try:
            file = path.expanduser()
            if (size := file.stat().st_size) > MAX_FILE:
                raise TooLarge(f"`{path}` has {human(size)}, more than any server takes. Send a part of it.")
            parts.append(("file", (whole(file.name), file.read_bytes())))
        except FileNotFoundError:
            raise NotFound(f"There is no file `{path}`. Check its path.") from None
        except RuntimeError:
            raise NotFound(f"There is no home folder for `{path}`. Check its path.") from None
        except OSError as reason:
            raise InvalidRequest(f"`{path}` cannot be read: {reason.strerror or 'not a file'}.") from None
    return parts


def named(name: str | None) -> dict[str, str]:
    """Return the body that names a model, or the usual one."""
    return {} if name is None else {"name": whole(name)}


def unreachable(server: Server) -> Unreachable:
    """Return the error for a server that cannot be reached."""
    return Unreachable(f"Jupyter does not answer at {server.url}", hint=HOW_TO_START)


def lost(server: Server) -> UpstreamError:
    """Return the error for a connection that ended before the answer did."""
    return UpstreamError(
        "The connection to Jupyter was lost before the answer was complete. Ask again.",
        hint=f"The server was {server.url}",
    )


def failure(response: httpx.Response, body: bytes) -> TetherError:
    """Return the error that an answer other than a success stands for; `body` is what was read of it."""
    error = reason_of(response.status_code, body)
    wait = response.headers.get("Retry-After", "")
    if error.retry_after is None and wait.isascii() and wait.isdigit():
        # A proxy before Jupyter says it here alone.
        error.retry_after = float(wait)
    return error


def reason_of(status: int, body: bytes) -> TetherError:
    """Return the error that a status and a body tell of."""
    payload = error_in(body)
    if payload is not None:
        return from_payload(payload)
    if status in (301, 302, 303, 307, 308, 401):
        return Unauthorized(
            "Jupyter did not accept this client's token.",
            hint="Set JUPYTER_SERVER_URL and JUPYTER_TOKEN, or call Client(url, token). A server with a "
            "password alone needs a token as well: start it with JUPYTER_TOKEN set.",
        )
    if status == 403:
        return Forbidden(
            "Jupyter refused the request: no token, a wrong one, or no right to use Tether.",
            hint="Set JUPYTER_SERVER_URL and JUPYTER_TOKEN, or call Client(url, token).",
        )
    if status == 404:
        return NotFound(
            "This Jupyter server has no Tether.",
            hint="Install tether-jupyter where the server runs, and restart it. If it is installed, "
            "`tether doctor` there says what is wrong.",
        )
    for name, code in STATUS.items():
        if code == status:
            return from_payload({"type": name})
    return Internal(f"Jupyter answered with status {status}.")


def error_in(body: bytes) -> dict[str, Any] | None:
    """Return Tether's own account of a failure, where the body holds one."""
    try:
        content: Any = json.loads(body)
    except ValueError:
        return None
    payload = content.get("error", content) if isinstance(content, dict) else None
    return payload if isinstance(payload, dict) and payload.get("type") in STATUS else None


def is_elsewhere(error: TetherError) -> bool:
    """Return whether an error may mean that the server has started anew, at another address."""
    return isinstance(error, (Unreachable, Unauthorized, Forbidden))
