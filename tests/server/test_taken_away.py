"""A question is taken away while another tab is getting its answer."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def tether_config():
    """A model that says one word and then takes its time."""
    script = [
        {"delta": "Because"},
        {"sleep": 30},
        {"delta": " of this."},
        {"done": True, "finish_reason": "stop"},
    ]
    return {"Tether": {"backend": "mock"}, "MockLLM": {"script": script}}


async def begun(answer):
    """Read until the first word is there, and return what the turn says of itself."""
    events = answer.events()
    meta = (await anext(events))["meta"]
    async for event in events:
        if "delta" in event:
            return meta, events
    raise AssertionError("nothing was said")


async def said(ask, conversation):
    reply = await ask("conversations", conversation, "messages", method="GET")
    return [(each["role"], each["content"]) for each in json.loads(reply.body)["messages"]]


async def test_its_answer_is_stopped_and_does_not_come_back(ask, stream):
    meta, rest = await begun(stream({"message": "why?", "background": True}))
    reply = await ask("messages", meta["parent_id"], method="DELETE")
    assert reply.code == 200
    # Whoever reads it is told that it ended, and does not wait for the rest.
    assert [event async for event in rest][-1] == {"done": True, "finish_reason": "cancelled"}
    assert await said(ask, meta["conversation_id"]) == []
    writing = json.loads((await ask("conversations", method="GET")).body).get("writing", [])
    assert writing == []
    # Had back, it is what there was when it was taken away.
    await ask("messages", meta["parent_id"], body={"deleted": False}, method="PATCH")
    assert await said(ask, meta["conversation_id"]) == [("user", "why?"), ("assistant", "Because")]


async def test_an_answer_elsewhere_goes_on(ask, stream):
    taken, _ = await begun(stream({"message": "why?", "background": True}))
    other = stream({"message": "and this?", "background": True})
    kept, rest = await begun(other)
    await ask("messages", taken["parent_id"], method="DELETE")
    reply = await ask("generations", kept["id"], method="GET")
    assert json.loads(reply.body)["status"] == "running"
    assert (await ask("generations", kept["id"], method="DELETE")).code == 200
    assert [event async for event in rest][-1]["finish_reason"] == "cancelled"
