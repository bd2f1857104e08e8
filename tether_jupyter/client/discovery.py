"""Which Jupyter server to ask, and with which token."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from tether_jupyter.errors import ModelNotReady

HOW_TO_START = "Start one with `jupyter lab`, or with `jupyter tether` in a terminal, and try again."
# A page of Jupyter and what stands before it. A JupyterHub's user may be called like a page; and a base URL
# may be `/notebooks/ada/`, so that such a word counts only where it leads to what looks like a file.
PAGE = re.compile(
    r"""
    (?P<base> (?: /user/[^/]* | /[^/]* )*? )
    (?:
        /lab (?: /(?:tree|workspaces) (?:/.*)? )?
      | /doc/(?:tree|workspaces) /.*
      | /(?:tree|tether) (?:/.*)?
      | /(?:notebooks|edit|consoles) /.*\.\w+
    )?
    """,
    re.VERBOSE,
)
STARTED: list[Server] = []
"""Servers that this process has brought up by `%tether start`, the newest last."""
WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # noqa: S104


@dataclass(frozen=True, slots=True)
class Server:
    """A Jupyter server: its base URL, with a slash at the end, and its token."""

    url: str
    token: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """The host's name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether the server is reached over this machine's loopback interface."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def server_at(url: str, token: str | None = None) -> Server:
    """Return the server at a URL as a person may paste it, with a token in its query or without."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    token = token or next(iter(parse_qs(parts.query).get("token", [])), "")
    host = parts.hostname or ""
    netloc = parts.netloc.rpartition("@")[2]
    if host in WILDCARDS:
        netloc = _netloc(WILDCARDS[host], parts.port)
    path = parts.path.rstrip("/")
    page = PAGE.fullmatch(path)
    base = page["base"] if page else path
    return Server(urlunsplit((parts.scheme, netloc, f"{base}/", "", "")), token)


def find(
    environment: Mapping[str, str] | None = None,
    *,
    runtime_dir: str | Path | None = None,
    cwd: str | Path | None = None,
) -> Server:
    """Return the server that belongs to this process.

    In this order: the one that `%tether start` has brought up in it, unless an environment is given;
    `JUPYTER_SERVER_URL` with `JUPYTER_TOKEN`; the server that started this kernel;
    `JUPYTER_SERVER_URL` alone; a JupyterHub's variables; a running server of this user, one that serves
    the working directory before others, and the newest before older ones.

    Raises
    ------
    ModelNotReady
        There is none. The message says how to start one.
    """
    if environment is None and STARTED:
        return STARTED[-1]
    environment = os.environ if environment is None else environment
    folder = Path(runtime_dir) if runtime_dir else _runtime_dir()
    for server in candidates(environment, folder, Path(cwd) if cwd else here()):
        return server
    raise ModelNotReady("No running Jupyter server was found.", hint=HOW_TO_START)


def here() -> Path:
    """Return the working folder; the home folder where somebody has removed it."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


def candidates(environment: Mapping[str, str], folder: Path, cwd: Path) -> Iterator[Server]:
    """Yield the servers that may be meant, the likeliest first."""
    hub = _from_hub(environment)
    url = environment.get("JUPYTER_SERVER_URL")
    named = server_at(url, environment.get("JUPYTER_TOKEN")) if url else None
    if named and named.token:
        yield named
    for pid in _parents(environment):
        info = _read(folder / f"jpserver-{pid}.json")
        if info and is_alive(pid):
            yield _with_hub_token(_from_info(info), hub)
    if named:
        # Jupyter's own terminals set the URL and no token, and what is started there inherits it.
        yield _with_known_token(named, folder, hub)
    if hub:
        yield hub
    for info in _running(folder, cwd):
        yield _from_info(info)


def _with_known_token(server: Server, folder: Path, hub: Server | None) -> Server:
    for info in _running(folder, here()):
        known = _from_info(info)
        if known.token and server.url in (known.url, server_at(str(info["url"])).url):
            return Server(server.url, known.token)
    return _with_hub_token(server, hub)


def _with_hub_token(server: Server, hub: Server | None) -> Server:
    # A single-user server has no token of its own: it asks its hub about the one in the environment.
    if hub and not server.token and urlsplit(server.url).path == urlsplit(hub.url).path:
        return Server(server.url, hub.token)
    return server


def _from_hub(environment: Mapping[str, str]) -> Server | None:
    token = environment.get("JUPYTERHUB_API_TOKEN", "")
    prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "")
    # The address that the server listens on comes first: the public one may not be reachable from inside.
    url = environment.get("JUPYTERHUB_SERVICE_URL") or environment.get("JUPYTERHUB_HOST")
    if not (token and prefix and url):
        return None
    parts = urlsplit(url)
    return server_at(urlunsplit((parts.scheme, parts.netloc, prefix, "", "")), token)


def _from_info(info: Mapping[str, Any]) -> Server:
    parts = urlsplit(str(info["url"]))
    host = str(info.get("hostname") or "")
    # A server on all interfaces names the machine, and that name may lead through a proxy.
    netloc = _netloc(WILDCARDS[host], parts.port) if host and host in WILDCARDS else parts.netloc
    path = str(info.get("base_url") or parts.path).rstrip("/")
    return Server(urlunsplit((parts.scheme, netloc, f"{path}/", "", "")), str(info.get("token") or ""))


def _running(folder: Path, cwd: Path) -> list[dict[str, Any]]:
    """Return this user's running servers: those around the working directory first, then the newest."""
    found = []
    for path in folder.glob("jpserver-*.json"):
        info = _read(path)
        if info and is_alive(info.get("pid")):
            try:
                found.append((_serves(info, cwd), path.stat().st_mtime, str(path), info))
            except FileNotFoundError:
                continue
    found.sort(key=lambda entry: entry[:3], reverse=True)
    return [entry[3] for entry in found]


def _serves(info: Mapping[str, Any], cwd: Path) -> bool:
    root = info.get("root_dir")
    return bool(root) and cwd.resolve().is_relative_to(Path(str(root)).resolve())


def _read(path: Path) -> dict[str, Any] | None:
    """Return a runtime file's content, if this user wrote it and it names an address."""
    try:
        with path.open(encoding="utf-8") as file:
            if sys.platform != "win32" and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            info: Any = json.load(file)
    except (OSError, ValueError):
        return None
    if not isinstance(info, dict) or info.get("sock"):
        return None
    return info if str(info.get("url", "")).startswith(("http://", "https://")) else None


def _parents(environment: Mapping[str, str]) -> list[int]:
    """Return the processes that may have started this kernel."""
    pids = []
    # On Windows the variable holds a handle, which is no process id.
    if sys.platform != "win32" and environment.get("JPY_PARENT_PID", "").isdigit():
        pids.append(int(environment["JPY_PARENT_PID"]))
    if sys.platform == "win32" and environment.get("JPY_PARENT_PID"):
        pids.append(os.getppid())
    return pids


def is_alive(pid: object) -> bool:
    """Return whether a process of this user has this id."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return True


def _runtime_dir() -> Path:
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir())


def _netloc(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host
