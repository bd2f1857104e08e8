"""A played server that answers rows, and a cache of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tether_jupyter  # noqa: F401 - before pandas, as a user may
from tests.support.fake_rows import TOKEN, FakeRows


@pytest.fixture(scope="session")
def rows_server() -> Iterator[FakeRows]:
    with FakeRows() as fake:
        yield fake


@pytest.fixture
def fake(rows_server: FakeRows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRows:
    """The played server, found as a kernel finds its own, with nothing left of the test before."""
    rows_server.forget()
    monkeypatch.setenv("JUPYTER_SERVER_URL", rows_server.url)
    monkeypatch.setenv("JUPYTER_TOKEN", TOKEN)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    # A wait between two tries is real time, and these tests are about what is tried.
    monkeypatch.setattr("tether_jupyter.frames.asking.FIRST_WAIT", 0.001)
    monkeypatch.setattr("tether_jupyter.frames.gate.PAUSE", 0.001)
    return rows_server
