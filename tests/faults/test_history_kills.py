"""A server that is killed at any moment loses no question that it has acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.history_kills import kill_often
from tests.support import postgres

PER_FAULT = 6
"""Kills for one fault of the others: 300 where 50 of each are promised."""


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def test_an_acknowledged_question_outlives_every_kill(tmp_path: Path, times: int) -> None:
    found = kill_often(f"sqlite:///{tmp_path / 'history.db'}", times * PER_FAULT)
    assert found.bad() == []
    assert found.acknowledged > 0


def test_it_does_in_postgresql_whose_processes_are_killed_too(
    postgresql: postgres.Postgres, times: int
) -> None:
    found = kill_often(postgresql.fresh(), max(times * PER_FAULT // 5, 4), break_backends=True)
    assert found.bad() == []
    assert found.acknowledged > 0
    assert found.backends > 0
