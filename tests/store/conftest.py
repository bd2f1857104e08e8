"""A database for each test: SQLite in a file, and PostgreSQL where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tether_jupyter.store.database import Database
from tether_jupyter.store.schema import bring_up_to_date


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; the same tests run on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'history.db'}"
    url: str = request.getfixturevalue("postgres_server").fresh()
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, bring_up_to_date)
    yield opened
    opened.close_now()
