"""What was attached: kept once, read once, seen by its owner, and gone when nobody needs it."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.support.documents import PNG, notebook
from tether_jupyter.core.history import now
from tether_jupyter.errors import InvalidRequest, NotFound, TetherError, TooLarge
from tether_jupyter.store import place
from tether_jupyter.store import uploads as module
from tether_jupyter.store.blobs import MARKS, LocalBlobs, RemoteBlobs
from tether_jupyter.store.database import Database
from tether_jupyter.store.schema import bring_up_to_date
from tether_jupyter.store.tables import project_files, projects
from tether_jupyter.store.tables import uploads as table
from tether_jupyter.store.uploads import Limits, Uploads, clean_name

TEXT = b"Some notes.\n"


@pytest.fixture
def blobs(request, tmp_path):
    """A folder; somewhere else where a test says `elsewhere`."""
    if getattr(request, "param", "folder") == "elsewhere":
        return RemoteBlobs(f"file://{tmp_path}/remote", tmp_path / "files")
    return LocalBlobs(tmp_path / "files")


ANYWHERE = pytest.mark.parametrize("blobs", ["folder", "elsewhere"], indirect=True)


@pytest.fixture
def uploads(database, blobs):
    made = Uploads(database, blobs, Limits(file=1_000_000, owner=3_000_000))
    made.cleaning._tidied = float("inf")  # Tests clean when they say so.
    return made


@pytest.fixture
def add(uploads):
    """Upload a file as a door does."""

    async def send(data=TEXT, name="notes.txt", owner="ann"):
        arrived = uploads.blobs.receive()
        try:
            arrived.write(data)
            return await uploads.add(owner, arrived, name)
        finally:
            arrived.discard()

    return send


@pytest.fixture
def age(database):
    """Make an upload older than it is."""

    async def make_old(upload, hours=25):
        def work(connection):
            mine = table.c.id == upload.id
            connection.execute(update(table).where(mine).values(created_at=now() - timedelta(hours=hours)))

        await database.write(work)

    return make_old


async def content(uploads, upload, owner="ann"):
    _, file = await uploads.content(owner, upload.id)
    with file:
        return file.read()


@ANYWHERE
async def test_a_file_is_kept_with_what_a_model_reads_of_it(uploads, add):
    added = await add()
    found = await uploads.get("ann", added.id)
    assert found == added
    assert (found.name, found.media_type, found.size, found.characters) == ("notes.txt", "text/plain", 12, 12)
    assert await uploads.text("ann", added.id) == "Some notes.\n"
    assert await content(uploads, added) == TEXT


async def test_its_payload_says_what_people_need(add):
    payload = (await add(notebook({"cell_type": "markdown", "source": "x"}), "n.ipynb")).payload()
    assert payload["kind"] == "text"
    assert payload["facts"] == {"cells": 1}
    assert payload["characters"] == len("[cell 1, markdown]\nx")
    assert payload["used_at"] is None


@ANYWHERE
async def test_equal_files_are_kept_once_and_listed_twice(uploads, add, blobs):
    first, second = await add(), await add(name="same.txt", owner="ben")
    assert first.sha256 == second.sha256
    assert len(list(blobs.digests())) == 1
    await uploads.delete("ann", first.id)
    assert await content(uploads, second, "ben") == TEXT
    await uploads.delete("ben", second.id)
    assert list(blobs.digests()) == []


async def test_the_newest_stand_first_and_pages_follow_each_other(uploads, add):
    added = [await add(b"%d" % n, f"{n}.txt") for n in range(5)]
    await add(owner="ben")
    names = [upload.name for upload in await uploads.page("ann")]
    assert names == ["4.txt", "3.txt", "2.txt", "1.txt", "0.txt"]
    page = await uploads.page("ann", limit=2, before=added[3].id)
    assert [upload.name for upload in page] == ["2.txt", "1.txt"]
    assert await uploads.used("ann") == 5


@pytest.mark.parametrize("verb", ["get", "text", "content", "delete", "for_turn", "page"])
async def test_nobody_else_reads_uses_or_removes_it(uploads, add, verb):
    mine = await add()

    async def ask(owner, upload_id):
        if verb == "for_turn":
            return await uploads.for_turn(owner, [upload_id])
        if verb == "page":
            return await uploads.page(owner, before=upload_id)
        result = await getattr(uploads, verb)(owner, upload_id)
        if verb == "content":
            result[1].close()
        return result

    async def refusal(owner, upload_id):
        with pytest.raises(NotFound) as refused:
            await ask(owner, upload_id)
        return str(refused.value).replace(upload_id, "ID")

    assert await refusal("ben", mine.id) == await refusal("ben", "u_" + "0" * 32)
    assert await content(uploads, mine) == TEXT
    await ask("ann", mine.id)


class TestLimits:
    async def test_a_file_that_is_too_large_is_refused(self, add, blobs):
        with pytest.raises(TooLarge, match=r"`big.txt` is larger than 1\.00 MB"):
            await add(b"x" * 1_000_001, "big.txt")
        assert list(blobs.digests()) == []

    async def test_an_empty_one_is_refused(self, add):
        with pytest.raises(InvalidRequest, match=r"`notes\.txt` is empty"):
            await add(b"")

    async def test_a_binary_one_is_refused_and_not_kept(self, add, blobs):
        with pytest.raises(InvalidRequest, match="of a kind that cannot be read"):
            await add(b"\x7fELF\x00\x00")
        assert list(blobs.digests()) == []

    async def test_an_owner_has_so_much_room_and_no_more(self, uploads, add, blobs):
        for n in range(3):
            await add(b"%d" % n * 1_000_000, f"{n}.txt")
        with pytest.raises(TooLarge, match=r"your uploads have 3\.00 MB of 3\.00 MB"):
            await add(b"x")
        await add(b"y", owner="ben")
        assert len(list(blobs.digests())) == 4

    async def test_none_at_all_is_said(self, uploads, add):
        uploads.limits = Limits(owner=0)
        with pytest.raises(TooLarge, match="takes no uploads"):
            await add()

    async def test_many_at_once_do_not_share_the_last_room(self, uploads, add, blobs):
        files = [b"%d" % n * 900_000 for n in range(6)]
        results = await asyncio.gather(*(add(data) for data in files), return_exceptions=True)
        assert sum(isinstance(result, TooLarge) for result in results) == 3
        assert await uploads.used("ann") == 2_700_000
        assert len(list(blobs.digests())) == 3


class TestATurn:
    @ANYWHERE
    async def test_gets_texts_and_images_in_the_order_of_the_question(self, uploads, add):
        photo, notes = await add(PNG, "p.png"), await add()
        one, two = await uploads.for_turn("ann", [photo.id, notes.id, photo.id])
        assert (one.kind, one.name) == ("image", "p.png")
        assert one.url.startswith("data:image/png;base64,iVBOR")
        assert (two.kind, two.text) == ("text", "Some notes.\n")

    async def test_without_attachments_asks_no_database(self, uploads):
        await uploads.database.close()
        assert await uploads.for_turn("ann", []) == []

    async def test_is_told_why_a_file_cannot_be_attached(self, uploads, add):
        broken = await add(b"%PDF-1.7\nnothing", "paper.pdf")
        assert broken.problem
        with pytest.raises(InvalidRequest, match=r"`paper.pdf` cannot be attached\. Its text cannot be read"):
            await uploads.for_turn("ann", [broken.id])
        assert (await uploads.get("ann", broken.id)).used_at is None

    async def test_knows_what_is_missing_of_a_file(self, uploads, add):
        table = await add(b"a,b\n" + b"1,2\n" * 20_000, "t.csv")
        (attached,) = await uploads.for_turn("ann", [table.id])
        assert attached.note == table.problem
        assert "the first 20" in attached.note

    async def test_takes_so_many_images_and_no_more(self, uploads, add, monkeypatch):
        monkeypatch.setattr("tether_jupyter.store.uploads.MOST_IMAGES", 100)
        one, two = await add(PNG, "1.png"), await add(PNG + b"x", "2.png")
        await uploads.for_turn("ann", [one.id])
        with pytest.raises(TooLarge, match="The images have"):
            await uploads.for_turn("ann", [one.id, two.id])

    @ANYWHERE
    async def test_says_when_the_file_itself_is_gone(self, uploads, add, blobs):
        photo = await add(PNG, "p.png")
        blobs.let_go(blobs.set_aside(photo.sha256))
        with pytest.raises(NotFound, match="Upload it again"):
            await uploads.for_turn("ann", [photo.id])


class TestCleaning:
    async def test_takes_what_was_never_used_after_a_day(self, uploads, add, age, blobs):
        old, new = await add(b"old"), await add(b"new")
        await age(old)
        assert (await uploads.clean())["uploads"] == 1
        with pytest.raises(NotFound):
            await uploads.get("ann", old.id)
        assert await content(uploads, new) == b"new"
        assert list(blobs.digests()) == [new.sha256]

    async def test_takes_what_was_only_looked_at(self, uploads, add, age):
        old = await add(b"old")
        (attached,) = await uploads.for_turn("ann", [old.id], used=False)
        assert attached.text == "old"
        await age(old)
        assert (await uploads.clean())["uploads"] == 1

    async def test_leaves_what_a_turn_has_used(self, uploads, add, age):
        used = await add()
        await uploads.for_turn("ann", [used.id])
        await age(used, hours=10_000)
        assert await uploads.clean() == {"uploads": 0, "files": 0, "arrivals": 0}
        assert await content(uploads, used) == TEXT

    async def test_leaves_what_a_project_has(self, uploads, add, age, database):
        kept = await add()
        await age(kept)

        def work(connection):
            moment = {"created_at": now(), "updated_at": now()}
            connection.execute(projects.insert().values(owner="ann", id="p_1", name="p", data={}, **moment))
            row = {"owner": "ann", "project_id": "p_1", "upload_id": kept.id}
            connection.execute(project_files.insert().values(**row, added_at=now()))

        await database.write(work)
        assert (await uploads.clean())["uploads"] == 0
        assert await content(uploads, kept) == TEXT

    @ANYWHERE
    async def test_takes_files_that_no_row_has_referred_to_for_weeks(
        self, uploads, add, blobs, database, monkeypatch
    ):
        stays, goes = await add(b"stays"), await add(b"goes")
        await database.write(lambda c: c.execute(table.delete().where(table.c.id == goes.id)))
        assert (await uploads.clean())["files"] == 0
        today = place.now()
        monkeypatch.setattr(place, "now", lambda: today + timedelta(days=place.STRAY_DAYS - 1))
        assert (await uploads.clean())["files"] == 0
        monkeypatch.setattr(place, "now", lambda: today + timedelta(days=place.STRAY_DAYS + 1))
        assert (await uploads.clean())["files"] == 1
        assert list(blobs.digests()) == [stays.sha256]

    @ANYWHERE
    async def test_brings_back_what_a_killed_server_had_set_aside(self, uploads, add, blobs):
        kept, gone = await add(b"kept"), await add(b"gone")
        await uploads.delete("ann", gone.id)
        blobs.set_aside(kept.sha256)
        arrived = blobs.receive()
        arrived.write(b"gone")
        arrived.close()
        blobs.put(arrived.path, arrived.digest)
        arrived.discard()
        blobs.set_aside(arrived.digest)
        await uploads.clean()
        assert await content(uploads, kept) == b"kept"
        assert list(blobs.digests()) == [kept.sha256]
        assert list(blobs.waiting()) == []

    async def test_happens_by_itself_after_an_upload(self, uploads, add, age):
        old = await add(b"old")
        await age(old)
        uploads.cleaning._tidied = float("-inf")
        await add(b"new")
        await uploads.cleaning._tidying
        with pytest.raises(NotFound):
            await uploads.get("ann", old.id)
        await uploads.close()

    @ANYWHERE
    @pytest.mark.parametrize("moment", ["set_aside", "let_go", "first look", "second look"])
    async def test_never_loses_what_is_uploaded_meanwhile(self, uploads, add, database, blobs, moment):
        """Another upload of the same content comes at each moment of a removal."""
        first = await add()
        came = []

        async def come():
            came.append(await add(owner="ben"))

        loop = asyncio.get_running_loop()
        looks = 0
        looked = uploads.cleaning._referred

        async def looking(digests):
            nonlocal looks
            answer = await looked(digests)
            looks += 1
            if moment == ("", "first look", "second look")[min(looks, 2)] and not came:
                await come()
            return answer

        uploads.cleaning._referred = looking
        original = getattr(blobs, moment, None)
        if original:

            def during(argument):
                if moment == "let_go":
                    asyncio.run_coroutine_threadsafe(come(), loop).result(60)
                    return original(argument)
                result = original(argument)
                asyncio.run_coroutine_threadsafe(come(), loop).result(60)
                return result

            setattr(blobs, moment, during)
        await uploads.delete("ann", first.id)
        assert len(came) == 1
        assert await content(uploads, came[0], "ben") == TEXT

    @ANYWHERE
    async def test_that_comes_between_a_file_and_its_row_costs_nothing(
        self, uploads, add, blobs, monkeypatch
    ):
        """The file is there, no row refers to it yet, and it is taken for one that nobody needs."""
        monkeypatch.setattr(place, "STRAY_DAYS", 0)
        loop = asyncio.get_running_loop()
        put, cleaned = blobs.put, []

        def putting(source, digest):
            put(source, digest)
            if not cleaned:
                cleaned.append(asyncio.run_coroutine_threadsafe(uploads.clean(), loop).result(60))

        blobs.put = putting
        added = await add()
        assert cleaned == [{"uploads": 0, "files": 1, "arrivals": 0}]
        assert await content(uploads, added) == TEXT

    @ANYWHERE
    async def test_of_two_that_upload_and_remove_at_once_none_loses_anything(self, uploads, add):
        async def back_and_forth(owner):
            for _ in range(5):
                mine = await add(PNG, "same.png", owner)
                assert await content(uploads, mine, owner) == PNG
                await uploads.delete(owner, mine.id)
            last = await add(PNG, "same.png", owner)
            assert await content(uploads, last, owner) == PNG

        async def clean():
            for _ in range(10):
                await uploads.clean()

        await asyncio.gather(*(back_and_forth(f"owner{n}") for n in range(4)), clean())
        for n in range(4):
            (mine,) = await uploads.page(f"owner{n}")
            assert await content(uploads, mine, f"owner{n}") == PNG


@ANYWHERE
class TestAPlaceOfSeveralDatabases:
    """Everybody's own history, and one bucket of the team's."""

    @pytest.fixture
    def other(self, tmp_path, blobs):
        """Another database that keeps its files in the same place."""
        database = Database(f"sqlite:///{tmp_path / 'other' / 'history.db'}", bring_up_to_date)
        made = Uploads(database, blobs)
        made.cleaning._tidied = float("inf")
        yield made
        database.close_now()

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch):
        monkeypatch.setattr(place, "STRAY_DAYS", 0)

    async def test_loses_nothing_of_either_when_both_clean(self, uploads, other, add):
        mine, theirs = await add(b"mine"), await keep(other, b"theirs")
        for each in (uploads, other):
            assert (await each.clean())["files"] == 0
        assert await content(uploads, mine) == b"mine"
        assert await content(other, theirs) == b"theirs"

    async def test_keeps_the_same_file_for_the_other_when_one_deletes_it(self, uploads, other, add):
        mine, theirs = await add(), await keep(other, TEXT)
        await uploads.delete("ann", mine.id)
        uploads.limits = Limits(owner=0)
        with pytest.raises(TooLarge):
            await add()
        assert await content(other, theirs) == TEXT

    async def test_keeps_what_another_keeps_while_one_deletes_it(self, uploads, other, add, blobs):
        """The other database comes when the place was found to be one's own, and the file still is there."""
        mine, came = await add(), []
        set_aside, loop = blobs.set_aside, asyncio.get_running_loop()

        def during(digest):
            came.append(asyncio.run_coroutine_threadsafe(keep(other, TEXT), loop).result(60))
            return set_aside(digest)

        blobs.set_aside = during
        await uploads.delete("ann", mine.id)
        assert await content(other, came[0]) == TEXT

    async def test_that_held_files_before_there_were_marks_is_left_alone(self, uploads, other, add, blobs):
        theirs = await keep(other, b"theirs")
        unmark(blobs)
        mine = await add(b"mine")
        await uploads.clean()
        await uploads.delete("ann", mine.id)
        assert await content(other, theirs) == b"theirs"

    async def test_that_held_its_own_files_before_there_were_marks_is_cleaned_on(self, uploads, add, blobs):
        old, kept = await add(b"old"), await add(b"kept")
        unmark(blobs)
        await uploads.delete("ann", old.id)
        assert list(blobs.digests()) == [kept.sha256]

    async def test_loses_nothing_while_an_empty_history_stands_in_for_the_real_one(
        self, uploads, other, add, blobs
    ):
        mine = await add(b"mine")
        theirs = await keep(other, b"said meanwhile")
        await other.delete("ann", theirs.id)
        await other.clean()
        assert await content(uploads, mine) == b"mine"


async def keep(uploads, data):
    """Upload a file into another database."""
    arrived = uploads.blobs.receive()
    try:
        arrived.write(data)
        return await uploads.add("ann", arrived, "notes.txt")
    finally:
        arrived.discard()


def unmark(blobs):
    """Make a place as it was before databases left marks."""
    root = blobs._kept if isinstance(blobs, LocalBlobs) else Path(blobs._place()[1])
    shutil.rmtree(root / MARKS)


async def test_the_loop_goes_on_while_a_hostile_file_is_read(uploads, add):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.ensure_future(tick())
    found = await add(b'{"nbformat": 4, "cells": ' + b"[" * 400_000 + b"]" * 400_000 + b"}", "deep.ipynb")
    ticking.cancel()
    assert "nested too deeply" in found.problem
    assert ticks > 1000


async def test_two_files_are_read_at_once_and_no_more(uploads, add, monkeypatch):
    running, most = 0, 0
    read = module.extract

    def counted(*arguments):
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return read(*arguments)
        finally:
            running -= 1

    monkeypatch.setattr(module, "extract", counted)
    await asyncio.gather(*(add(b"%d" % n) for n in range(6)))
    assert most <= 2


async def test_what_a_reader_finds_is_what_postgresql_takes(uploads, add, database):
    data = notebook({"cell_type": "markdown", "source": "a\x00b\ud800 \U0001f600"})
    added = await add(data, "x\x00\u202egnp.ipynb")
    assert added.name == "xgnp.ipynb"
    row = await database.read(lambda c: c.execute(select(table.c.text, table.c.name)).one())
    assert row.text.endswith("ab? \U0001f600")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\data.csv", "data.csv"),
        ("a/b/", "file"),
        ("", "file"),
        ("..", "file"),
        ("\x00\x1f", "file"),
        ("in\u202evoice\u2066.pdf", "invoice.pdf"),
        ("two\nlines\tand  spaces.txt", "two lines and spaces.txt"),
        (".gitignore", ".gitignore"),
        ("e\u0301.txt", "é.txt"),
        ("half\ud800.txt", "half.txt"),
    ],
)
def test_names_are_shown_and_lead_nowhere(sent, name):
    assert clean_name(sent) == name


def test_long_names_keep_their_ending():
    name = clean_name("漢" * 300 + ".csv")
    assert len(name.encode()) <= 255
    assert name.endswith("漢.csv")
    assert len(clean_name("a." + "b" * 1000).encode()) == 255


def test_the_settings_say_where_and_how_much(database, tmp_path):
    from traitlets.config import Config

    from tether_jupyter.settings import load

    config = Config({"Tether": {"max_upload_size": 5000, "max_uploads": 7}})
    made = Uploads.from_settings(database, load(config, environment={}))
    assert made.limits == Limits(5000, 7)
    variables = {"TETHER_UPLOADS_URL": "s3://name:canary@bucket"}
    with pytest.raises(TetherError) as refused:
        Uploads.from_settings(database, load(environment=variables))
    assert "canary" not in str(refused.value)
