"""Quick prompts, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tether_jupyter.errors import Conflict, InvalidRequest, NotFound
from tether_jupyter.store import suggestions as module
from tether_jupyter.store.database import Database
from tether_jupyter.store.suggestions import BUILTIN, Suggestions


@pytest.fixture
def suggestions(database: Database) -> Suggestions:
    return Suggestions(database)


async def titles(suggestions, owner="ann", **given):
    return [each.title for each in await suggestions.all(owner, **given)]


async def test_some_come_with_tether(suggestions):
    found = await suggestions.all("ann")
    assert [each.id for each in found] == list(BUILTIN)
    assert all(each.builtin and each.title and each.prompt for each in found)


async def test_ones_own_come_first_in_the_order_in_which_they_were_made(suggestions):
    for title in ("one", "two", "three"):
        await suggestions.add("ann", title, f"say {title}")
    first = await suggestions.add("ann", "first", "say first", 0)
    assert first.id.startswith("s_")
    assert (await titles(suggestions))[3] == "three"
    assert set((await titles(suggestions))[:2]) == {"one", "first"}
    assert len(await titles(suggestions)) == 4 + len(BUILTIN)


async def test_one_gets_new_words_and_another_place(suggestions):
    one = await suggestions.add("ann", "one", "say one")
    await suggestions.add("ann", "two", "say two")
    changed = await suggestions.change("ann", one.id, "uno", "di uno", 7)
    assert (changed.id, changed.title, changed.prompt, changed.position) == (one.id, "uno", "di uno", 7)
    assert (await titles(suggestions))[:2] == ["two", "uno"]
    assert (await suggestions.change("ann", one.id, "eins", "sag eins")).position == 7


async def test_one_is_deleted_once(suggestions):
    one = await suggestions.add("ann", "one", "say one")
    assert await suggestions.delete("ann", one.id) is True
    with pytest.raises(NotFound):
        await suggestions.delete("ann", one.id)


async def test_what_comes_with_tether_is_hidden_and_shown_again_and_never_changed(suggestions):
    id = next(iter(BUILTIN))
    assert await suggestions.delete("ann", id) is False
    assert (await suggestions.hide("ann", id, hidden=True)).hidden
    assert id not in [each.id for each in await suggestions.all("ann")]
    hidden = {each.id: each.hidden for each in await suggestions.all("ann", hidden=True)}
    assert hidden[id] is True
    assert sum(hidden.values()) == 1
    assert id in [each.id for each in await suggestions.all("ben")]
    with pytest.raises(InvalidRequest, match="hide it"):
        await suggestions.change("ann", id, "x", "y")
    assert await suggestions.hide("ann", id, hidden=False) == BUILTIN[id]
    assert [each.id for each in await suggestions.all("ann")] == list(BUILTIN)


async def test_ones_own_is_deleted_not_hidden(suggestions):
    one = await suggestions.add("ann", "one", "say one")
    with pytest.raises(InvalidRequest, match="Delete"):
        await suggestions.hide("ann", one.id, hidden=True)


async def test_a_suggestion_of_ann_is_nobody_elses(suggestions):
    one = await suggestions.add("ann", "one", "say one")
    for doing in (
        suggestions.change("ben", one.id, "x", "y"),
        suggestions.delete("ben", one.id),
        suggestions.hide("ben", one.id, hidden=True),
    ):
        with pytest.raises(NotFound):
            await doing
    assert await titles(suggestions, "ben") == [each.title for each in BUILTIN.values()]
    assert (await suggestions.all("ann"))[0] == one


async def test_there_is_an_end_to_how_many_there_are(suggestions, monkeypatch):
    monkeypatch.setattr(module, "MAX_SUGGESTIONS", 5)
    for id in BUILTIN:
        await suggestions.hide("ann", id, hidden=True)
    results = await asyncio.gather(
        *(suggestions.add("ann", f"t{n}", "p") for n in range(10)), return_exceptions=True
    )
    assert [type(each) for each in results].count(Conflict) == 5
    assert len(await suggestions.all("ann")) == 5


async def test_all_at_once_are_all_kept(suggestions):
    await asyncio.gather(
        *(suggestions.add("ann", f"t{n}", "p") for n in range(30)),
        *(suggestions.hide("ann", id, hidden=True) for id in BUILTIN for _ in range(5)),
    )
    found = await suggestions.all("ann")
    assert len(found) == 30
    assert sorted(each.position for each in found) == list(range(30))
