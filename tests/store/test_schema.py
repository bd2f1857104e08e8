"""A database comes to its present form by itself, from every version that there was."""

from __future__ import annotations

import asyncio
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tether_jupyter.store import schema
from tether_jupyter.store.database import Database, open_engine
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.migrations.compared import include_object
from tether_jupyter.store.tables import metadata

VERSIONS = sorted(path.name.partition("_")[0] for path in schema.MIGRATIONS.glob("versions/[0-9]*.py"))
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)

AHEAD = '''
"""The table of conversations is made anew, as SQLite must for most changes."""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("conversations", recreate="always" if sqlite else "auto") as batch:
        batch.add_column(sa.Column("mood_{revision}", sa.String(16), nullable=True))
    {then}
'''
CHILD = """
import sys
from pathlib import Path
from tether_jupyter.store import schema
from tether_jupyter.store.database import open_engine
from tether_jupyter.store.failures import StoreFailed
url, schema.MIGRATIONS, schema.HEAD, limit = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
migrate = schema.migrate
def told(*arguments):
    migrate(*arguments)
    print("migrated", flush=True)
schema.migrate = told
print("ready", flush=True)
sys.stdin.readline()
try:
    schema.bring_up_to_date(open_engine(url), url)
except StoreFailed as reason:
    print(reason.cause, flush=True)
print("over", flush=True)
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


class Future:
    """Versions that come after the newest."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "migrations"
        shutil.copytree(schema.MIGRATIONS, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(schema, "MIGRATIONS", self.folder)
        self.monkeypatch = monkeypatch

    def add(self, then: str = "pass") -> str:
        """Add a version, and make it the newest."""
        revision = f"{int(schema.HEAD) + 1:04d}"
        step = AHEAD.format(revision=revision, before=schema.HEAD, then=then)
        path = self.folder / "versions" / f"{revision}_ahead.py"
        path.write_text(step)
        self.monkeypatch.setattr(schema, "HEAD", revision)
        return revision

    def child(self, url: str, limit: int = 0) -> subprocess.Popen[str]:
        """Start a server that brings a database up to date when a line is sent to it."""
        arguments = [url, str(self.folder), schema.HEAD, str(limit)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, "-c", CHILD, *arguments], **pipes)


@pytest.fixture
def future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Future:
    return Future(tmp_path, monkeypatch)


def bring_to(engine: sa.Engine, version: str) -> None:
    """Make a database as a version made it."""
    with schema.changing(engine) as connection, schema._one_at_a_time:
        schema.upgrade(schema.alembic(connection), version)


def tables_of(connection: sa.Connection) -> list[sa.Table]:
    """Return the tables of people's rows, parents first."""
    found = sa.MetaData()
    found.reflect(connection)
    passed = (
        table
        for table in found.sorted_tables
        if table.name != "alembic_version" and include_object(table, table.name, "table", True, None)
    )
    return list(passed)


def fill(engine: sa.Engine, known: list[sa.Table] | None = None) -> None:
    """Put a row into each table; as a version does that knows some of them, where they are named."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for table in known or tables_of(connection):
            connection.execute(
                table.insert().values({column.name: value_for(column) for column in own_columns(table)})
            )


def own_columns(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.columns if include_object(column, column.name, "column", True, None)]


def value_for(column: sa.Column[Any]) -> Any:
    if column.name == "owner":
        return "ann"
    if column.name == "id" or column.name.endswith("_id"):
        return "x"
    kind = column.type
    if isinstance(kind, sa.JSON):
        return {"said": "größer"}
    if isinstance(kind, sa.DateTime):
        return NOW if kind.timezone else NOW.replace(tzinfo=None)
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, (sa.Integer, sa.Float)):
        return 7
    return column.name[: getattr(kind, "length", None)]


def rows_of(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    """Return what each table holds."""
    with engine.connect() as connection:
        found = {}
        for table in tables_of(connection):
            rows = connection.execute(sa.select(*own_columns(table)))
            found[table.name] = [dict(row._mapping) for row in rows]
        return found


def same(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> bool:
    """Return whether every row is there, with all values of columns that are still there."""
    for name in before.keys() & after.keys():
        columns = set(before[name][0]) & set(after[name][0]) if before[name] and after[name] else set()
        old = [{column: row[column] for column in columns} for row in before[name]]
        new = [{column: row[column] for column in columns} for row in after[name]]
        if len(before[name]) != len(after[name]) or old != new:
            return False
    return True


def differences(engine: sa.Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": include_object, "compare_type": True}
        )
        return list(compare_metadata(context, metadata))


def made_by_hand(engine: sa.Engine) -> dict[str, str]:
    """Return what SQLite keeps the search with, which Alembic does not compare."""
    if engine.dialect.name != "sqlite":
        return {}
    with engine.connect() as connection:
        query = (
            "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') OR name LIKE '%search%'"
        )
        return dict(tuple(row) for row in connection.exec_driver_sql(query))


def version_of(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return schema.present(connection)


def test_the_newest_version_is_the_one_that_the_code_names():
    assert VERSIONS[-1] == schema.HEAD


def test_a_new_database_has_exactly_the_tables_of_the_code(engine, database_url):
    schema.bring_up_to_date(engine, database_url)
    assert differences(engine) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_that_was_released_comes_to_the_newest_with_its_rows(
    version, engine, database_url, tmp_path
):
    fresh_url = f"sqlite:///{tmp_path / 'new' / 'history.db'}" if "sqlite" in database_url else database_url
    bring_to(engine, version)
    fill(engine)
    before = rows_of(engine)
    assert all(len(rows) == 1 for rows in before.values())
    schema.bring_up_to_date(engine, database_url)
    assert version_of(engine) == schema.HEAD
    assert same(before, rows_of(engine))
    assert differences(engine) == []
    new = open_engine(fresh_url)
    schema.bring_up_to_date(new, fresh_url)
    assert made_by_hand(engine) == made_by_hand(new)
    new.dispose()


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_a_server_that_runs_goes_on_writing_after_a_newer_one_has_come(version, engine, database_url):
    bring_to(engine, version)
    with engine.connect() as connection:
        known = tables_of(connection)
    schema.bring_up_to_date(engine, database_url)
    fill(engine, known)
    rows = rows_of(engine)
    assert {table.name: len(rows[table.name]) for table in known} == {table.name: 1 for table in known}


def test_a_step_that_makes_a_table_anew_keeps_what_hangs_on_its_rows(engine, database_url, future):
    schema.bring_up_to_date(engine, database_url)
    fill(engine)
    before = rows_of(engine)
    step = future.add()
    schema.bring_up_to_date(engine, database_url)
    after = rows_of(engine)
    assert same(before, after)
    assert len(after["messages"]) == 1
    assert f"mood_{step}" in after["conversations"][0]
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(engine, database_url):
    schema.bring_up_to_date(engine, database_url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreFailed, match="newer version of Tether") as refused:
        schema.bring_up_to_date(engine, database_url)
    assert refused.value.cause == "newer"
    assert version_of(engine) == "9999"


async def test_the_chat_is_told_that_the_history_is_newer(engine, database_url):
    schema.bring_up_to_date(engine, database_url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database = Database(database_url, schema.bring_up_to_date)
    for asked in (database.read, database.write):
        with pytest.raises(StoreFailed, match="newer"):
            await asked(lambda connection: None)
    await database.close()


@pytest.mark.parametrize("start", ["empty", "old"])
def test_servers_that_start_at_once_do_it_once(start, engine, database_url, future):
    if start == "old":
        schema.bring_up_to_date(engine, database_url)
        fill(engine)
        future.add()
    before = rows_of(engine)
    children = [future.child(database_url) for _ in range(3)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [child.communicate(timeout=60)[0].split() for child in children]
    assert sorted(said, key=len) == [["over"], ["over"], ["migrated", "over"]]
    assert version_of(engine) == schema.HEAD
    assert same(before, rows_of(engine))


def test_a_step_that_fails_leaves_the_old_state(engine, database_url, future, caplog):
    schema.bring_up_to_date(engine, database_url)
    fill(engine)
    before, head = rows_of(engine), schema.HEAD
    future.add()
    future.add(then='op.execute("INSERT INTO nowhere VALUES (1)")')
    with pytest.raises(StoreFailed, match="is as it was"):
        schema.bring_up_to_date(engine, database_url)
    assert version_of(engine) == head
    assert rows_of(engine) == before
    assert "nowhere" in caplog.text


def test_a_server_that_is_killed_half_way_leaves_the_old_state_to_the_next(engine, database_url, future):
    schema.bring_up_to_date(engine, database_url)
    fill(engine)
    before, head = rows_of(engine), schema.HEAD
    step = future.add(then="import os; os.kill(os.getpid(), 9)")
    child = future.child(database_url)
    child.communicate("go\n", timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert version_of(engine) == head
    assert rows_of(engine) == before
    path = next(future.folder.glob(f"versions/{step}_*.py"))
    path.write_text(path.read_text().replace("os.kill(os.getpid(), 9)", "os.getpid()"))
    schema.bring_up_to_date(engine, database_url)
    assert version_of(engine) == step
    assert same(before, rows_of(engine))


def test_two_databases_can_be_brought_up_to_date_at_the_same_time(tmp_path):
    async def run() -> None:
        made = [Database(f"sqlite:///{tmp_path / name}", schema.bring_up_to_date) for name in "abc"]
        work = sa.select(sa.func.count()).select_from(metadata.tables["messages"])
        counts = [each.read(lambda connection: connection.execute(work).scalar()) for each in made]
        assert await asyncio.gather(*counts) == [0, 0, 0]
        for each in made:
            await each.close()

    asyncio.run(run())


class TestTheCopy:
    """SQLite's file is copied before it changes."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "data" / "history.db"

    @pytest.fixture
    def engine(self, file: Path) -> Iterator[sa.Engine]:
        opened = open_engine(f"sqlite:///{file}")
        yield opened
        opened.dispose()

    def test_holds_everything_and_is_for_its_owner_alone(self, engine, file, future):
        schema.bring_up_to_date(engine, "")
        fill(engine)
        before = rows_of(engine)
        step = future.add()
        schema.bring_up_to_date(engine, "")
        copy = file.with_name(f"history.db.before-{step}")
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        engine.dispose()
        copied = open_engine(f"sqlite:///{copy}")
        assert version_of(copied) == VERSIONS[-1]
        assert rows_of(copied) == before
        copied.dispose()

    def test_is_not_made_of_a_new_file_nor_of_one_that_is_up_to_date(self, engine, file):
        schema.bring_up_to_date(engine, "")
        schema.bring_up_to_date(engine, "")
        assert list(file.parent.glob("*before*")) == []

    def test_is_kept_of_the_two_newest_steps(self, engine, file, future):
        schema.bring_up_to_date(engine, "")
        steps = []
        for _ in range(4):
            steps.append(future.add())
            schema.bring_up_to_date(engine, "")
        names = sorted(path.name for path in file.parent.glob("*before*"))
        assert names == [f"history.db.before-{step}" for step in steps[-2:]]

    def test_is_needed_where_there_is_no_room_for_it_nothing_changes(self, engine, file, future):
        schema.bring_up_to_date(engine, "")
        fill(engine)
        before, head = rows_of(engine), schema.HEAD
        future.add()
        child = future.child(f"sqlite:///{file}", limit=20_000)
        assert child.communicate("go\n", timeout=60)[0].split() == ["ready", "full", "over"]
        assert version_of(engine) == head
        assert rows_of(engine) == before
        assert list(file.parent.glob("*before*")) == []
