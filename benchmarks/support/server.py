"""A Jupyter server of a benchmark's own, with folders of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.support.process import environment, process

EXTENSION = "tether_jupyter"
LAB_EXTENSION = "@tether/jupyterlab"


class Server:
    """A running server. `started` is when its process was, in seconds of `time.perf_counter`."""

    def __init__(self, child: subprocess.Popen[str], port: int, token: str, folder: Path, log: Path) -> None:
        self.child = child
        self.pid = child.pid
        self.port = port
        self.token = token
        self.folder = folder
        self.log = log
        self.url = f"http://127.0.0.1:{port}/"
        self.started = time.perf_counter()

    @property
    def headers(self) -> dict[str, str]:
        """What a caller sends to be let in."""
        return {"Authorization": f"token {self.token}", "Content-Type": "application/json"}

    def kernel_environment(self) -> dict[str, str]:
        """Return what leads a kernel to this server."""
        runtime = str(self.folder / "run")
        return environment(JUPYTER_SERVER_URL=self.url, JUPYTER_TOKEN=self.token, JUPYTER_RUNTIME_DIR=runtime)

    def get(self, path: str, timeout: float = 10) -> tuple[int, bytes]:
        """Ask for a path under the server's base URL and return the status and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", f"/{path}", headers=self.headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait(self, seconds: float = 90) -> float:
        """Return after how many seconds `api/status` answered."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("api/status")[0] == 200:
                    return time.perf_counter() - self.started
            time.sleep(0.02)
        raise TimeoutError(f"The server did not come up:\n{self.log.read_text()[-2000:]}")

    def events(
        self, body: Mapping[str, Any], *, seconds: float = 60
    ) -> Iterator[tuple[float, dict[str, Any]]]:
        """Ask, and yield each event of the answer with the `time.perf_counter` at which it came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            headers = {**self.headers, "Accept": "application/x-ndjson"}
            connection.request("POST", "/tether/chat/stream", json.dumps(dict(body)), headers)
            response = connection.getresponse()
            if response.status != 200:
                raise RuntimeError(f"status {response.status}: {response.read(500)!r}")
            while line := response.readline():
                yield time.perf_counter(), json.loads(line)
        finally:
            connection.close()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def server(
    *,
    kind: str = "jupyter_server",
    enabled: bool = True,
    config: Mapping[str, Mapping[str, Any]] | None = None,
    variables: Mapping[str, str] | None = None,
    wait: bool = True,
) -> Iterator[Server]:
    """Run a Jupyter server whose settings, data and runtime files are its own.

    Parameters
    ----------
    kind:
        `jupyter_server`, or `jupyterlab`.
    enabled:
        Whether Tether is: its server extension and its lab extension.
    config:
        Further settings, by class.
    variables:
        Further environment variables.
    wait:
        Whether the block is entered only when the server answers.
    """
    with tempfile.TemporaryDirectory(prefix="tether-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("config/labconfig", "data", "run", "ipython", "root"):
            (folder / part).mkdir(parents=True)
        port, token = free_port(), secrets.token_hex(16)
        settings: dict[str, dict[str, Any]] = {k: dict(v) for k, v in (config or {}).items()}
        settings["IdentityProvider"] = {"token": token}
        settings["ServerApp"] = {
            "port": port,
            "port_retries": 0,
            "ip": "127.0.0.1",
            "open_browser": False,
            "root_dir": str(folder / "root"),
            **settings.get("ServerApp", {}),
        }
        if not enabled:
            settings["ServerApp"]["jpserver_extensions"] = {EXTENSION: False}
            (folder / "config/labconfig/page_config.json").write_text(
                json.dumps({"disabledExtensions": {LAB_EXTENSION: True}})
            )
        (folder / "config/jupyter_server_config.json").write_text(json.dumps(settings))
        env = environment(
            JUPYTER_CONFIG_DIR=str(folder / "config"),
            JUPYTER_DATA_DIR=str(folder / "data"),
            JUPYTER_RUNTIME_DIR=str(folder / "run"),
            IPYTHONDIR=str(folder / "ipython"),
            **(variables or {}),
        )
        command = [
            sys.executable,
            "-m",
            kind,
            "--no-browser",
            *(["--allow-root"] if os.getuid() == 0 else []),
        ]
        log = folder / "server.log"
        with process(command, env=env, cwd=folder / "root", log=log) as child:
            running = Server(child, port, token, folder, log)
            if wait:
                running.wait()
            yield running
