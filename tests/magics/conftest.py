"""A kernel with the magic loaded, and the played server that it asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fake_tether import FakeTether
from tests.support.kernels import Kernel


@pytest.fixture(scope="session")
def server() -> Iterator[FakeTether]:
    with FakeTether() as fake:
        yield fake


@pytest.fixture
def tether(server: FakeTether) -> FakeTether:
    """The played server, with nothing left of the test before."""
    server.forget()
    return server


@pytest.fixture(scope="session")
def kernel(server: FakeTether, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("runtime")
    kernel = Kernel(folder, {"JUPYTER_SERVER_URL": server.url, "JUPYTER_TOKEN": server.token})
    loaded = kernel.run("%load_ext tether_jupyter")
    assert loaded.reply["status"] == "ok", loaded.reply
    yield kernel
    kernel.close()
