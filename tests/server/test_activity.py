"""A server that writes an answer is at work, whoever reads it: nobody may stop it for being idle."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime

import pytest

from tether_jupyter import services as services_module
from tether_jupyter.core import events

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def beats(services, monkeypatch):
    """Make the server's heart beat fast, and return a queue that has an item for each beat."""
    found = asyncio.Queue()

    async def alive():
        found.put_nowait(None)

    monkeypatch.setattr(services_module, "BEAT_SECONDS", 0.001)
    monkeypatch.setattr(services.history, "alive", alive)
    return found


@pytest.fixture
def is_seen_at_work(jp_web_app, beats):
    """Wait for the next beat, and return whether Jupyter has learnt from it that somebody is served."""

    async def look():
        jp_web_app.settings["api_last_activity"] = LONG_AGO
        while not beats.empty():
            beats.get_nowait()
        async with asyncio.timeout(20):
            for _ in range(2):
                await beats.get()
        return jp_web_app.settings["api_last_activity"] > LONG_AGO

    return look


async def test_a_background_answer_that_nobody_reads(stream, services, mock, is_seen_at_work):
    mock.script = [events.delta("a"), {"sleep": 3600}]
    opened = stream({"message": "hi", "background": True})
    async for event in opened.events():
        if "delta" in event:
            break
    opened.response.cancel()
    assert await is_seen_at_work()
    assert len(services.generations) == 1


async def test_an_answer_over_a_socket(jp_ws_fetch, mock, is_seen_at_work):
    mock.script = [events.delta("a"), {"sleep": 3600}]
    socket = await jp_ws_fetch("tether", "chat", "ws")
    await socket.write_message(json.dumps({"chat": {"message": "hi"}}))
    await mock.asked.wait()
    assert await is_seen_at_work()
    socket.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (["chat"], {"message": "hi"}),
        (["v1", "completions"], {"model": None, "prompt": "def f"}),
        (["v1", "completions"], {"model": None, "prompt": "def f", "stream": True}),
    ],
)
async def test_an_answer_that_comes_as_one(ask, services, mock, monkeypatch, is_seen_at_work, path, body):
    asked = asyncio.Event()

    async def hang(*_, **__):
        asked.set()
        await asyncio.Event().wait()
        yield events.done("stop")

    monkeypatch.setattr(mock, "stream", hang)
    monkeypatch.setattr(mock, "infill", hang)
    asking = asyncio.ensure_future(ask(*path, body=body))
    await asked.wait()
    assert await is_seen_at_work()
    await services.generations.stop_all()
    with contextlib.suppress(Exception):
        await asking


async def test_a_question_over_a_socket_counts_at_once(jp_ws_fetch, jp_web_app, mock):
    socket = await jp_ws_fetch("tether", "chat", "ws")
    jp_web_app.settings["api_last_activity"] = LONG_AGO
    await socket.write_message(json.dumps({"chat": {"message": "hi"}}))
    while "done" not in json.loads(await socket.read_message()):
        pass
    assert jp_web_app.settings["api_last_activity"] > LONG_AGO


async def test_a_server_that_answers_nothing_is_idle(ask, services, jp_web_app, beats):
    await ask("chat", body={"message": "hi"})
    if services._beating is not None:
        await services._beating
    assert services._beating is None
