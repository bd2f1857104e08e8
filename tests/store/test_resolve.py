"""What a turn finds set: at once, and without a look at the disk where nothing has changed."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from tether_jupyter.core.layers import Layers
from tether_jupyter.core.request import ChatRequest
from tether_jupyter.errors import InvalidRequest, NotFound
from tether_jupyter.store import readers, resolve
from tether_jupyter.store.clients import Clients
from tether_jupyter.store.database import Database
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.presets import Presets
from tether_jupyter.store.schema import bring_up_to_date


class Counted(Database):
    """A database that counts its reads, and can be out of order."""

    reads = 0
    broken = False

    async def read(self, work):
        self.reads += 1
        if self.broken:
            raise StoreFailed(cause="readonly")
        return await super().read(work)


@pytest.fixture
def database(database_url):
    opened = Counted(database_url, bring_up_to_date)
    yield opened
    opened.close_now()


@pytest.fixture
def clients(database) -> Clients:
    return Clients(database)


@pytest.fixture
def presets(database) -> Presets:
    return Presets(database)


@pytest.fixture
def clock(monkeypatch):
    """The clock that says how old what is kept is."""

    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(resolve, "time", clock)
    return clock


def filled(layers: Layers, **fields):
    return layers.apply(ChatRequest(message="hi", **fields))


async def test_one_look_is_enough_while_nothing_changes(database, clients):
    for _ in range(50):
        assert await clients.layers("ann", "lab") == Layers()
    assert database.reads == 1


async def test_those_who_ask_at_once_share_one_look(database, clients):
    await asyncio.gather(*(clients.layers("ann", "lab") for _ in range(50)))
    assert database.reads == 1


async def test_the_preset_lies_over_the_settings_and_the_request_over_both(clients, presets):
    await clients.put("ann", "lab", "llm", {"temperature": 0.5, "seed": 4, "top_k": 9})
    await presets.create("ann", "lab", "kind", {"system": "Be kind.", "seed": 5})
    await presets.create("ann", "lab", "short", {"max_tokens": 50})
    await presets.activate("ann", "lab", "kind")
    request = filled(await clients.layers("ann", "lab"), top_k=1)
    assert (request.temperature, request.seed, request.top_k, request.system) == (0.5, 5, 1, "Be kind.")
    named = await clients.layers("ann", "lab", "short")
    request = filled(named)
    assert (request.max_tokens, request.seed, request.system) == (50, 4, None)
    assert (named.preset, (await clients.layers("ann", "lab")).preset) == ("short", "kind")


async def test_every_change_counts_from_the_next_turn_on(clients, presets):
    async def seed(preset=None):
        return filled(await clients.layers("ann", "lab", preset)).seed

    assert await seed() is None
    await clients.put("ann", "lab", "llm", {"seed": 1})
    assert await seed() == 1
    await clients.merge("ann", "lab", "llm", {"seed": 2})
    assert await seed() == 2
    await presets.create("ann", "lab", "p", {"seed": 3})
    assert (await seed(), await seed("p")) == (2, 3)
    await presets.activate("ann", "lab", "p")
    assert await seed() == 3
    await presets.put("ann", "lab", "p", {"seed": 4})
    assert (await seed(), await seed("p")) == (4, 4)
    await presets.deactivate("ann", "lab", "p")
    assert await seed() == 2
    await presets.apply("ann", "lab", "p")
    assert await seed() == 4
    await presets.add_all("ann", "lab", [("p", {"seed": 5})], replace=True)
    assert await seed("p") == 5
    await presets.delete("ann", "lab", "p")
    with pytest.raises(NotFound):
        await seed("p")
    await clients.reset("ann", "lab", "llm")
    assert await seed() is None


async def test_a_look_that_began_before_a_change_is_not_kept(database, clients):
    await clients.get("ann", "lab", "llm")
    begun, go_on = asyncio.Event(), asyncio.Event()
    usual = database.read

    async def held(work):
        found = await usual(work)
        begun.set()
        await go_on.wait()
        return found

    database.read = held
    early = asyncio.ensure_future(clients.layers("ann", "lab"))
    await begun.wait()
    database.read = usual
    await clients.put("ann", "lab", "llm", {"seed": 1})
    go_on.set()
    await early
    assert filled(await clients.layers("ann", "lab")).seed == 1


async def test_what_another_server_changes_counts_soon(clients, clock, database_url):
    await clients.layers("ann", "lab")
    other = Database(database_url, bring_up_to_date)
    await Clients(other).put("ann", "lab", "llm", {"seed": 1})
    await other.close()
    clock.now += resolve.FRESH_SECONDS / 2
    assert filled(await clients.layers("ann", "lab")).seed is None
    clock.now += resolve.FRESH_SECONDS
    assert filled(await clients.layers("ann", "lab")).seed == 1


async def test_people_and_front_ends_are_kept_apart(clients, presets):
    await clients.put("ann", "lab", "llm", {"seed": 1})
    await presets.create("ann", "lab", "secret plan", {"seed": 2})
    assert filled(await clients.layers("ann", "lab", "secret plan")).seed == 2
    for owner, client in (("ben", "lab"), ("ann", "magic")):
        assert await clients.layers(owner, client) == Layers()
        with pytest.raises(NotFound, match="has none yet"):
            await clients.layers(owner, client, "secret plan")


async def test_a_preset_that_is_not_there_is_answered_with_those_that_are(clients, presets):
    for n in range(30):
        await presets.create("ann", "lab", f"p{n:02}", {})
    with pytest.raises(NotFound) as refused:
        await clients.layers("ann", "lab", "kind")
    assert "`p00`, `p01`" in refused.value.message
    assert refused.value.message.endswith("`p19`, ….")
    with pytest.raises(InvalidRequest):
        await clients.layers("ann", "lab", "a\x00b")


async def test_without_the_database_a_turn_goes_on_without_settings(database, clients, caplog):
    database.broken = True
    for _ in range(3):
        assert await clients.layers("ann", "lab") == Layers()
    assert caplog.text.count("without them") == 1
    database.broken = False
    await clients.put("ann", "lab", "llm", {"seed": 1})
    assert filled(await clients.layers("ann", "lab")).seed == 1


async def test_a_folder_that_cannot_be_used_stops_no_turn(tmp_path):
    (tmp_path / "file").write_text("in the way")
    database = Database(f"sqlite:///{tmp_path / 'file' / 'history.db'}", bring_up_to_date)
    assert await Clients(database).layers("ann", "lab") == Layers()
    await database.close()


async def test_without_the_database_what_was_known_goes_on(database, clients, presets, clock):
    await clients.put("ann", "lab", "llm", {"seed": 1})
    await presets.create("ann", "lab", "p", {"seed": 2})
    await clients.layers("ann", "lab")
    await clients.layers("ann", "lab", "p")
    database.broken = True
    clock.now += 10 * resolve.FRESH_SECONDS
    assert filled(await clients.layers("ann", "lab")).seed == 1
    assert filled(await clients.layers("ann", "lab", "p")).seed == 2


async def test_a_database_that_says_nothing_holds_up_no_turn_for_its_settings(
    database, clients, clock, monkeypatch
):
    await clients.put("ann", "lab", "llm", {"seed": 1})
    await clients.layers("ann", "lab")
    over = threading.Event()
    monkeypatch.setattr(readers, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(readers, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(resolve, "look", lambda *_: over.wait(60))
    clock.now += 10 * resolve.FRESH_SECONDS
    assert filled(await clients.layers("ann", "lab")).seed == 1
    assert await clients.layers("ann", "magic") == Layers()
    with pytest.raises(StoreFailed, match="`p` cannot be read now"):
        await clients.layers("ann", "lab", "p")
    over.set()


async def test_without_the_database_a_named_preset_is_not_silently_left_out(database, clients):
    database.broken = True
    with pytest.raises(StoreFailed, match="`p` cannot be read now") as failed:
        await clients.layers("ann", "lab", "p")
    assert failed.value.cause == "readonly"


async def test_whoever_leaves_takes_the_look_from_nobody(clients):
    leaving = asyncio.ensure_future(clients.layers("ann", "lab"))
    staying = asyncio.ensure_future(clients.layers("ann", "lab"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == Layers()


async def test_what_is_kept_has_an_end(database, clients, monkeypatch):
    monkeypatch.setattr(resolve, "MAX_KEPT", 3)
    for n in range(6):
        await clients.layers("ann", f"c{n}")
    assert database.reads == 6
    await clients.layers("ann", "c5")
    assert database.reads == 6
    await clients.layers("ann", "c0")
    assert database.reads == 7


def test_a_database_that_is_gone_takes_what_was_kept_with_it(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", bring_up_to_date)
    clients = Clients(database)
    resolver = weakref.ref(resolve.resolver(database))
    database.close_now()
    del clients, database
    gc.collect()
    assert resolver() is None
