"""Whose a place of files is: a copy of a database is another one, and one database may have many places."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tether_jupyter.store import place
from tether_jupyter.store.blobs import LocalBlobs, RemoteBlobs
from tether_jupyter.store.database import Database
from tether_jupyter.store.schema import bring_up_to_date
from tether_jupyter.store.tables import uploads as table
from tether_jupyter.store.uploads import Uploads

TEXT = b"Some notes.\n"


@pytest.fixture(params=["folder", "elsewhere"])
def blobs(request, tmp_path):
    if request.param == "elsewhere":
        return RemoteBlobs(f"file://{tmp_path}/remote", tmp_path / "files")
    return LocalBlobs(tmp_path / "files")


def serve(database, blobs):
    """Return the uploads of a server that cleans when a test says so."""
    made = Uploads(database, blobs)
    made.cleaning._tidied = float("inf")
    return made


async def keep(uploads, data=TEXT):
    """Upload a file, and use it."""
    arrived = uploads.blobs.receive()
    try:
        arrived.write(data)
        added = await uploads.add("ann", arrived, "notes.txt")
    finally:
        arrived.discard()
    await uploads.for_turn("ann", [added.id])
    return added


async def forget(uploads, upload):
    """Remove a row, as the server of another folder does."""
    await uploads.database.write(lambda c: c.execute(table.delete().where(table.c.id == upload.id)))


class TestTheDatesOfFilesThatNobodyNeeds:
    @pytest.fixture
    def go_on(self, monkeypatch):
        """Set the clock to so many days from now."""
        today = place.now()
        return lambda days: monkeypatch.setattr(place, "now", lambda: today + timedelta(days=days))

    async def test_are_kept_for_everyones_own_folder(self, database, tmp_path, go_on):
        """A hub with one PostgreSQL: whoever cleans takes all rows, and sees no folder but their own."""
        ann, ben = (serve(database, LocalBlobs(tmp_path / name)) for name in ("ann", "ben"))
        stays = await keep(ann, b"stays")
        for each, data in ((ann, b"goes"), (ben, b"goes too")):
            await forget(ann, await keep(each, data))
        removed = {}
        for day in range(place.STRAY_DAYS + 3):
            go_on(day)
            removed[day] = sum([(await each.clean())["files"] for each in (ann, ben)])
        assert {day: files for day, files in removed.items() if files} == {place.STRAY_DAYS: 2}
        assert list(ben.blobs.digests()) == []
        assert list(ann.blobs.digests()) == [stays.sha256]

    async def test_stay_when_another_server_notes_them_meanwhile(self, database, blobs, go_on):
        """One server has looked at the files; one more comes, and only the other server has seen it."""
        one, other = serve(database, blobs), serve(database, blobs)
        await forget(one, await keep(one, b"first"))
        strays = one.cleaning.place.strays

        async def looking(*besides):
            found = await strays(*besides)
            await forget(other, await keep(other, b"second"))
            await other.clean()
            return found

        one.cleaning.place.strays = looking
        await one.clean()
        go_on(place.STRAY_DAYS + 1)
        assert (await other.clean())["files"] == 2
        assert list(blobs.digests()) == []

    async def test_begin_anew_when_a_row_has_come_back(self, database, blobs, go_on):
        server = serve(database, blobs)
        await forget(server, await keep(server))
        await server.clean()
        go_on(1)
        back = await keep(server)
        await server.clean()
        await forget(server, back)
        for days, files in ((2, 0), (place.STRAY_DAYS + 1, 0), (place.STRAY_DAYS + 2, 1)):
            go_on(days)
            assert (await server.clean())["files"] == files

    async def test_give_a_place_a_name_only_where_there_are_any(self, database, blobs):
        server = serve(database, blobs)
        added = await keep(server)
        await server.clean()
        assert {mark[:2] for mark in blobs.marks()} == {"d_"}
        await forget(server, added)
        for _ in range(2):
            await server.clean()
        assert sorted(mark[:2] for mark in blobs.marks()) == ["d_", "p_"]


class TestACopyOfADatabase:
    """A history that was copied, say to another machine, while its files stay in one bucket."""

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch):
        monkeypatch.setattr(place, "STRAY_DAYS", 0)

    @pytest.fixture
    def start(self, blobs):
        """Start a server with the history in a file."""
        databases = []

        def begin(file):
            databases.append(Database(f"sqlite:///{file}", bring_up_to_date))
            return serve(databases[-1], blobs)

        yield begin
        for each in databases:
            each.close_now()

    @pytest.fixture
    def first(self, start, tmp_path):
        """Make a history that keeps a file, and return where it is."""

        async def make():
            server = start(tmp_path / "first" / "history.db")
            await keep(server)
            await server.database.close()
            return server.database.file

        return make

    @pytest.fixture(params=["another path", "another machine"])
    def copy(self, request, monkeypatch):
        """Copy a history, and return where the copy is; on another machine the path is the same."""

        def make(file):
            copied = Path(shutil.copy(file, file.with_name("copy.db")))
            if request.param == "another path":
                return copied
            file.rename(file.with_name("on the first machine.db"))
            monkeypatch.setattr(place, "machine", lambda: "another")
            return copied.rename(file)

        return make

    async def test_removes_nothing_of_the_first_one(self, start, first, copy, blobs, caplog):
        server = start(copy(await first()))
        (mark,) = blobs.marks()
        (upload,) = await server.page("ann")
        await server.delete("ann", upload.id)
        await server.clean()
        assert await asyncio.to_thread(blobs.read, upload.sha256) == TEXT
        assert f"delete the mark {mark} " in caplog.text

    async def test_loses_nothing_to_the_first_one(self, start, first, blobs):
        file = await first()
        server = start(shutil.copy(file, file.with_name("copy.db")))
        upload = await keep(server, b"said in the copy")
        assert (await start(file).clean())["files"] == 0
        assert await asyncio.to_thread(blobs.read, upload.sha256) == b"said in the copy"

    async def test_keeps_its_own_id_from_then_on(self, start, first, copy, blobs):
        file = copy(await first())
        for _ in range(3):
            server = start(file)
            await server.clean()
            await server.database.close()
        assert len(blobs.marks()) == 2

    @pytest.mark.parametrize("change", ["nothing", "machine", "no machine", "path", "file", "nothing known"])
    async def test_is_not_the_one_that_was_there_all_along(self, start, first, blobs, monkeypatch, change):
        """A container's machine is another at each start, and a file may be put back from a copy."""
        file = await first()
        if change == "machine":
            monkeypatch.setattr(place, "machine", lambda: "another")
        elif change == "no machine":
            monkeypatch.setattr(place, "machine", lambda: "")
        elif change == "path":
            file = file.rename(file.with_name("renamed.db"))
        elif change == "file":
            shutil.copy(file, file.with_name("before.db"))
            file.with_name("before.db").replace(file)
        elif change == "nothing known":
            monkeypatch.setattr(place, "machine", lambda: "")
            monkeypatch.setattr(place, "Path", Unreadable)
        server = start(file)
        (upload,) = await server.page("ann")
        await server.delete("ann", upload.id)
        assert list(blobs.digests()) == []


class Unreadable:
    """A path of which the system says nothing."""

    def __init__(self, name):
        self.name = name

    def resolve(self):
        raise OSError(13, "Permission denied")


@pytest.mark.parametrize("change", ["server", "database"])
def test_another_postgresql_is_told_by_its_server_and_by_its_name(change):
    here = {"server": "7301", "database": "tether"}
    assert place.is_same(here, here)
    assert not place.is_same({**here, change: "other"}, here)


def test_a_machine_is_told_by_what_can_be_read_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "MACHINE_ID", tmp_path / "machine-id")
    monkeypatch.setattr(place.uuid, "getnode", lambda: 0x0242AC110002)  # As in a container.
    assert place.machine() == ""
    monkeypatch.setattr(place.uuid, "getnode", lambda: 0x3C22FB000001)
    by_address = place.machine()
    place.MACHINE_ID.write_text("uninitialized\n")
    assert place.machine() == by_address != ""
    place.MACHINE_ID.write_text("0123456789abcdef" * 2 + "\n")
    assert place.machine() not in ("", by_address)
    assert "0123456789abcdef" not in place.machine()
