"""Turns over the WebSocket."""

import json

import pytest

from tether_jupyter.core import events


@pytest.fixture
def socket(jp_ws_fetch):
    async def connect():
        return await jp_ws_fetch("tether", "chat", "ws")

    return connect


async def until_end(ws):
    found = []
    while not found or not {"done", "error"} & set(found[-1]):
        found.append(json.loads(await ws.read_message()))
    return found


async def test_a_turn_comes_as_the_same_events_each_with_its_turn(socket):
    ws = await socket()
    await ws.write_message(json.dumps({"chat": {"message": "hi"}}))
    found = await until_end(ws)
    assert [events.kind(e) for e in (found[0], *found[-2:])] == ["meta", "usage", "done"]
    assert {e["turn"] for e in found} == {found[0]["meta"]["id"]}


async def test_stop_ends_one_turn_and_leaves_the_others(socket, mock):
    mock.script = [events.delta("a"), {"sleep": 3600}]
    ws = await socket()
    turns = []
    for _ in range(2):
        await ws.write_message(json.dumps({"chat": {"message": "hi"}}))
    while len(turns) < 2:
        event = json.loads(await ws.read_message())
        # A turn is told of before its model is asked.
        if "delta" in event:
            turns.append(event["turn"])
    await ws.write_message(json.dumps({"stop": turns[0]}))
    ended = (await until_end(ws))[-1]
    assert (ended["turn"], ended["finish_reason"]) == (turns[0], "cancelled")
    assert mock.open == 1


async def test_closing_the_socket_stops_its_turns(socket, services, mock):
    mock.script = [events.delta("a"), {"sleep": 3600}]
    ws = await socket()
    await ws.write_message(json.dumps({"chat": {"message": "hi"}}))
    meta = json.loads(await ws.read_message())
    generation = services.generations.running("owner", meta["turn"])
    ws.close()
    await generation.wait()
    assert mock.open == 0


async def test_a_message_that_fails_leaves_the_other_turns_alone(socket, services, mock, monkeypatch):
    mock.script = [events.delta("a"), {"sleep": 3600}]
    ws = await socket()
    await ws.write_message(json.dumps({"chat": {"message": "hi"}}))
    meta = json.loads(await ws.read_message())

    async def fail(*_):
        raise RuntimeError("canary")

    monkeypatch.setattr(services, "ask", fail)
    await ws.write_message(json.dumps({"chat": {"message": "hi"}}))
    answer = json.loads(await ws.read_message())
    while "error" not in answer:
        answer = json.loads(await ws.read_message())
    assert (answer["error"]["type"], answer["turn"]) == ("internal", None)
    assert "canary" not in json.dumps(answer)
    assert services.generations.running("owner", meta["turn"]) is not None


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "{",
        '{"chat": 1}',
        '{"chat": {"colour": 1, "message": "x"}}',
        '{"stop": "m_0"}',
        '{"approve": {}}',
    ],
)
async def test_a_message_that_starts_no_turn_gets_an_error_without_one(socket, message):
    ws = await socket()
    await ws.write_message(message)
    answer = json.loads(await ws.read_message())
    assert events.kind(answer) == "error"
    assert answer["turn"] is None
