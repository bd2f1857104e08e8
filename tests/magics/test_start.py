"""`%tether start` and `stop`: a server of one's own, which ends with the kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import tether_jupyter
from tests.support.fake_tether import FakeTether
from tests.support.local_models import ended
from tether_jupyter.client import Client, find
from tether_jupyter.errors import ModelNotReady, Unauthorized
from tether_jupyter.magics import starting

Said = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has no server, and a working directory."""
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "JPY_"))]:
        monkeypatch.delenv(name)
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("TETHER_LLM_BACKEND", "mock")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path


@pytest.fixture
def alone(shell: InteractiveShell, home: Path) -> Iterator[InteractiveShell]:
    """A shell without a server; one that a test leaves behind is ended."""
    yield shell
    shell.run_line_magic("tether", "stop")


def running(home: Path) -> list[dict[str, Any]]:
    """Return what the servers say that run for this user."""
    return [json.loads(path.read_text()) for path in (home / "runtime").glob("jpserver-*.json")]


def test_brings_one_up_that_answers_and_that_others_find(
    alone: InteractiveShell, home: Path, said: Said
) -> None:
    shown = said("start")
    (info,) = running(home)
    assert "Starting a server for Tether" in shown
    assert f"Tether answers at {info['url']} with mock:mock, until this kernel ends." in shown
    assert info["hostname"] == "127.0.0.1"
    assert info["root_dir"] == str(home / "work")
    assert len(info["token"]) >= 32
    assert info["token"] not in shown
    assert info["token"].encode() not in Path(f"/proc/{info['pid']}/cmdline").read_bytes()
    assert find().url == find(os.environ).url == info["url"]
    assert os.getsid(info["pid"]) != os.getsid(0), "an interrupt of the kernel is not one of the server"
    with Client() as other:
        assert other.health()["model"] == "mock"
    assert "mock" in said("why?")
    assert "ends with this kernel" in said("status")
    assert "A server answers already" in said("start")
    assert said("stop") == "The server has ended.\n"
    assert ended(info["pid"], 20)
    assert running(home) == []
    assert "No server was started from here" in said("stop")


@pytest.fixture
def without(alone: InteractiveShell, home: Path, tether: FakeTether, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the Jupyter that has started this kernel, and that has no Tether."""
    tether.health, tether.health_status = {"error": {"type": "not_found"}}, 404
    (home / "runtime").mkdir()
    info = {"url": tether.url, "token": tether.token, "pid": os.getpid()}
    (home / "runtime" / f"jpserver-{os.getpid()}.json").write_text(json.dumps(info))
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
    return tether.url


def test_is_what_rows_and_clients_ask_too_where_the_kernels_own_server_has_no_tether(
    without: str, alone: InteractiveShell, said: Said
) -> None:
    with Client() as before:
        assert before.server.url == without
    assert "Tether answers" in said("start")
    with Client() as client:
        assert client.health()["model"] == "mock"
    (answer,) = tether_jupyter.map(["a row"], "Say {value}")
    assert "a row" in answer
    said("stop")
    assert find().url == without


def test_takes_the_place_of_one_that_has_fallen_and_goes_with_the_extension(
    without: str, alone: InteractiveShell, tether: FakeTether, said: Said
) -> None:
    said("start")
    fallen = alone.magics_manager.registry["AskMagics"].session.started
    fallen.process.kill()
    fallen.process.wait()
    assert "Tether answers" in said("start")
    assert find().token not in (fallen.token, tether.token)
    alone.extension_manager.unload_extension("tether_jupyter.magics")
    assert find().url == without
    alone.extension_manager.load_extension("tether_jupyter.magics")


@pytest.mark.parametrize("theirs", ["sesame-of-the-users-own", ""])
def test_has_a_token_of_its_own_whatever_the_users_settings_say(
    alone: InteractiveShell, home: Path, said: Said, theirs: str
) -> None:
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.py").write_text(f"c.IdentityProvider.token = {theirs!r}\n")
    assert "Tether answers" in said("start")
    (info,) = running(home)
    assert len(info["token"]) >= 32
    for token in (theirs, ""):
        with pytest.raises(Unauthorized), Client(info["url"], token) as stranger:
            stranger.conversations()
    with Client(info["url"], info["token"]) as own:
        assert own.conversations() == []


def test_needs_none_where_one_answers(shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
    assert said("start") == f"A server answers already, at {tether.url}\n"


def test_a_server_that_does_not_come_up_says_why(
    alone: InteractiveShell, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "CHILD", "import sys; sys.exit('The config is broken.')")
    with pytest.raises(ModelNotReady, match="did not start") as raised:
        alone.run_line_magic("tether", "start")
    assert raised.value.hint == "The config is broken."


def test_ends_when_its_kernel_is_killed(home: Path) -> None:
    script = (
        "import os, signal\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell()\n"
        "shell.extension_manager.load_extension('tether_jupyter')\n"
        "shell.run_line_magic('tether', 'start')\n"
        "print(shell.magics_manager.registry['AskMagics'].session.started.process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=90)
    pid = int(done.stdout.split()[-1])
    assert ended(pid, 30)
