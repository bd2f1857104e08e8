"""One database, written by one thread."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store import database as databases
from tether_jupyter.store import readers, sqlite
from tether_jupyter.store.database import Database, open_engine
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.schema import bring_up_to_date
from tether_jupyter.store.tables import suggestions

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def adding(name, position=0):
    def work(connection):
        row = {"owner": "ann", "id": name, "title": name, "prompt": "p", "position": position}
        connection.execute(suggestions.insert().values(**row, created_at=NOW, updated_at=NOW))
        return name

    return work


def count(connection):
    return connection.execute(select(func.count()).select_from(suggestions)).scalar()


async def test_what_was_written_is_read_again_with_its_time_in_utc(database: Database):
    assert await database.write(adding("one")) == "one"
    row = await database.read(lambda c: c.execute(select(suggestions)).one())
    assert (row.title, row.created_at) == ("one", NOW)


async def test_many_writes_at_once_are_all_kept(database: Database):
    await asyncio.gather(*(database.write(adding(f"s{n}")) for n in range(200)))
    assert await database.read(count) == 200


async def test_a_write_that_fails_takes_none_of_its_neighbours_along(database: Database):
    def broken(connection):
        adding("half")(connection)
        raise NotFound("There is no such thing.")

    results = await asyncio.gather(
        database.write(adding("one")),
        database.write(broken),
        database.write(adding("one")),
        database.write(adding("two")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [str, NotFound, Conflict, str]
    names = await database.read(lambda c: set(c.execute(select(suggestions.c.id)).scalars()))
    assert names == {"one", "two"}


async def test_what_was_asked_for_before_the_end_is_still_written(database_url):
    from tether_jupyter.store.schema import bring_up_to_date

    first = Database(database_url, bring_up_to_date)
    writes = [asyncio.ensure_future(first.write(adding(f"s{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await first.close()
    await asyncio.gather(*writes)
    second = Database(database_url, bring_up_to_date)
    assert await second.read(count) == 50
    await second.close()


async def test_a_secret_in_a_row_is_in_no_message(database: Database, caplog):
    await database.write(adding("sk-secret"))
    with pytest.raises(Conflict) as caught:
        await database.write(adding("sk-secret"))
    assert "sk-secret" not in caught.value.message + caplog.text


def test_a_new_file_gets_its_journal_as_soon_as_no_other_server_holds_it(tmp_path):
    file = tmp_path / "history.db"
    with (
        contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other,
        contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection,
    ):
        other.execute("BEGIN EXCLUSIVE")
        tries = []

        def change():
            tries.append(None)
            if len(tries) == 3:
                other.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")

        sqlite.patiently(change)
        assert (len(tries), connection.execute("PRAGMA journal_mode").fetchone()) == (3, ("wal",))


@pytest.mark.parametrize("driver", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_another_programs_driver_gives_way_to_ours(driver):
    engine = open_engine(f"{driver}://ann:pw@localhost/db")
    assert engine.url.drivername == "postgresql+psycopg"


def test_sqlite_for_asyncio_is_sqlite(tmp_path):
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    assert engine.url.drivername == "sqlite"


async def test_a_database_of_another_kind_is_refused_by_its_name():
    database = Database("mysql+pymysql://ann:hunter2@localhost/db")
    with pytest.raises(
        StoreFailed, match=r"SQLite or PostgreSQL, and `DATABASE_URL` names 'mysql'"
    ) as refused:
        await database.read(count)
    assert "hunter2" not in refused.value.message
    await database.close()


async def test_what_many_readers_needed_is_closed_when_they_have_read(database: Database):
    together = threading.Barrier(databases.READERS)

    def meet(connection):
        connection.exec_driver_sql("SELECT 1").close()
        together.wait(60)

    await database.write(adding("one"))
    await asyncio.gather(*(database.read(meet) for _ in range(databases.READERS)))
    kept = database.engine().pool.checkedin()
    if database.kind == "postgresql":  # It has so many connections for all servers of a hub.
        assert kept == 1
    else:
        assert kept == databases.READERS


class TestSilence:
    """A database that says nothing, neither yes nor no: its machine is gone, or the way to it."""

    @pytest.fixture
    def silence(self, monkeypatch):
        """Reads hang until it is over."""
        monkeypatch.setattr(readers, "PATIENCE_SECONDS", 0.05)
        monkeypatch.setattr(readers, "LOOK_SECONDS", 0.05)
        monkeypatch.setattr(databases, "CLOSE_SECONDS", 0.05)
        over = threading.Event()
        yield over
        over.set()

    @pytest.fixture
    def lite(self, tmp_path):
        opened = Database(f"sqlite:///{tmp_path / 'history.db'}", bring_up_to_date)
        yield opened
        opened.close_now()

    async def test_is_waited_for_once_and_not_by_each(self, lite, silence):
        await lite.write(adding("one"))
        back = await hang(lite, silence)
        hung = 0

        def hanging(connection):
            nonlocal hung
            hung += 1
            silence.wait(60)

        for _ in range(10):
            with pytest.raises(StoreFailed, match="slow to answer"):
                await lite.read(hanging)
        assert hung == 1  # The one that looks whether it still is.
        silence.set()
        await asyncio.to_thread(back.wait, 60)
        assert await lite.read(count) == 1

    async def test_of_one_work_is_not_taken_for_that_of_all(self, lite, silence):
        await lite.write(adding("one"))
        await hang(lite, silence)
        assert [await lite.read(count) for _ in range(10)] == [1] * 10

    async def test_of_one_work_is_not_taken_for_that_of_all_who_come_at_once(
        self, lite, silence, monkeypatch
    ):
        await lite.write(adding("one"))
        await hang(lite, silence)
        monkeypatch.setattr(readers, "LOOK_SECONDS", 60)
        assert await asyncio.gather(*(lite.read(count) for _ in range(5))) == [1] * 5

    async def test_is_over_where_a_look_is_refused(self, lite, silence, monkeypatch):
        def refusing(connection):
            raise NotFound("There is none.")

        await lite.write(adding("one"))
        await hang(lite, silence)
        monkeypatch.setattr(readers, "LOOK_SECONDS", 60)
        monkeypatch.setattr(readers, "LOOK_AGAIN_SECONDS", 60)
        with pytest.raises(NotFound):
            await lite.read(refusing)
        assert await lite.read(count) == 1

    async def test_keeps_nobody_from_closing(self, lite, silence):
        await hang(lite, silence)
        writing = lite.submit(lambda _: silence.wait(60))
        await lite.close()
        assert not writing.done()

    async def test_while_it_is_opened_stops_no_loop(self, lite, silence):
        lite._prepare = lambda *_: silence.wait(60)
        lite.file.touch()
        with pytest.raises(StoreFailed, match="slow to answer"):
            await lite.read(count)
        lite.submit(count)
        await lite.close()


async def hang(database, over):
    """Let a read hang until something is over; return what is set when it has come back."""
    back = threading.Event()

    def work(connection):
        over.wait(60)
        # Whoever waits for it is told by now.
        database._readers._stuck.add_done_callback(lambda _: back.set())

    with pytest.raises(StoreFailed, match="slow to answer") as silent:
        await database.read(work)
    assert silent.value.cause == "silent"
    return back


async def test_postgresql_takes_the_signs_of_life_over_a_socket_of_its_machine_too(postgres_server):
    server = postgres_server
    name = server.fresh().rpartition("/")[2]
    for url in (
        f"postgresql://tether@127.0.0.1:{server.port}/{name}",
        f"postgresql://tether@/{name}?host={server.folder}&port={server.port}",
    ):
        engine = open_engine(f"{url}{'&' if '?' in url else '?'}keepalives_idle=77")
        with engine.connect() as connection:
            told = connection.connection.driver_connection.info.get_parameters()
        engine.dispose()
        assert (told["keepalives_idle"], told["tcp_user_timeout"]) == ("77", "10000")
