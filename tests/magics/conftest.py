"""A kernel and a shell with the magic loaded, and the played server that they ask."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether
from tests.support.kernels import Kernel


@pytest.fixture(scope="session")
def kernel(server: FakeTether, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("runtime")
    kernel = Kernel(folder, {"JUPYTER_SERVER_URL": server.url, "JUPYTER_TOKEN": server.token})
    loaded = kernel.run("%load_ext tether_jupyter")
    assert loaded.reply["status"] == "ok", loaded.reply
    yield kernel
    kernel.close()


@pytest.fixture
def shell(tether: FakeTether, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A terminal's IPython, in this process, with no error behind it."""
    monkeypatch.setenv("JUPYTER_SERVER_URL", tether.url)
    monkeypatch.setenv("JUPYTER_TOKEN", tether.token)
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        monkeypatch.delattr(sys, name, raising=False)
    shell = InteractiveShell()
    shell.extension_manager.load_extension("tether_jupyter.magics")
    yield shell
    shell.extension_manager.unload_extension("tether_jupyter.magics")


@pytest.fixture
def said(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the magic, a line or a cell of it, and return what it prints."""

    def run(line: str, cell: str | None = None) -> str:
        if cell is None:
            shell.run_line_magic("tether", line)
        else:
            shell.run_cell_magic("tether", line, cell)
        return capsys.readouterr().out

    return run


@pytest.fixture
def next_cell(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was put into the next cell."""
    found: list[str] = []

    def put(text: Any, replace: bool = False) -> None:
        assert not replace
        found.append(text)

    monkeypatch.setattr(shell, "set_next_input", put)
    return found
