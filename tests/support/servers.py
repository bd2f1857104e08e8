"""A real Jupyter server in a process and a home of its own."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY = 90.0  # seconds that a server may take to start on a busy machine
PYTHON = os.environ.get("SERVER_PYTHON", sys.executable)
"""What the servers run on: `make older-test` names the environments of other JupyterLabs."""


@dataclass
class RunningServer:
    """A server that answers: `url` ends in a slash, `environment` is that of a kernel's owner."""

    url: str
    token: str
    root: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    log: Path

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(
    home: Path,
    *options: str,
    app: str = "server",
    config: str = "",
    settings: dict[str, Any] | None = None,
    **environment: str,
) -> Iterator[RunningServer]:
    """Run `jupyter APP OPTIONS` until the block ends.

    Parameters
    ----------
    home:
        An empty folder for configuration, data, run-time files and, as `work`, the notebooks.
    config:
        More text for `jupyter_server_config.py`.
    settings:
        JupyterLab's user settings: `{"plugin folder/name": {…}}`.
    """
    root = home / "work"
    root.mkdir(parents=True, exist_ok=True)
    folder = home / "config"
    folder.mkdir(exist_ok=True)
    (folder / "jupyter_server_config.py").write_text(config)
    quiet = {"@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}
    for name, content in {**quiet, **(settings or {})}.items():
        target = folder / "lab" / "user-settings" / f"{name}.jupyterlab-settings"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content))
    token, port = secrets.token_hex(16), free_port()
    variables = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_", "OPENAI", "TETHER"))},
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "lab" / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        # `jupyter lab` looks for `jupyter-lab` there.
        "PATH": os.pathsep.join([str(Path(PYTHON).parent), os.environ.get("PATH", os.defpath)]),
        **environment,
    }
    if sys.executable != PYTHON:
        # The backends of tests are there as well; the package is the one that is installed there.
        (home / "paths").mkdir(exist_ok=True)
        if not (home / "paths" / "tests").exists():
            (home / "paths" / "tests").symlink_to(Path(__file__).parents[1])
        variables["PYTHONPATH"] = str(home / "paths")
    command = [PYTHON, "-m", "jupyter", app, "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
    command += [f"--IdentityProvider.token={token}", *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = home / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=variables, stdout=out, stderr=out, cwd=root)
    url = f"http://127.0.0.1:{port}/"
    try:
        until_ready(url, process, log)
        yield RunningServer(url, token, root, process, variables, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}api", timeout=5).close()
        except OSError:
            time.sleep(0.1)  # a process of its own has no event to wait for
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-4000:]}")
