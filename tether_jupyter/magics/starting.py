"""`%tether start` and `stop`: a server of one's own where there is none, in a terminal or in VS Code."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from tether_jupyter.client.discovery import STARTED, Server, here, server_at
from tether_jupyter.client.sync import Client
from tether_jupyter.errors import ModelNotReady, NotFound, TetherError
from tether_jupyter.magics.asking import tell
from tether_jupyter.magics.commands import Asked, plain
from tether_jupyter.magics.session import Session

READY_SECONDS = 90.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.1
LAST = 1500
"""Characters of the server's log that are shown where it does not start."""

# The pipe to its stdin ends with this process, however that happens; the server ends with the pipe.
CHILD = """
import os, signal, sys, threading
def follow():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=follow, daemon=True).start()
from tether_jupyter import app
class TetherServer(app.TetherServer):
    def init_configurables(self):
        super().init_configurables()
        # Of itself, JUPYTER_TOKEN is weaker than whatever the user's settings say.
        self.identity_provider.token = os.environ["JUPYTER_TOKEN"]
app.TetherServer = TetherServer
sys.argv[0] = "jupyter-tether"
app.main()
"""


class Started:
    """A server that this kernel has brought up: `jupyter tether`, on loopback, with a token of its own.

    It ends with the kernel.
    """

    def __init__(self, runtime: Path, root: Path) -> None:
        self.runtime = runtime
        self.token = secrets.token_hex(24)
        self.found: Server | None = None
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the server
        port = free_port()
        options = [
            "--ServerApp.ip=127.0.0.1",
            f"--port={port}",
            f"--ServerApp.root_dir={root}",
            "--no-browser",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--allow-root")
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *options],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            env=environment(self.token, runtime),
            # Whoever interrupts the kernel signals all of its group.
            start_new_session=True,
        )
        atexit.register(self.stop)

    def server(self) -> Server | None:
        """Return the server once it says where it listens; `None` until then."""
        file = self.runtime / f"jpserver-{self.process.pid}.json"
        try:
            info = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return server_at(str(info["url"]), self.token)

    def let_be_found(self, server: Server) -> None:
        """Let all that runs in this process find the server before others: also rows, and the widget."""
        self.found = server
        STARTED.append(server)

    def end_of_log(self) -> str:
        """Return the last lines that the server wrote."""
        self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, self.log.tell() - LAST))
        text = self.log.read().decode("utf-8", "replace")
        return text.replace(self.token, "…").strip()

    def stop(self) -> None:
        """End the server, and wait until it has. Nobody finds it any more."""
        atexit.unregister(self.stop)
        if self.found is not None and self.found in STARTED:
            STARTED.remove(self.found)
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self.log.close()


def start(asked: Asked) -> None:
    """`%tether start`: bring up a server, unless one answers already.

    It serves the working directory on 127.0.0.1, keeps its history where every Tether server of this user
    does, and ends with this kernel or with `%tether stop`.
    """
    plain(asked)
    session = asked.session
    if (there := answering(session)) is not None:
        tell(f"A server answers already, at {there.url}")
        return
    if session.started is not None:
        session.started.stop()  # It answers no more.
    started = Started(runtime_dir(), here())
    try:
        server = wait(started)
    except BaseException:
        started.stop()
        raise
    started.let_be_found(server)
    session.started = started
    session.client.close()
    session.client = Client()
    health = session.client.health()
    tell(
        f"Tether answers at {server.url} with {health.get('backend')}:{health.get('model')}, "
        "until this kernel ends."
    )


def stop(asked: Asked) -> None:
    """`%tether stop`: end the server that `start` has brought up."""
    session = asked.session
    started, session.started = session.started, None
    if started is None:
        tell("No server was started from here, so none is stopped.")
        return
    session.client.close()
    session.client = Client()
    started.stop()
    tell("The server has ended.")


def answering(session: Session) -> Server | None:
    """Return the server that answers; `None` where none does."""
    try:
        session.client.health()
    except TetherError as reason:
        if isinstance(reason, (ModelNotReady, NotFound)):
            return None  # There is none, or it is one without Tether.
        raise
    return session.client.server


def wait(started: Started) -> Server:
    """Wait until the server answers, and say so meanwhile.

    Raises
    ------
    ModelNotReady
        It ended, or did not answer in time; the last lines of its log are in the advice.
    """
    begun = time.monotonic()
    told = -1
    try:
        while (spent := time.monotonic() - begun) < READY_SECONDS:
            if started.process.poll() is not None:
                break
            server = started.server()
            if server is not None and healthy(server):
                return server
            if int(spent) != told:
                told = int(spent)
                sys.stdout.write(f"\rStarting a server for Tether, {told} s ")
                sys.stdout.flush()
            time.sleep(LOOK_SECONDS)
    finally:
        sys.stdout.write("\n")
    raise ModelNotReady("The server for Tether did not start.", hint=started.end_of_log() or None)


def healthy(server: Server) -> bool:
    """Return whether Tether answers there."""
    try:
        with Client(server.url, server.token) as client:
            client.health()
    except TetherError:
        return False
    return True


def environment(token: str, runtime: Path) -> dict[str, str]:
    """Return the variables of the server's process: none that tell of another server."""
    kept: dict[str, Any] = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JPY_", "JUPYTERHUB_")) and name not in ("JUPYTER_SERVER_URL", "JUPYTER_PORT")
    }
    return {**kept, "JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": str(runtime)}


def runtime_dir() -> Path:
    """Return the folder in which Jupyter servers say where they listen."""
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir())


def free_port() -> int:
    """Return a port of the loopback interface on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
