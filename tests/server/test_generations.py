"""Coming back to a turn that was left."""

import json

import pytest

from tether_jupyter.core import events


@pytest.fixture
def turn(stream, mock):
    """Return the id of a background turn that has ended, and how many events it had."""

    async def ask():
        mock.script = [events.delta("a"), events.done("stop")]
        found = [event async for event in stream({"message": "hi", "background": True}).events()]
        return found[0]["meta"]["id"]

    return ask


async def rejoin(ask, id, after=None, seen=None):
    """Return the answer and the events in it, as an `EventSource` reads them."""
    headers = {"Last-Event-ID": seen} if seen is not None else {}
    params = {"after": after} if after is not None else {}
    reply = await ask("generations", id, "events", method="GET", headers=headers, params=params)
    lines = (reply.body or b"").decode().splitlines()
    return reply, [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


async def count(ask, id):
    """Return how many events a turn has."""
    reply = await ask("generations", id, "events", method="GET", headers={"Accept": "application/x-ndjson"})
    return len(reply.body.splitlines())


async def test_an_event_source_goes_on_where_it_lost_the_connection(ask, turn):
    id = await turn()
    _, whole = await rejoin(ask, id, after="0")
    _, rest = await rejoin(ask, id, after="0", seen="1")
    assert rest == whole[1:]


async def test_an_event_source_that_has_all_is_told_not_to_come_again(ask, turn):
    id = await turn()
    last = str(await count(ask, id))
    reply, _ = await rejoin(ask, id, after="0", seen=last)
    assert reply.code == 204


@pytest.mark.parametrize("seen", ["", "m_1", "-1", "٣", "1e1", "9" * 10])
async def test_a_number_that_is_none_leaves_the_address_its_word(ask, turn, seen):
    id = await turn()
    _, whole = await rejoin(ask, id, after="0")
    reply, found = await rejoin(ask, id, after="0", seen=seen.encode().decode("latin-1"))
    assert (reply.code, found) == (200, whole)


async def test_a_number_that_is_none_and_no_other_is_refused(ask, turn):
    reply, _ = await rejoin(ask, await turn(), seen="m_1")
    assert reply.code == 400
