"""Which server is found, and what never leaks on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tether_jupyter.client import discovery
from tether_jupyter.client.discovery import Server, find, server_at
from tether_jupyter.errors import ModelNotReady

ALIVE = os.getpid()


def write(folder: Path, pid: int, port: int, **more: Any) -> Path:
    """Write the file that a server leaves in the runtime folder."""
    path = folder / f"jpserver-{pid}.json"
    info = {
        "url": f"http://localhost:{port}/",
        "base_url": "/",
        "hostname": "localhost",
        "port": port,
        "token": f"token-{port}",
        "pid": pid,
        "root_dir": "/nowhere",
        "sock": "",
        "secure": False,
    }
    path.write_text(json.dumps(info | more))
    return path


@pytest.fixture
def others() -> Any:
    """Processes that live while the test does."""
    started = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
    yield [process.pid for process in started]
    for process in started:
        process.communicate(b"\n")


def found(folder: Path, environment: dict[str, str] | None = None, cwd: Path | None = None) -> Server:
    return find(environment or {}, runtime_dir=folder, cwd=cwd or folder)


HUB = {
    "JUPYTERHUB_API_TOKEN": "hub-token",
    "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
    "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:9999/user/ada/",
}


def test_the_variable_comes_first(tmp_path: Path) -> None:
    write(tmp_path, ALIVE, 1111)
    environment = {
        "JUPYTER_SERVER_URL": "http://example.org:5/x",
        "JUPYTER_TOKEN": "t",
        "JPY_PARENT_PID": str(ALIVE),
        **HUB,
    }
    assert found(tmp_path, environment) == Server("http://example.org:5/x/", "t")


def test_a_server_that_this_process_has_started_comes_before_its_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_SERVER_URL", "http://example.org:5/x")
    monkeypatch.setenv("JUPYTER_TOKEN", "t")
    monkeypatch.setattr(discovery, "STARTED", [Server("http://127.0.0.1:1/"), Server("http://127.0.0.1:2/")])
    assert find().url == "http://127.0.0.1:2/"
    assert find(os.environ, runtime_dir=tmp_path).url == "http://example.org:5/x/"


def test_a_working_folder_that_was_removed_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    environment = {"JUPYTER_SERVER_URL": "http://127.0.0.1:8888/", "JUPYTER_TOKEN": "t"}
    assert find(environment, runtime_dir=tmp_path).url == "http://127.0.0.1:8888/"


def test_a_terminal_of_jupyter_knows_the_url_and_the_runtime_file_the_token(tmp_path: Path) -> None:
    write(tmp_path, ALIVE, 1111)
    assert found(tmp_path, {"JUPYTER_SERVER_URL": "http://localhost:1111/"}).token == "token-1111"
    assert found(tmp_path, {"JUPYTER_SERVER_URL": "http://localhost:2222/"}).token == ""


def test_a_kernel_asks_its_own_server_also_where_that_was_started_in_a_terminal_of_another(
    tmp_path: Path, others: list[int]
) -> None:
    write(tmp_path, others[0], 1111)
    write(tmp_path, others[1], 2222)
    environment = {"JUPYTER_SERVER_URL": "http://localhost:1111/", "JPY_PARENT_PID": str(others[1])}
    assert found(tmp_path, environment).url == "http://localhost:2222/"


def test_the_server_that_started_the_kernel_comes_before_the_hub(tmp_path: Path, others: list[int]) -> None:
    write(tmp_path, others[0], 1111)
    write(tmp_path, others[1], 2222)
    for pid, port in zip(others, (1111, 2222), strict=True):
        server = found(tmp_path, {"JPY_PARENT_PID": str(pid), **HUB})
        assert server == Server(f"http://localhost:{port}/", f"token-{port}")


def test_a_hubs_variables_come_before_servers_of_nobody_in_particular(tmp_path: Path) -> None:
    write(tmp_path, ALIVE, 1111)
    assert found(tmp_path, HUB) == Server("http://127.0.0.1:9999/user/ada/", "hub-token")


def test_a_single_user_server_takes_its_hubs_token(tmp_path: Path) -> None:
    write(
        tmp_path,
        ALIVE,
        9999,
        url="http://machine:9999/user/ada/",
        base_url="/user/ada/",
        hostname="0.0.0.0",
        token="",
    )
    server = found(tmp_path, {"JPY_PARENT_PID": str(ALIVE), **HUB})
    assert server == Server("http://127.0.0.1:9999/user/ada/", "hub-token")


def test_the_public_address_of_a_hub_serves_where_there_is_no_other(tmp_path: Path) -> None:
    environment = {**HUB, "JUPYTERHUB_HOST": "https://hub.example.org"}
    del environment["JUPYTERHUB_SERVICE_URL"]
    assert found(tmp_path, environment).url == "https://hub.example.org/user/ada/"


def test_the_newest_server_is_taken_unless_an_older_one_serves_this_folder(
    tmp_path: Path, others: list[int]
) -> None:
    old, new = write(tmp_path, others[0], 1111), write(tmp_path, others[1], 2222)
    os.utime(old, (1000, 1000))
    os.utime(new, (2000, 2000))
    assert found(tmp_path).url == "http://localhost:2222/"
    write(tmp_path, others[0], 1111, root_dir=str(tmp_path))
    os.utime(old, (1000, 1000))
    assert found(tmp_path, cwd=tmp_path / "deep" / "inside").url == "http://localhost:1111/"


def test_dead_foreign_broken_and_socket_servers_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    write(tmp_path, dead.pid, 1111)
    write(tmp_path, ALIVE, 2222, sock="/run/x.sock")
    (tmp_path / "jpserver-1.json").write_text("{")
    (tmp_path / "jpserver-2.json").write_text(json.dumps({"pid": ALIVE, "url": "file:///etc"}))
    with pytest.raises(ModelNotReady):
        found(tmp_path, {"JPY_PARENT_PID": str(dead.pid)})
    write(tmp_path, ALIVE, 3333)
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(ModelNotReady):
        found(tmp_path)


def test_no_server_at_all_is_an_error_that_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady) as raised:
        found(tmp_path)
    assert "jupyter lab" in (raised.value.hint or "")
    assert "jupyter tether" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("pasted", "url", "token"),
    [
        ("http://localhost:8888/lab?token=abc", "http://localhost:8888/", "abc"),
        ("localhost:8888", "http://localhost:8888/", ""),
        ("https://u:p@example.org/user/x/lab/tree/n.ipynb", "https://example.org/user/x/", ""),
        ("http://[::]:8888/tree", "http://[::1]:8888/", ""),
        ("http://0.0.0.0:8888/base/", "http://127.0.0.1:8888/base/", ""),
        ("http://example.org/notebooks/ada/", "http://example.org/notebooks/ada/", ""),
    ],
)
def test_an_address_is_taken_as_people_paste_it(pasted: str, url: str, token: str) -> None:
    assert server_at(pasted) == Server(url, token)


@pytest.mark.parametrize("base", ["/", "/base/", "/user/lab/", "/hub/user/tree/", "/team/lab.d/"])
@pytest.mark.parametrize(
    "page",
    [
        "",
        "lab",
        "lab/",
        "lab/tree/lab/tree/user/a.ipynb",
        "lab/workspaces/auto-k/tree/a.ipynb",
        "doc/tree/a.ipynb",
        "tree",
        "tree/some/folder",
        "tether",
        "tether/v1",
    ],
)
def test_any_page_of_a_server_leads_to_its_base(base: str, page: str) -> None:
    assert server_at(f"http://localhost:8888{base}{page}?token=abc") == Server(
        f"http://localhost:8888{base}", "abc"
    )


@pytest.mark.parametrize("base", ["/", "/base/", "/user/lab/"])
@pytest.mark.parametrize(
    "page", ["notebooks/a.ipynb", "notebooks/lab/a%20b.ipynb", "edit/tree/x.py", "consoles/a.ipynb"]
)
def test_a_page_of_one_file_leads_to_the_servers_base(base: str, page: str) -> None:
    assert server_at(f"http://localhost:8888{base}{page}").url == f"http://localhost:8888{base}"


def test_a_token_never_shows() -> None:
    server = server_at("http://localhost:1/?token=abc")
    assert "abc" not in f"{server!r}{server}{server.url}"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1/", True),
        ("http://127.0.0.2:1/", True),
        ("http://[::1]:1/", True),
        ("http://localhost.example.org/", False),
        ("http://10.0.0.1/", False),
    ],
)
def test_only_loopback_is_this_machine(url: str, local: bool) -> None:
    assert Server(url).is_local is local
