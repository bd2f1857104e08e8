"""After a rehearsal a new file is what the steps of the migrations make, and nothing was made for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tether_jupyter.store import rehearsal, schema
from tether_jupyter.store.database import Database, open_engine
from tether_jupyter.store.presence import prepare


@pytest.fixture(autouse=True)
def unrehearsed() -> Iterator[None]:
    before = dict(rehearsal._blank)
    rehearsal._blank.clear()
    yield
    rehearsal._blank.clear()
    rehearsal._blank.update(before)


def whole(file: Path) -> list[tuple[Any, ...]]:
    """Return all that an SQLite file is made of, and its version."""
    engine = open_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            made = connection.exec_driver_sql(
                "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
            )
            return [*map(tuple, made), ("version", schema.present(connection))]
    finally:
        engine.dispose()


def made(file: Path) -> list[tuple[Any, ...]]:
    """Let a database be made at a file, as a first turn does, and return what it is made of."""
    database = Database(f"sqlite:///{file}", prepare)
    database.engine()
    database.close_now()
    return whole(file)


def test_a_rehearsed_file_is_what_the_steps_make(tmp_path: Path) -> None:
    by_steps = made(tmp_path / "steps.db")
    rehearsal.in_memory()
    assert rehearsal.blank(schema.HEAD)
    assert made(tmp_path / "rehearsed.db") == by_steps
    assert len(by_steps) > 20


def test_a_rehearsal_makes_no_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/jupyter/history.db", prepare)
    rehearsal.rehearse(database)
    database.close_now()
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_opens_the_file_that_is_there(tmp_path: Path) -> None:
    made(tmp_path / "history.db")
    database = Database(f"sqlite:///{tmp_path}/history.db", prepare)
    rehearsal.rehearse(database)
    assert database._engine is not None
    database.close_now()


def test_another_version_is_made_by_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal.in_memory()
    monkeypatch.setattr(schema, "HEAD", "0000")
    assert rehearsal.blank(schema.HEAD) == ()


async def test_several_who_look_at_once_wait_for_one_rehearsal_and_make_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsed = []
    real = rehearsal.in_memory
    monkeypatch.setattr(rehearsal, "in_memory", lambda: rehearsed.append(real()))
    database = Database(f"sqlite:///{tmp_path}/history.db", prepare)

    def count(connection: Any) -> Any:
        return connection.exec_driver_sql("SELECT count(*) FROM conversations").scalar()

    found = await asyncio.gather(*(database.read(count) for _ in range(6)))
    assert (found, len(rehearsed)) == ([0] * 6, 1)
    assert not await database.exists()
    await database.close()
