"""A killed server: a few times here, 360 times in `make faults` and in the benchmark `history_crash`."""

from __future__ import annotations

from pathlib import Path

from tests.faults.history_kills import kill_often
from tests.support.postgres import Postgres


def test_an_acknowledged_question_outlives_every_kill(tmp_path: Path):
    found = kill_often(f"sqlite:///{tmp_path / 'history.db'}", 8)
    assert found.bad() == []
    assert found.acknowledged > 0
    assert found.interrupted > 0


def test_it_does_in_postgresql_too_whose_own_processes_are_killed(postgres_server: Postgres):
    found = kill_often(postgres_server.fresh(), 4, break_backends=True)
    assert found.bad() == []
    assert found.backends == 1
