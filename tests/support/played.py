"""The played server as fixtures, for every test of something that asks one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fake_tether import FakeTether


@pytest.fixture(scope="session")
def server() -> Iterator[FakeTether]:
    with FakeTether() as fake:
        yield fake


@pytest.fixture
def tether(server: FakeTether) -> FakeTether:
    """The played server, with nothing left of the test before."""
    server.forget()
    return server
