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


@pytest.mark.parametrize(
    "by",
    [
        {"method": "DELETE"},
        {"method": "PATCH", "body": {"deleted": True}},
        {"method": "PATCH", "body": {"deleted": True, "metadata": {"tag": 1}}},
    ],
)
async def test_its_answer_is_stopped_and_does_not_come_back(ask, stream, by):
    meta, rest = await begun(stream({"message": "why?", "background": True}))
    reply = await ask("messages", meta["parent_id"], **by)
    assert (reply.code, json.loads(reply.body)["metadata"]) == (200, by.get("body", {}).get("metadata", {}))
    # Whoever reads it is told that it ended, and does not wait for the rest.
    assert [event async for event in rest][-1] == {"done": True, "finish_reason": "cancelled"}
    assert await said(ask, meta["conversation_id"]) == []
    writing = json.loads((await ask("conversations", method="GET")).body).get("writing", [])
    assert writing == []
    # Had back, it is what there was when it was taken away.
    await ask("messages", meta["parent_id"], body={"deleted": False}, method="PATCH")
    assert await said(ask, meta["conversation_id"]) == [("user", "why?"), ("assistant", "Because")]


@pytest.mark.parametrize("by", [{"method": "DELETE"}, {"method": "PATCH", "body": {"deleted": True}}])
async def test_its_answer_is_stopped_with_the_whole_conversation(ask, stream, by):
    meta, rest = await begun(stream({"message": "why?", "background": True}))
    reply = await ask("conversations", meta["conversation_id"], **by)
    assert json.loads(reply.body)["deleted_at"]
    assert [event async for event in rest][-1] == {"done": True, "finish_reason": "cancelled"}


async def test_an_answer_goes_on_when_its_conversation_could_not_be_taken_away(ask, stream):
    meta, _ = await begun(stream({"message": "why?", "background": True}))
    refused = await ask(
        "conversations",
        meta["conversation_id"],
        method="PATCH",
        body={"deleted": True, "project_id": "p_none"},
    )
    assert refused.code == 404
    reply = await ask("generations", meta["id"], method="GET")
    assert json.loads(reply.body)["status"] == "running"
    await ask("generations", meta["id"], method="DELETE")


class TestInMemory:
    """A server that keeps nothing on a disk."""

    @pytest.fixture
    def tether_config(self, tether_config):
        return {**tether_config, "Tether": {"backend": "mock", "keep_history": False}}

    async def test_what_is_noted_as_it_goes_is_there_when_it_comes_back(self, ask, stream):
        meta, rest = await begun(stream({"message": "why?", "background": True}))
        body = {"deleted": True, "metadata": {"tag": 1}}
        assert (await ask("messages", meta["parent_id"], body=body, method="PATCH")).code == 200
        assert [event async for event in rest][-1] == {"done": True, "finish_reason": "cancelled"}
        reply = await ask("messages", meta["parent_id"], body={"deleted": False}, method="PATCH")
        assert json.loads(reply.body)["metadata"] == {"tag": 1}


async def test_an_answer_elsewhere_goes_on(ask, stream):
    taken, _ = await begun(stream({"message": "why?", "background": True}))
    other = stream({"message": "and this?", "background": True})
    kept, rest = await begun(other)
    await ask("messages", taken["parent_id"], method="DELETE")
    reply = await ask("generations", kept["id"], method="GET")
    assert json.loads(reply.body)["status"] == "running"
    assert (await ask("generations", kept["id"], method="DELETE")).code == 200
    assert [event async for event in rest][-1]["finish_reason"] == "cancelled"
