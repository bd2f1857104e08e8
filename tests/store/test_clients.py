"""Settings of front ends, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tether_jupyter.errors import Conflict, InvalidRequest, TooLarge
from tether_jupyter.store import clients as module
from tether_jupyter.store.clients import Clients
from tether_jupyter.store.database import Database
from tether_jupyter.store.schema import bring_up_to_date

EMPTY = {"llm": {}, "tts": {}, "stt": {}, "ui": {}}


@pytest.fixture
def clients(database: Database) -> Clients:
    return Clients(database)


async def test_a_front_end_that_nobody_has_set_has_four_empty_parts(clients):
    assert await clients.all("ann", "lab") == (EMPTY, None)
    assert await clients.get("ann", "lab", "ui") == {}


async def test_what_was_put_is_there_for_the_next_server(clients, database_url):
    await clients.put("ann", "lab", "llm", {"temperature": 0.2, "stop": ["ü", "\\"]})
    await clients.put("ann", "lab", "ui", {"theme": {"dark": True}, "number": 1.5})
    other = Database(database_url, bring_up_to_date)
    found, _ = await Clients(other).all("ann", "lab")
    await other.close()
    assert found == {
        **EMPTY,
        "llm": {"temperature": 0.2, "stop": ["ü", "\\"]},
        "ui": {"theme": {"dark": True}, "number": 1.5},
    }


async def test_put_replaces_merge_changes_what_it_names_and_null_resets(clients):
    await clients.put("ann", "lab", "llm", {"temperature": 0.2, "seed": 1})
    assert await clients.put("ann", "lab", "llm", {"top_k": 5, "seed": None}) == {"top_k": 5}
    assert await clients.merge("ann", "lab", "llm", {"seed": 2}) == {"top_k": 5, "seed": 2}
    assert await clients.merge("ann", "lab", "llm", {"top_k": None}) == {"seed": 2}
    assert await clients.get("ann", "lab", "llm") == {"seed": 2}


async def test_reset_forgets_one_part_and_leaves_the_others(clients):
    await clients.put("ann", "lab", "llm", {"seed": 1})
    await clients.put("ann", "lab", "ui", {"theme": "dark"})
    await clients.reset("ann", "lab", "llm")
    await clients.reset("ann", "lab", "tts")
    assert await clients.all("ann", "lab") == ({**EMPTY, "ui": {"theme": "dark"}}, None)


async def test_front_ends_and_people_do_not_see_each_others(clients):
    await clients.put("ann", "lab", "llm", {"seed": 1})
    for owner, client in (("ben", "lab"), ("ann", "magic")):
        assert await clients.all(owner, client) == (EMPTY, None)
        await clients.put(owner, client, "llm", {"seed": 2})
        await clients.merge(owner, client, "llm", {"top_k": 2})
        await clients.reset(owner, client, "llm")
        assert await clients.get("ann", "lab", "llm") == {"seed": 1}


async def test_what_cannot_be_kept_leaves_what_was_there(clients):
    await clients.put("ann", "lab", "ui", {"theme": "dark"})
    for values, error in (
        ({"api_key": "x"}, InvalidRequest),
        ({"a": "\x00"}, InvalidRequest),
        ({"a": float("inf")}, InvalidRequest),
        ({"a": "x" * 70_000}, TooLarge),
    ):
        for change in (clients.put, clients.merge):
            with pytest.raises(error):
                await change("ann", "lab", "ui", values)
    assert await clients.get("ann", "lab", "ui") == {"theme": "dark"}


async def test_many_changes_at_once_from_two_servers_are_all_kept(clients, database_url):
    other = Database(database_url, bring_up_to_date)
    servers = [clients, Clients(other)]
    changes = [servers[n % 2].merge("ann", "lab", "ui", {f"n{n}": n}) for n in range(40)]
    changes += [servers[n % 2].put("ann", f"c{n}", "llm", {"seed": n}) for n in range(20)]
    await asyncio.gather(*changes)
    await other.close()
    assert await clients.get("ann", "lab", "ui") == {f"n{n}": n for n in range(40)}
    assert [await clients.get("ann", f"c{n}", "llm") for n in range(20)] == [{"seed": n} for n in range(20)]


async def test_two_puts_at_once_leave_one_of_them_whole(clients, database_url):
    other = Database(database_url, bring_up_to_date)
    first, second = {"a": 1, "b": 1}, {"a": 2, "b": 2}
    await asyncio.gather(
        *(clients.put("ann", "new", "ui", first) for _ in range(10)),
        *(Clients(other).put("ann", "new", "ui", second) for _ in range(10)),
    )
    await other.close()
    assert await clients.get("ann", "new", "ui") in (first, second)


async def test_there_is_an_end_to_how_many_front_ends_are_set(clients, monkeypatch):
    monkeypatch.setattr(module, "MAX_CLIENTS", 3)
    for name in ("a", "b", "c"):
        await clients.put("ann", name, "llm", {"seed": 1})
        await clients.put("ann", name, "ui", {"x": 1})
    with pytest.raises(Conflict, match="3 front ends"):
        await clients.put("ann", "d", "llm", {"seed": 1})
    await clients.put("ben", "d", "llm", {"seed": 1})
    await clients.put("ann", "c", "llm", {"seed": 2})
    await clients.reset("ann", "c", "llm")
    await clients.reset("ann", "c", "ui")
    await clients.put("ann", "d", "llm", {"seed": 1})
