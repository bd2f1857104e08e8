"""`jupyter tether`: the same extension by itself."""

import re
import signal
import subprocess
import sys

import pytest

from tests.support.servers import free_port, running
from tether_jupyter.app import TetherServer


def test_it_serves_on_the_port_of_its_own_variable_and_nothing_of_jupyterlab(tmp_path):
    with running(tmp_path, "--Tether.backend=mock", app="tether") as server:
        assert server.get("tether/health")["model"] == "mock"
        assert "jupyterlab" not in server.log.read_text().lower()


@pytest.mark.parametrize("from_environment", [True, False])
def test_the_command_line_wins_over_the_environment(tmp_path, from_environment):
    ports = {"TETHER_PORT": free_port(), "option": free_port()}
    options = [] if from_environment else [f"--port={ports['option']}"]
    environment = {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TETHER_PORT": str(ports["TETHER_PORT"]),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_ALLOW_INSECURE_WRITES": "1",
    }
    command = [sys.executable, "-m", "jupyter", "tether", "--allow-root", "--no-browser", *options]
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                break
        assert int(found[1]) == ports["TETHER_PORT" if from_environment else "option"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(20)


@pytest.mark.parametrize("in_file", [True, False])
def test_a_port_that_is_no_number_is_said(tmp_path, in_file):
    environment = {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    if in_file:
        (tmp_path / ".jupyter").mkdir()
        (tmp_path / ".jupyter" / ".env").write_text("TETHER_PORT=many\n")
    else:
        environment["TETHER_PORT"] = "many"
    command = [sys.executable, "-m", "jupyter", "tether", "--allow-root", "--no-browser"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "TETHER_PORT must be a port's number" in done.stderr


def test_settings_that_cannot_be_read_are_named_without_a_trace(tmp_path):
    (tmp_path / ".jupyter").mkdir()
    (tmp_path / ".jupyter" / ".env").write_bytes(b"TETHER_PORT=\xe9\n")
    environment = {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "jupyter", "tether", "--allow-root", "--no-browser"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "tether: .env in the Jupyter config folder is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_setting_ends_the_start_with_what_is_wrong(tmp_path):
    environment = {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TETHER_CONTEXT_LENGTH": "8k",
    }
    command = [sys.executable, "-m", "jupyter", "tether", "--allow-root", "--no-browser", "--port=0"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "tether: TETHER_CONTEXT_LENGTH in the environment must be a number." in done.stderr
    assert "Traceback" not in done.stderr


class TestABlankVariable:
    """A line `TETHER_HOST=` sets nothing: to Jupyter an empty address means all of them."""

    @pytest.fixture
    def dotenv(self, tmp_path, monkeypatch):
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
        monkeypatch.delenv("TETHER_HOST", raising=False)
        monkeypatch.delenv("TETHER_PORT", raising=False)
        return tmp_path / ".env"

    def test_of_the_environment_leaves_the_default(self, dotenv, monkeypatch):
        monkeypatch.setenv("TETHER_HOST", "")
        monkeypatch.setenv("TETHER_PORT", " ")
        assert (TetherServer().ip, TetherServer().port) == ("127.0.0.1", 8000)

    def test_of_the_file_leaves_the_default(self, dotenv):
        dotenv.write_text("TETHER_HOST=\nTETHER_PORT=' '\n")
        assert (TetherServer().ip, TetherServer().port) == ("127.0.0.1", 8000)

    def test_of_the_environment_leaves_what_the_file_says(self, dotenv, monkeypatch):
        monkeypatch.setenv("TETHER_HOST", " ")
        monkeypatch.setenv("TETHER_PORT", "")
        dotenv.write_text("TETHER_HOST=127.0.0.2\nTETHER_PORT=' 8017 '\n")
        assert (TetherServer().ip, TetherServer().port) == ("127.0.0.2", 8017)
