"""The chat goes on while its database cannot be used, and nothing that was said meanwhile is lost."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from traitlets.config import Config

from tests.support import postgres
from tether_jupyter import settings
from tether_jupyter.core.history import StoredMessage, new_id
from tether_jupyter.core.request import read_chat
from tether_jupyter.errors import InvalidRequest, NotFound
from tether_jupyter.llm.mock import MockService
from tether_jupyter.services import Services
from tether_jupyter.store import database as databases
from tether_jupyter.store.database import Database
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.history import SqlHistory
from tether_jupyter.store.pages import Pages
from tether_jupyter.store.schema import bring_up_to_date
from tether_jupyter.store.shelter import ShelteredHistory

LONG = "a long question " + "x" * 40_000
FAULTS = {"full": "max_page_count = 1", "readonly": "query_only = ON"}
"""What SQLite itself is told, so that it fails as it does on a full disk and on a read-only one."""


class Disk:
    """A disk that can be broken under a database: every connection from then on fails to write."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fault = ""
        event.listen(database.engine(), "connect", self._connected)

    def _connected(self, connection: Any, _: Any) -> None:
        if self.fault:
            connection.execute(f"PRAGMA {FAULTS[self.fault]}")

    def breaks(self, fault: str = "full") -> None:
        self.fault = fault
        self.database.submit(lambda c: c.exec_driver_sql(f"PRAGMA {FAULTS[fault]}").close()).result()
        self.database.engine().dispose()

    def works(self) -> None:
        self.fault = ""
        self.database.engine().dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


@pytest.fixture
def lite(file: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{file}", bring_up_to_date)
    yield opened
    opened.close_now()


@pytest.fixture
def disk(lite: Database) -> Disk:
    return Disk(lite)


@pytest.fixture
def history(lite: Database, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[ShelteredHistory]:
    opened = never_by_itself(ShelteredHistory(SqlHistory(lite)))
    yield opened
    jp_asyncio_loop.run_until_complete(opened.close())


def never_by_itself(history: ShelteredHistory) -> ShelteredHistory:
    """Let a history try again when the test says so, and not before."""
    history.reach.retry_seconds = 3600.0
    return history


@pytest.fixture
def server(file: Path, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[Server]:
    opened = Server(f"sqlite:///{file}")
    yield opened
    jp_asyncio_loop.run_until_complete(opened.services.close())


class Server:
    """Services with a mock model, over a database."""

    def __init__(self, url: str) -> None:
        config = Config({"Tether": {"backend": "mock"}})
        self.services = Services(settings.load(config, environment={"DATABASE_URL": url}))
        self.history = never_by_itself(ShelteredHistory(SqlHistory(self.services.database)))
        self.services.history = self.history
        found = self.services.backends.get("mock")
        assert isinstance(found, MockService)
        self.model = found

    async def ask(self, message: str, **fields: Any) -> tuple[str, list[dict[str, Any]]]:
        """Ask, and return the conversation's id and the events."""
        request = read_chat({"message": message, **fields}, max_message_length=100_000)
        generation = await self.services.ask(request, "ann", "trace")
        await generation.wait()
        return generation.conversation_id, generation.events

    async def texts(self, conversation_id: str) -> list[str]:
        return [m.content for m in await self.history.messages("ann", conversation_id)]


def said(text: str, parent: StoredMessage | None = None, role: str = "user", **fields: Any) -> StoredMessage:
    return StoredMessage(new_id("m"), role, text, parent and parent.id, **fields)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nobody is told when a timer has done its work
            await asyncio.sleep(0.01)


async def kept(database: Database, conversation_id: str) -> list[str]:
    """Return what is in the database itself."""
    return [m.content for m in await SqlHistory(database).messages("ann", conversation_id)]


@pytest.mark.parametrize(("fault", "words"), [("full", "disk is full"), ("readonly", "cannot be written")])
async def test_a_disk_that_cannot_be_written_ends_no_turn_and_loses_none(fault, words, server):
    disk = Disk(server.services.database)
    talk, _ = await server.ask("before")
    disk.breaks(fault)
    for question in (LONG, "during"):
        same, events = await server.ask(question, conversation_id=talk)
        assert (same, events[-1]) == (talk, {"done": True, "finish_reason": "stop"})
    new, events = await server.ask("something else")
    assert "error" not in events[-1]
    health = await server.services.health()
    assert health["status"] == "degraded"
    assert health["database"]["ok"] is False
    assert words in health["database"]["problem"]
    # The model was shown the past, which can still be read.
    assert "before" in str(server.model.prompts[1].messages)
    assert "before" in str(server.model.prompts[2].messages)
    shown = [await server.texts(talk), await server.texts(new)]
    assert len(shown[0]) == 6
    assert await kept(server.services.database, talk) == shown[0][:2]

    disk.works()
    assert await server.history.retry()
    health = await server.services.health()
    assert (health["status"], health["database"]["ok"]) == ("healthy", True)
    assert [await kept(server.services.database, each) for each in (talk, new)] == shown
    found = await server.history.get("ann", talk)
    assert found.message_count == 6
    assert [m.parent_id for m in await server.history.messages("ann", talk)][1:] == [
        m.id for m in await server.history.messages("ann", talk)
    ][:-1]
    await server.ask("after", conversation_id=talk)
    assert (await kept(server.services.database, talk))[-2] == "after"


async def test_a_broken_disk_is_tried_again_by_itself(history, disk):
    history.reach.retry_seconds = 0.01
    made = await history.create("ann")
    disk.breaks()
    await history.add("ann", made.id, said(LONG))
    assert history.problem is not None
    disk.works()
    await until(lambda: history.problem is None)
    assert await kept(history.database, made.id) == [LONG]


async def test_an_answer_that_is_being_written_while_the_disk_comes_and_goes_is_kept_once(history, disk):
    made = await history.create("ann")
    question = said(LONG)
    answer = said("", question, "assistant", status="running")
    await history.add("ann", made.id, question, answer)
    disk.breaks()
    for _ in range(3):
        answer.content += "x" * 5000
        await history.add("ann", made.id, answer)
    disk.works()
    assert await history.retry()
    answer.content += "end"
    answer.status = "complete"
    await history.add("ann", made.id, answer)
    [_, found] = await SqlHistory(history.database).messages("ann", made.id)
    assert (found.id, found.content, found.status) == (answer.id, "x" * 15000 + "end", "complete")


async def test_what_is_still_being_tried_is_not_taken_for_done(history, disk):
    made = await history.create("ann")
    disk.breaks()
    await history.add("ann", made.id, said(LONG))
    assert not await history.retry()
    assert "disk is full" in history.problem
    await history.add("ann", made.id, said(LONG + "2"))
    assert not await history.retry()
    disk.works()
    assert await history.retry()
    assert await kept(history.database, made.id) == [LONG, LONG + "2"]


async def test_everything_else_that_is_done_meanwhile_is_done_afterwards(history, disk):
    old = await history.create("ann", notebook="a.ipynb")
    first = said("first")
    await history.add("ann", old.id, first)
    disk.breaks("readonly")
    new = await history.create("ann", notebook="b.ipynb", title="mine", data={"colour": "red"})
    answer = said("an answer", role="assistant")
    await history.add("ann", new.id, answer)
    await history.change_message("ann", answer.id, reaction="thumbs_up")
    await history.change("ann", old.id, title="named")
    await history.change("ann", old.id, pinned=True)
    await history.move("ann", old.id, "c.ipynb")
    await history.renamed("ann", "b.ipynb", "sub/b.ipynb")
    assert (await history.of_notebook("ann", "sub/b.ipynb")).id == new.id
    assert (await history.of_notebook("ann", "c.ipynb")).id == old.id
    shown = [(c.id, c.title, c.notebook, c.pinned) for c in await history.conversations("ann")]
    assert shown == [(old.id, "named", "c.ipynb", True), (new.id, "mine", "sub/b.ipynb", False)]
    disk.works()
    assert await history.retry()
    inner = SqlHistory(history.database)
    assert [(c.id, c.title, c.notebook, c.pinned) for c in await inner.conversations("ann")] == shown
    assert (await inner.get("ann", new.id)).data == {"colour": "red"}
    assert [m.reaction for m in await inner.messages("ann", new.id)] == ["thumbs_up"]


async def test_a_notebook_that_is_deleted_meanwhile_is_let_go_of_afterwards(history, disk):
    made = await history.create("ann", notebook="a.ipynb")
    disk.breaks("readonly")
    new = await history.create("ann", notebook="b.ipynb")
    for path in ("a.ipynb", "b.ipynb"):
        await history.unbind("ann", path)
    assert await history.of_notebook("ann", "b.ipynb") is None
    disk.works()
    assert await history.retry()
    inner = SqlHistory(history.database)
    assert {c.id: c.notebook for c in await inner.conversations("ann")} == {made.id: None, new.id: None}


async def test_a_deleted_notebook_is_not_remembered_when_the_database_goes_away(history, monkeypatch):
    for path in ("a.ipynb", "kept.ipynb"):
        await history.create("ann", notebook=path)
    await history.unbind("ann", "a.ipynb")

    async def away(*given: Any, **more: Any) -> None:
        raise StoreFailed(cause="unreachable")

    for name in ("of_notebook", "conversations"):
        monkeypatch.setattr(SqlHistory, name, away)
    assert await history.of_notebook("ann", "kept.ipynb") is not None
    assert await history.of_notebook("ann", "a.ipynb") is None


async def test_a_notebook_goes_on_with_its_conversation_though_its_new_path_cannot_be_written(history, disk):
    made = await history.create("ann", notebook="a.ipynb")
    await history.add("ann", made.id, said("first"))
    disk.breaks("readonly")
    await history.add("ann", made.id, said("second"))
    assert (await history.of_notebook("ann", "a.ipynb")).id == made.id


async def test_one_persons_conversation_is_nobody_elses_in_memory_either(history, disk):
    disk.breaks("readonly")
    made = await history.create("ann")
    message = said("a secret")
    await history.add("ann", made.id, message)
    assert await history.conversations("ben") == []
    with pytest.raises(NotFound):
        await history.messages("ben", made.id)
    with pytest.raises(NotFound):
        await history.add("ben", made.id, said("mine now"))
    with pytest.raises(StoreFailed):
        await history.change_message("ben", message.id, reaction="thumbs_up")


async def test_another_branch_than_the_newest_goes_on_too(history, disk):
    made = await history.create("ann")
    first, second, other = said("one"), said("two"), said("other")
    second.parent_id = first.id
    await history.add("ann", made.id, first, second, other)
    disk.breaks("readonly")
    await history.add("ann", made.id, said("later", other))
    assert [m.content for m in await history.branch("ann", made.id, second.id)] == ["one", "two"]


async def test_a_database_that_another_program_holds_is_gone_without(history, lite, monkeypatch):
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.05)
    made = await history.create("ann")
    await history.add("ann", made.id, said("before"))
    other = databases.open_engine(lite.url)
    lite.engine().dispose()
    history.reach.patience_seconds = 0.5
    with other.connect().execution_options(writes=True) as held, held.begin():
        await history.add("ann", made.id, said("during"))
        assert "Another program holds the history" in history.problem
        assert [m.content for m in await history.messages("ann", made.id)] == ["before", "during"]
    other.dispose()
    history.reach.patience_seconds = 30.0
    assert await history.retry()
    assert await kept(lite, made.id) == ["before", "during"]


async def test_a_file_that_is_damaged_under_a_running_server_is_mended_and_told(history, lite, file):
    made = await history.create("ann")
    for n in range(60):
        await history.add("ann", made.id, said(f"{n} " + "x" * 3000))
    lite.engine().dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = Pages.of(file)
    with file.open("r+b") as opened:
        for leaf in pages.leaves(pages.tables()["messages"])[5:8]:
            opened.seek((leaf - 1) * pages.size)
            opened.write(b"\xff" * pages.size)
    history.reach.retry_seconds = 0.01
    with pytest.raises(StoreFailed):
        await SqlHistory(lite).messages("ann", made.id)
    await history.messages("ann", made.id)
    await until(lambda: "What could be read of it is here" in (history.problem or ""))
    await history.add("ann", made.id, said("after"))
    found = [m.content for m in await history.messages("ann", made.id)]
    assert found[-1] == "after"
    assert 50 < len(found) < 62
    assert len(list(file.parent.glob("*damaged*"))) >= 1


async def test_a_server_whose_folder_is_no_folder_begins_in_memory(file, server):
    file.parent.write_text("in the way")
    talk, events = await server.ask("first")
    assert events[-1] == {"done": True, "finish_reason": "stop"}
    assert "Check its folder" in server.history.problem
    assert [c.id for c in await server.history.conversations("ann")] == [talk]
    file.parent.unlink()
    assert await server.history.retry()
    assert await kept(server.services.database, talk) == await server.texts(talk)
    assert len(await server.texts(talk)) == 2


async def test_a_database_that_says_nothing_holds_a_turn_up_for_a_while_only(history, monkeypatch):
    made = await history.create("ann")
    never, add = asyncio.Event(), SqlHistory.add

    async def hang(self, *arguments):
        await never.wait()

    monkeypatch.setattr(SqlHistory, "add", hang)
    history.reach.patience_seconds = 0.05
    await history.add("ann", made.id, said("kept"))
    assert "slow to answer" in history.problem
    monkeypatch.setattr(SqlHistory, "add", add)
    history.reach.patience_seconds = 30.0
    assert await history.retry()
    assert await kept(history.database, made.id) == ["kept"]


async def test_a_database_that_says_nothing_is_asked_nothing_more_by_the_turn_that_has_seen_it(
    history, monkeypatch
):
    made = await history.create("ann")
    await history.add("ann", made.id, said("before"))
    never, asked = asyncio.Event(), []

    def hanging(name):
        async def hang(self, *arguments, **given):
            asked.append(name)
            await never.wait()

        return hang

    for name in ("get", "branch", "messages", "conversations", "add"):
        monkeypatch.setattr(SqlHistory, name, hanging(name))
    history.reach.patience_seconds = 0.05
    await history.get("ann", made.id)
    await history.add("ann", made.id, said("during"))
    assert [m.content for m in await history.messages("ann", made.id)] == ["before", "during"]
    assert asked == ["get"]
    monkeypatch.undo()
    history.reach.patience_seconds = 30.0
    assert await history.retry()
    assert await kept(history.database, made.id) == ["before", "during"]


async def test_on_a_full_disk_what_was_said_before_is_shown_and_asked_again_with_all_that_is_known(
    server, monkeypatch
):
    disk = Disk(server.services.database)
    context = [{"kind": "cell", "name": "cell 1", "text": "secret = 1"}]
    talk, _ = await server.ask("before", context=context)
    answer = (await server.history.messages("ann", talk))[-1]
    assert "secret = 1" in str(server.model.prompts[-1].messages)
    await server.history.change_message("ann", answer.id, reaction="thumbs_up")
    before = [m.payload() for m in await server.history.messages("ann", talk)]
    assert all(before[1][name] for name in ("model", "finish_reason", "reaction"))
    disk.breaks()
    await server.ask(LONG, conversation_id=talk)
    assert [m.payload() for m in await server.history.messages("ann", talk)][:2] == before
    request = {"regenerate": answer.id, "conversation_id": talk}
    generation = await server.services.ask(read_chat(request, max_message_length=100_000), "ann", "trace")
    await generation.wait()
    assert "secret = 1" in str(server.model.prompts[-1].messages)
    disk.works()
    assert await server.history.retry()


async def test_a_write_of_which_nobody_knows_whether_it_arrived_is_there_once(history, lite, monkeypatch):
    made = await history.create("ann")
    add = SqlHistory.add

    async def add_and_break(self, *arguments):
        await add(self, *arguments)
        raise StoreFailed(cause="unreachable")

    monkeypatch.setattr(SqlHistory, "add", add_and_break)
    await history.add("ann", made.id, said("once"))
    assert not await history.retry()
    monkeypatch.setattr(SqlHistory, "add", add)
    assert await history.retry()
    assert await kept(lite, made.id) == ["once"]
    assert (await history.get("ann", made.id)).message_count == 1


async def test_what_is_only_in_memory_is_written_when_the_server_ends(history, lite, disk):
    made = await history.create("ann")
    disk.breaks()
    await history.add("ann", made.id, said(LONG))
    disk.works()
    await history.close()
    assert await kept(lite, made.id) == [LONG]


async def test_what_cannot_be_written_when_the_server_ends_is_counted_in_the_log(history, disk, caplog):
    made = await history.create("ann")
    disk.breaks()
    await history.add("ann", made.id, said(LONG), said("2"))
    await history.close()
    assert "2 messages could not be kept" in caplog.text


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_fails_whenever_each_message_is_there_once_and_in_order(seed, lite, monkeypatch):
    chance = random.Random(seed)  # noqa: S311 - the same faults each time
    history = never_by_itself(ShelteredHistory(SqlHistory(lite)))
    broken = False

    def faulty(name):
        method = getattr(SqlHistory, name)

        async def call(self, *arguments, **given):
            early = broken and chance.random() < 0.7
            await asyncio.sleep(0)
            if early:
                raise StoreFailed(cause=chance.choice(["full", "unreachable", "locked"]))
            result = await method(self, *arguments, **given)
            if broken:
                raise StoreFailed(cause="unreachable")
            return result

        return call

    for name in ("create", "get", "add", "branch", "messages", "conversations", "of_notebook", "change"):
        monkeypatch.setattr(SqlHistory, name, faulty(name))
    expected: dict[str, list[str]] = {}

    async def talk(number: int) -> None:
        made = await history.create("ann", notebook=f"{number}.ipynb" if number % 2 else None)
        texts = expected[made.id] = []
        for n in range(12):
            if chance.random() < 0.3:
                await asyncio.sleep(0)
            found = await history.get("ann", made.id)
            past = await history.branch("ann", found.id) if found.message_count else []
            question = said(f"{number}.{n}", past[-1] if past else None)
            answer = said("", question, "assistant", status="running")
            await history.add("ann", made.id, question, answer)
            texts.append(question.content)
            for text in ("half", "half an answer"):
                answer.content = text
                await history.add("ann", made.id, answer)
            answer.status, answer.content = "complete", f"answer to {number}.{n}"
            await history.add("ann", made.id, answer)
            texts.append(answer.content)

    async def weather() -> None:
        nonlocal broken
        while True:
            broken = chance.random() < 0.5
            for _ in range(chance.randint(1, 30)):
                await asyncio.sleep(0)
            if chance.random() < 0.5:
                await history.retry()

    sky = asyncio.create_task(weather())
    await asyncio.gather(*(talk(number) for number in range(5)))
    sky.cancel()
    await asyncio.wait([sky])
    broken = False
    assert await history.retry()
    for id, texts in expected.items():
        stored = await SqlHistory(lite).messages("ann", id)
        assert [m.content for m in stored] == texts
        assert {m.status for m in stored} == {"complete"}
        assert (await history.get("ann", id)).message_count == len(texts)
    await history.close()


class TestPostgreSQLThatIsStopped:
    """The whole database is away, its past as well."""

    @pytest.fixture
    def postgresql(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
        if postgres.binaries() is None:
            pytest.skip("PostgreSQL is not installed")
        with postgres.running(tmp_path_factory.mktemp("postgres")) as running:
            yield running

    async def test_the_chat_goes_on_with_what_it_remembers(self, postgresql):
        url = postgresql.fresh()
        server = Server(url)
        talk, _ = await server.ask("before")
        other = Server(url)
        postgresql.stop()
        _, events = await server.ask("during", conversation_id=talk)
        assert events[-1] == {"done": True, "finish_reason": "stop"}
        assert "before" in str(server.model.prompts[-1].messages)
        health = await server.services.health()
        assert "does not answer" in health["database"]["problem"]
        # A server that has never seen the conversation goes on with it nevertheless.
        _, events = await other.ask("elsewhere", conversation_id=talk)
        assert events[-1] == {"done": True, "finish_reason": "stop"}
        with pytest.raises(StoreFailed):
            await other.history.messages("ann", new_id("c"))

        postgresql.start()
        assert await server.history.retry()
        assert await other.history.retry()
        assert (await server.services.health())["database"] == {
            "kind": "postgresql",
            "ok": True,
            "problem": None,
        }
        stored = await SqlHistory(server.services.database).messages("ann", talk)
        asked = [m.content for m in stored if m.role == "user"]
        assert asked == ["before", "during", "elsewhere"]
        # One branch, as it was meant.
        assert [m.parent_id for m in stored] == [None, *(m.id for m in stored[:-1])]
        assert {m.status for m in stored} == {"complete"}
        for each in (server, other):
            await each.services.close()


class TestAValueThatIsRefused:
    """PostgreSQL works, and does not take one value: nothing else waits for it."""

    @pytest.fixture
    def history(
        self, postgres_server: postgres.Postgres, jp_asyncio_loop: asyncio.AbstractEventLoop
    ) -> Iterator[ShelteredHistory]:
        database = Database(postgres_server.fresh(), bring_up_to_date)
        opened = never_by_itself(ShelteredHistory(SqlHistory(database)))
        yield opened
        jp_asyncio_loop.run_until_complete(opened.close())
        database.close_now()

    async def test_its_own_write_fails_and_those_beside_it_are_kept(self, history):
        made = await history.create("ann")
        digits = random.Random(1)  # noqa: S311 - what repeats is packed before it goes into an index
        path = "".join(digits.choices("0123456789abcdef", k=6000))
        results = await asyncio.gather(
            *(history.add("ann", made.id, said(f"{n}")) for n in range(10)),
            history.change("ann", made.id, data={"a": float("inf")}),
            history.create("ann", notebook=path),
            history.of_notebook("ann", "x\x00"),
            *(history.add("ann", made.id, said(f"{n}")) for n in range(10, 20)),
            return_exceptions=True,
        )
        assert [type(each) for each in results if each is not None] == [InvalidRequest] * 3
        assert history.problem is None
        assert set(await kept(history.inner.database, made.id)) == {f"{n}" for n in range(20)}

    async def test_what_was_kept_in_memory_is_written_without_it(self, history, caplog):
        made = await history.create("ann")
        history._fail(StoreFailed())
        await history.change("ann", made.id, data={"a": float("inf")})
        await history.add("ann", made.id, said("after"))
        assert history.problem is not None
        assert await history.retry()
        assert history.problem is None
        assert await kept(history.inner.database, made.id) == ["after"]
        assert "a changed conversation that was kept in memory cannot be kept" in caplog.text
        assert (await history.get("ann", made.id)).data == {}
