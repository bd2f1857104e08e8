"""A black hole for whatever wants to leave this machine, and a list of what tried."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

# Python runs it before anything else. It notes names that are looked up and addresses that are called, unless
# they are this machine's own.
HOOK = """
import os, sys
def note(event, args):
    if event == "socket.connect":
        address = args[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        address = args[:2]
    else:
        return
    host = address[0] if isinstance(address, tuple) else None
    host = host.decode("latin-1") if isinstance(host, bytes) else host
    if host and host not in ("localhost", "::1", "0.0.0.0", "::") and not host.startswith("127."):
        with open({log!r}, "a") as file:
            file.write(f"{{event}} {{host}}\\n")
    elif event == "socket.connect" and isinstance(address, tuple) and address[1] == {port}:
        with open({log!r}, "a") as file:
            file.write("the proxy\\n")
sys.addaudithook(note)
"""


class BlackHole:
    """A proxy that accepts every connection and never answers. `tries` are those who wanted to leave."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "tries"
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._kept: list[socket.socket] = []
        port = self._socket.getsockname()[1]
        (folder / "sitecustomize.py").write_text(HOOK.format(log=str(self._log), port=port))
        self.hook = {"PYTHONPATH": str(folder)}
        proxies = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        address = f"http://127.0.0.1:{port}"
        self.proxies = {**dict.fromkeys(proxies, address), "no_proxy": "127.0.0.1,localhost"}
        threading.Thread(target=self._accept, daemon=True).start()

    def tries(self) -> list[str]:
        """Return what was looked up or called that is not on this machine."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
        for connection in self._kept:
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._kept.append(self._socket.accept()[0])


@contextlib.contextmanager
def black_hole() -> Iterator[BlackHole]:
    """Open a black hole."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder:
        hole = BlackHole(Path(folder))
        try:
            yield hole
        finally:
            hole.close()
