"""Presets, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tether_jupyter.errors import Conflict, InvalidRequest, NotFound
from tether_jupyter.store import presets as module
from tether_jupyter.store.clients import Clients
from tether_jupyter.store.database import Database
from tether_jupyter.store.presets import Presets
from tether_jupyter.store.schema import bring_up_to_date

KIND, SHORT = {"system": "Be kind.", "temperature": 0.9}, {"max_tokens": 50, "temperature": 0.1}


@pytest.fixture
def presets(database: Database) -> Presets:
    return Presets(database)


@pytest.fixture
def clients(database: Database) -> Clients:
    return Clients(database)


async def names(presets, owner="ann", client="lab"):
    return [preset.name for preset in await presets.all(owner, client)]


async def active(presets, owner="ann", client="lab"):
    return [preset.name for preset in await presets.all(owner, client) if preset.active]


async def test_one_is_made_read_changed_and_removed(presets):
    made = await presets.create("ann", "lab", "kind", KIND)
    assert (made.name, made.values, made.active) == ("kind", KIND, False)
    assert await presets.get("ann", "lab", "kind") == made
    changed, new = await presets.put("ann", "lab", "kind", {**KIND, "seed": None})
    assert (changed.values, changed.created_at, new) == (KIND, made.created_at, False)
    assert changed.updated_at >= made.updated_at
    await presets.delete("ann", "lab", "kind")
    assert await names(presets) == []


async def test_they_are_listed_by_name(presets):
    for name in ("Zebra", "apple", "Ärger", "Banana"):
        await presets.create("ann", "lab", name, {})
    assert (await names(presets))[:2] == ["apple", "Banana"]
    assert len(await names(presets)) == 4


async def test_put_makes_one_that_is_not_there(presets):
    made, new = await presets.put("ann", "lab", "kind", KIND)
    assert (made.name, new) == ("kind", True)


async def test_one_gets_another_name_and_stays_what_it_is(presets):
    made = await presets.create("ann", "lab", "kind", KIND)
    await presets.activate("ann", "lab", "kind")
    await presets.create("ann", "lab", "short", SHORT)
    renamed, new = await presets.put("ann", "lab", "kind", KIND, rename="kinder")
    assert (renamed.name, renamed.created_at, renamed.active, new) == ("kinder", made.created_at, True, False)
    assert await names(presets) == ["kinder", "short"]
    with pytest.raises(Conflict, match="`short`"):
        await presets.put("ann", "lab", "kinder", KIND, rename="short")
    with pytest.raises(NotFound):
        await presets.put("ann", "lab", "gone", KIND, rename="other")
    assert await names(presets) == ["kinder", "short"]


async def test_a_name_that_is_taken_is_said_and_nothing_is_changed(presets):
    await presets.create("ann", "lab", "été", KIND)
    with pytest.raises(Conflict, match="`été`"):
        await presets.create("ann", "lab", "e\u0301te\u0301", SHORT)
    assert (await presets.get("ann", "lab", "e\u0301te\u0301")).values == KIND


async def test_the_current_state_is_the_active_preset_over_the_settings(presets, clients):
    await clients.put("ann", "lab", "llm", {"temperature": 0.5, "seed": 4})
    first = await presets.create("ann", "lab", "first")
    assert first.values == {"temperature": 0.5, "seed": 4}
    await presets.create("ann", "lab", "kind", KIND)
    await presets.activate("ann", "lab", "kind")
    assert (await presets.create("ann", "lab", "second")).values == {**KIND, "seed": 4}


async def test_applying_copies_the_values_and_leaves_the_others(presets, clients):
    await clients.put("ann", "lab", "llm", {"seed": 4, "temperature": 0.5})
    await presets.create("ann", "lab", "kind", KIND)
    assert await presets.apply("ann", "lab", "kind") == {"seed": 4, **KIND}
    await presets.delete("ann", "lab", "kind")
    assert await clients.get("ann", "lab", "llm") == {"seed": 4, **KIND}


async def test_one_is_active_at_most(presets, clients):
    for name in ("a", "b"):
        await presets.create("ann", "lab", name, {})
    await presets.create("ann", "magic", "m", {})
    await presets.activate("ann", "magic", "m")
    assert (await presets.activate("ann", "lab", "a")).active
    assert await active(presets) == ["a"]
    await presets.activate("ann", "lab", "b")
    assert await active(presets) == ["b"]
    assert (await clients.all("ann", "lab"))[1] == "b"
    assert not (await presets.deactivate("ann", "lab", "a")).active
    assert await active(presets) == ["b"]
    await presets.deactivate("ann", "lab", "b")
    assert await active(presets) == []
    assert await active(presets, client="magic") == ["m"]


async def test_one_is_active_at_most_when_two_servers_choose_at_once(presets, database_url):
    other = Database(database_url, bring_up_to_date)
    servers = [presets, Presets(other)]
    for name in ("a", "b", "c"):
        await presets.create("ann", "lab", name, {})
    for _ in range(5):
        await asyncio.gather(
            *(servers[n % 2].activate("ann", "lab", "abc"[n % 3]) for n in range(12)),
            *(servers[n % 2].put("ann", "lab", "abc"[n % 3], {"seed": n}) for n in range(12)),
        )
        assert len(await active(presets)) == 1
    await other.close()


async def test_of_many_that_make_the_same_one_at_once_one_does(presets, database_url):
    other = Database(database_url, bring_up_to_date)
    made = await asyncio.gather(
        *(
            keeper.create("ann", "lab", "x", {"seed": n})
            for n, keeper in enumerate([presets, Presets(other)] * 5)
        ),
        return_exceptions=True,
    )
    await other.close()
    assert sorted(type(each).__name__ for each in made) == ["Conflict"] * 9 + ["Preset"]


async def test_a_preset_of_ann_is_nobody_elses_and_no_other_front_ends(presets, clients):
    made = await presets.create("ann", "lab", "secret plan", KIND)
    await presets.activate("ann", "lab", "secret plan")
    made = await presets.get("ann", "lab", "secret plan")
    for owner, client in (("ben", "lab"), ("ann", "magic")):
        for doing in (presets.get, presets.delete, presets.apply, presets.activate, presets.deactivate):
            with pytest.raises(NotFound) as refused:
                await doing(owner, client, "secret plan")
            assert refused.value.message.endswith("It has none yet: make one with `POST presets`.")
        await presets.put(owner, client, "secret plan", SHORT)
        await presets.activate(owner, client, "secret plan")
        await presets.delete(owner, client, "secret plan")
        assert await presets.all(owner, client) == []
        assert await clients.get(owner, client, "llm") == {}
    assert await presets.all("ann", "lab") == [made]


async def test_a_missing_one_is_answered_with_those_there_are(presets):
    await presets.create("ann", "lab", "kind", KIND)
    await presets.create("ann", "lab", "short", SHORT)
    with pytest.raises(NotFound, match=r"`lab` has no preset `shrt`\. There are `kind`, `short`\."):
        await presets.get("ann", "lab", "shrt")


async def test_several_are_taken_in_whole_or_not_at_all(presets):
    await presets.create("ann", "lab", "kind", {"seed": 1})
    several = [("short", SHORT), ("kind", KIND)]
    with pytest.raises(Conflict, match="`kind`"):
        await presets.add_all("ann", "lab", several, replace=False)
    with pytest.raises(InvalidRequest):
        await presets.add_all(
            "ann", "lab", [*several, ("a", {"system": "sk-abcdefghijklmnop1234"})], replace=True
        )
    assert [(p.name, p.values) for p in await presets.all("ann", "lab")] == [("kind", {"seed": 1})]
    await presets.add_all("ann", "lab", several, replace=True)
    assert [(p.name, p.values) for p in await presets.all("ann", "lab")] == [("kind", KIND), ("short", SHORT)]


async def test_there_is_an_end_to_how_many_there_are(presets, monkeypatch):
    monkeypatch.setattr(module, "MAX_PRESETS", 2)
    await presets.create("ann", "lab", "a", {})
    await presets.put("ann", "lab", "b", {})
    with pytest.raises(Conflict, match="2 presets"):
        await presets.put("ann", "lab", "c", {})
    with pytest.raises(Conflict, match="2 presets"):
        await presets.add_all("ann", "lab", [("a", KIND), ("c", {})], replace=True)
    assert [preset.values for preset in await presets.all("ann", "lab")] == [{}, {}]
    await presets.put("ann", "lab", "b", KIND)
    await presets.create("ann", "magic", "c", {})
