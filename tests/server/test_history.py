"""Conversations, messages and projects over HTTP, and turns that outlive their readers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from tests.support.identities import NamedIdentity
from tether_jupyter.core import events


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    """A server that knows several people; whoever is not named is `somebody`."""
    config = {**jp_server_config}
    config["ServerApp"] = {**config["ServerApp"], "identity_provider_class": NamedIdentity}
    return config


def content(reply: Any) -> Any:
    return json.loads(reply.body)


def as_ben(**more: Any) -> dict[str, Any]:
    return {"headers": {"X-Test-User": "ben"}, **more}


async def test_a_conversation_is_renamed_pinned_and_kept_with_notes(ask):
    made = content(await ask("conversations", body={"title": "Plans", "metadata": {"a": 1}}))
    change = {"title": "Plans for May", "pinned": True, "metadata": {"b": 2}}
    found = content(await ask("conversations", made["id"], method="PATCH", body=change))
    assert (found["title"], found["pinned"], found["metadata"]) == ("Plans for May", True, {"b": 2})
    assert content(await ask("conversations", made["id"], method="GET")) == found


async def test_what_was_said_comes_along_on_request(ask):
    answer = content(await ask("chat", body={"message": "one", "notebook": "a.ipynb"}))
    where = ("conversations", answer["conversation_id"])
    said = content(await ask(*where, "messages", method="GET"))["messages"]
    assert [each["role"] for each in said] == ["user", "assistant"]
    whole = content(await ask(*where, method="GET", params={"messages": "true"}))
    assert whole == {**content(await ask(*where, method="GET")), "messages": said}
    query = {"notebook": "a.ipynb", "limit": "1", "messages": "true"}
    listed = content(await ask("conversations", method="GET", params=query))
    assert (listed["conversations"][0]["id"], listed["messages"]) == (answer["conversation_id"], said)
    nothing = content(await ask("conversations", method="GET", params={**query, "notebook": "b.ipynb"}))
    assert (nothing["conversations"], nothing["messages"]) == ([], [])
    refused = await ask(*where, method="GET", params={"messages": "some"})
    assert (refused.code, "`messages` is `true` or" in content(refused)["error"]["message"]) == (400, True)


async def test_a_deleted_conversation_can_be_restored(ask):
    answer = content(await ask("chat", body={"message": "one"}))
    where = ("conversations", answer["conversation_id"])
    assert content(await ask(*where, method="DELETE"))["deleted_at"]
    assert content(await ask("conversations", method="GET"))["conversations"] == []
    refused = await ask("chat", body={"message": "two", "conversation_id": answer["conversation_id"]})
    assert (refused.code, "Restore it" in content(refused)["error"]["message"]) == (404, True)
    gone = content(await ask("conversations", method="GET", params={"deleted": "true"}))
    assert [c["id"] for c in gone["conversations"]] == [answer["conversation_id"]]
    assert content(await ask(*where, method="PATCH", body={"deleted": False}))["deleted_at"] is None
    assert len(content(await ask("conversations", method="GET"))["conversations"]) == 1


async def test_a_reaction_is_kept_and_taken_back(ask):
    answer = content(await ask("chat", body={"message": "one"}))
    for wanted in ("thumbs_up", "thumbs_down", None):
        reply = content(await ask("messages", answer["id"], method="PATCH", body={"reaction": wanted}))
        assert reply["reaction"] == wanted
    refused = await ask("messages", answer["id"], method="PATCH", body={"reaction": "love"})
    assert refused.code == 400


async def test_an_answer_is_made_again_in_a_branch(ask, mock):
    mock.answer = "first"
    one = content(await ask("chat", body={"message": "hello"}))
    mock.answer = "second"
    body = {"regenerate": one["id"], "conversation_id": one["conversation_id"]}
    two = content(await ask("chat", body=body))
    stored = content(await ask("conversations", one["conversation_id"], "messages", method="GET"))["messages"]
    assert [(m["role"], m["content"]) for m in stored] == [
        ("user", "hello"),
        ("assistant", "first"),
        ("assistant", "second"),
    ]
    assert stored[1]["parent_id"] == stored[2]["parent_id"] == stored[0]["id"]
    assert two["id"] == stored[2]["id"]


@pytest.mark.parametrize("missing", [{"conversation_id": None}, {"message": "x"}, {"store": False}])
async def test_making_an_answer_again_says_what_it_needs(ask, missing):
    body = {"regenerate": "m_1", "conversation_id": "mine", **missing}
    reply = await ask("chat", body={name: value for name, value in body.items() if value is not None})
    assert reply.code == 400
    assert "regenerate" in content(reply)["error"]["message"]


async def test_a_project_holds_conversations_and_leaves_them_when_it_is_deleted(ask):
    project = content(await ask("projects", body={"name": " Sales ", "description": "of 2026"}))
    assert project["name"] == "Sales"
    made = content(await ask("conversations", body={"project_id": project["id"]}))
    params = {"project_id": project["id"]}
    found = content(await ask("conversations", method="GET", params=params))["conversations"]
    assert [c["id"] for c in found] == [made["id"]]
    await ask("projects", project["id"], method="DELETE")
    assert content(await ask("projects", method="GET"))["projects"] == []
    assert content(await ask("conversations", made["id"], method="GET"))["id"] == made["id"]
    restored = content(await ask("projects", project["id"], method="PATCH", body={"deleted": False}))
    assert restored["deleted_at"] is None
    assert len(content(await ask("projects", method="GET"))["projects"]) == 1


async def test_conversations_come_in_pages_that_miss_none(ask):
    made = [content(await ask("conversations", body={"title": f"Number {n}"}))["id"] for n in range(5)]
    found, offset = [], 0
    while offset is not None:
        params = {"limit": "2", "offset": str(offset)}
        page = content(await ask("conversations", method="GET", params=params))
        found += [c["id"] for c in page["conversations"]]
        offset = page["next"]
    assert sorted(found) == sorted(made)
    for wrong in ("-1", "x", "9999999"):
        assert (await ask("conversations", method="GET", params={"offset": wrong})).code == 400


async def test_a_project_that_is_not_there_takes_no_conversation(ask):
    assert (await ask("conversations", body={"project_id": "p_none"})).code == 404
    made = content(await ask("conversations"))
    reply = await ask("conversations", made["id"], method="PATCH", body={"project_id": "p_none"})
    assert reply.code == 404


async def test_nothing_of_one_person_is_there_for_another(ask, stream):
    answer = content(await ask("chat", body={"message": "secret", "notebook": "n.ipynb", "background": True}))
    project = content(await ask("projects", body={"name": "mine"}))
    conversation = answer["conversation_id"]
    for method, path, body in [
        ("GET", ("conversations", conversation), None),
        ("GET", ("conversations", conversation, "messages"), None),
        ("PATCH", ("conversations", conversation), {"title": "x"}),
        ("DELETE", ("conversations", conversation), None),
        ("PATCH", ("messages", answer["id"]), {"reaction": "thumbs_up"}),
        ("DELETE", ("messages", answer["id"]), None),
        ("GET", ("generations", answer["id"]), None),
        ("GET", ("generations", answer["id"], "events"), None),
        ("DELETE", ("generations", answer["id"]), None),
        ("GET", ("projects", project["id"]), None),
        ("PATCH", ("projects", project["id"]), {"name": "x"}),
        ("DELETE", ("projects", project["id"]), None),
        ("POST", ("chat",), {"message": "x", "conversation_id": conversation}),
        ("POST", ("chat",), {"regenerate": answer["id"], "conversation_id": conversation}),
        ("POST", ("conversations",), {"project_id": project["id"]}),
    ]:
        assert (await ask(*path, method=method, **as_ben(body=body))).code == 404, (method, path)
    stopped = await ask("stop", conversation, **as_ben())
    assert content(stopped)["stopped"] == 0
    own = content(await ask("conversations", method="GET", **as_ben(params={"notebook": "n.ipynb"})))
    assert own["conversations"] == []
    kept = content(await ask("conversations", conversation, "messages", method="GET"))["messages"]
    assert kept[0]["content"] == "secret"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (("conversations",), {"colour": 1}, "Unknown field `colour`"),
        (("conversations",), {"title": "x" * 301}, "`title`"),
        (("conversations",), {"metadata": {"x": "y" * 70_000}}, "64 KB"),
        (("conversations",), {"metadata": {"see": {"names": 5}}}, "`see` in it cannot be followed: `names`"),
        (("conversations",), {"metadata": {"see": "all"}}, "`see` in it cannot be followed"),
        (("conversations",), {"notebook": "x\x00.ipynb"}, "`notebook`: it holds a NUL character"),
        (("conversations",), {"notebook": "é" * 1500}, "`notebook`: a path has at most 2048 bytes"),
        (("chat",), {"message": "x", "notebook": "x\x00.ipynb"}, "`notebook`: it holds a NUL character"),
        (("chat",), {"message": "x", "model": "mock:a\x00"}, "`model`: it holds a NUL character"),
        (("projects",), {}, "`name`"),
        (("projects",), {"name": "  "}, "`name`"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name(ask, path, body, said):
    reply = await ask(*path, body=body)
    assert reply.code == 400
    assert said in content(reply)["error"]["message"]


async def test_a_number_that_no_json_can_hold_is_refused(ask, jp_fetch):
    made = content(await ask("conversations", body={"metadata": {"a": 1e300}}))
    where, headers = ("tether", "conversations", made["id"]), {"Content-Type": "application/json"}
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(*where, method="PATCH", body='{"metadata": {"a": 1e999}}', headers=headers)
    assert refused.value.code == 400
    assert "too large" in content(refused.value.response)["error"]["message"]
    assert content(await ask("conversations", made["id"], method="GET"))["metadata"] == {"a": 1e300}


async def test_a_list_with_a_row_from_before_numbers_were_looked_at_can_be_read(ask, services):
    made = content(await ask("conversations"))
    await services.history.change("somebody", made["id"], data={"a": float("inf")})
    reply = await ask("conversations", method="GET")
    assert b"Infinity" not in reply.body
    assert [c["metadata"] for c in content(reply)["conversations"]] == [{"a": None}]


async def test_a_title_that_is_taken_away_is_made_from_the_first_question_again(ask):
    first = content(await ask("chat", body={"message": "why is the total wrong?"}))
    where = ("conversations", first["conversation_id"])
    await ask(*where, method="PATCH", body={"title": "Plans"})
    assert (
        content(await ask(*where, method="PATCH", body={"title": ""}))["title"] == "why is the total wrong?"
    )
    await ask("chat", body={"message": "and now?", "conversation_id": first["conversation_id"]})
    assert content(await ask(*where, method="GET"))["title"] == "why is the total wrong?"


async def test_what_was_said_is_there_after_a_restart(ask, jp_serverapp, services):
    from tether_jupyter.services import Services

    answer = content(await ask("chat", body={"message": "one", "notebook": "n.ipynb"}))
    again = Services(services.settings)
    try:
        found = await again.history.of_notebook("somebody", "n.ipynb")
        assert found is not None
        assert found.id == answer["conversation_id"]
        texts = [m.content for m in await again.history.messages("somebody", found.id)]
        assert texts == ["one", answer["content"]]
    finally:
        await again.close()


async def test_a_notebook_that_is_renamed_in_jupyter_keeps_its_conversation(
    ask, jp_fetch, jp_create_notebook
):
    jp_create_notebook("old.ipynb")
    answer = content(await ask("chat", body={"message": "one", "notebook": "old.ipynb"}))
    moved = json.dumps({"path": "new.ipynb"})
    await jp_fetch("api", "contents", "old.ipynb", method="PATCH", body=moved)
    found = content(await ask("conversations", method="GET", params={"notebook": "new.ipynb"}))
    assert [c["id"] for c in found["conversations"]] == [answer["conversation_id"]]


async def test_a_rename_is_nothing_to_those_who_work_on_other_servers(
    ask, jp_fetch, jp_create_notebook, services
):
    jp_create_notebook("old.ipynb")
    await ask("chat", body={"message": "one", "notebook": "old.ipynb"})
    # Another person's, on a hub: of the same path, the same root and the same database.
    elsewhere = await services.history.create("ben", notebook="old.ipynb")
    await jp_fetch("api", "contents", "old.ipynb", method="PATCH", body=json.dumps({"path": "new.ipynb"}))
    params = {"notebook": "new.ipynb"}
    assert content(await ask("conversations", method="GET", params=params))["conversations"]
    assert (await services.history.get("ben", elsewhere.id)).notebook == "old.ipynb"


async def test_all_who_asked_on_a_server_follow_what_one_of_them_renames(ask, jp_fetch, jp_create_notebook):
    jp_create_notebook("old.ipynb")
    answer = content(await ask("chat", **as_ben(body={"message": "one", "notebook": "old.ipynb"})))
    await jp_fetch("api", "contents", "old.ipynb", method="PATCH", body=json.dumps({"path": "new.ipynb"}))
    found = await ask("conversations", method="GET", **as_ben(params={"notebook": "new.ipynb"}))
    assert [c["id"] for c in content(found)["conversations"]] == [answer["conversation_id"]]


async def test_a_new_notebook_does_not_go_on_with_the_talk_of_a_deleted_one(
    ask, jp_fetch, jp_create_notebook, services
):
    jp_create_notebook("Untitled.ipynb")
    first = content(await ask("chat", body={"message": "one", "notebook": "Untitled.ipynb"}))
    # After a restart nobody has asked yet.
    services._owners.clear()
    await jp_fetch("api", "contents", "Untitled.ipynb", method="DELETE")
    jp_create_notebook("Untitled.ipynb")
    second = content(await ask("chat", body={"message": "two", "notebook": "Untitled.ipynb"}))
    assert second["conversation_id"] != first["conversation_id"]
    listed = content(await ask("conversations", method="GET"))["conversations"]
    assert [(c["id"], c["notebook"]) for c in listed] == [
        (second["conversation_id"], "Untitled.ipynb"),
        (first["conversation_id"], None),
    ]


async def test_a_notebook_written_where_another_was_does_not_take_its_talk_from_it(
    ask, jp_create_notebook, jp_root_dir
):
    jp_create_notebook("a.ipynb")
    first = content(await ask("chat", body={"message": "one", "notebook": "a.ipynb"}))
    (jp_root_dir / "a.ipynb").rename(jp_root_dir / "b.ipynb")
    jp_create_notebook("a.ipynb")
    other = content(await ask("chat", body={"message": "two", "notebook": "b.ipynb"}))
    again = content(await ask("chat", body={"message": "three", "notebook": "a.ipynb"}))
    assert other["conversation_id"] != first["conversation_id"] == again["conversation_id"]


async def test_a_server_that_is_started_in_another_folder_has_conversations_of_its_own(
    ask, services, tmp_path
):
    from tether_jupyter.services import Services

    asked = content(await ask("chat", body={"message": "one", "notebook": "n.ipynb"}))
    for root, found in ((services.root, [asked["conversation_id"]]), (str(tmp_path / "other"), [])):
        again = Services(services.settings, root=root)
        listed = await again.history.conversations("somebody", notebook="n.ipynb")
        await again.close()
        assert [c.id for c in listed] == found


async def test_a_notebook_that_is_renamed_behind_jupyters_back_keeps_its_conversation(
    ask, jp_create_notebook, jp_root_dir
):
    jp_create_notebook("old.ipynb")
    first = content(await ask("chat", body={"message": "one", "notebook": "old.ipynb"}))
    (jp_root_dir / "old.ipynb").rename(jp_root_dir / "moved.ipynb")
    second = content(await ask("chat", body={"message": "two", "notebook": "moved.ipynb"}))
    assert second["conversation_id"] == first["conversation_id"]


class Gate:
    """A model that says one word, waits to be let go on, and says another."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()

    async def stream(self, prompt: Any, sampling: Any) -> Any:
        try:
            yield events.delta("one ")
            await self.opened.wait()
            yield events.delta("two")
        finally:
            self.closed.set()


@pytest.fixture
def gate(mock, monkeypatch) -> Gate:
    found = Gate()
    monkeypatch.setattr(mock, "stream", found.stream)
    return found


async def read(reader: Any, until: Any) -> list[dict[str, Any]]:
    found = []
    async for event in reader.events():
        found.append(event)
        if until(event):
            break
    return found


async def test_a_background_turn_goes_on_without_its_reader_and_is_joined_without_a_gap(
    ask, stream, gate, services, http_server_client, jp_base_url, jp_auth_header
):
    reader = stream({"message": "go", "background": True})
    meta = (await read(reader, lambda event: "delta" in event))[0]["meta"]
    running = services.generations.running("somebody", meta["id"])
    assert running is not None
    running.leave()
    stored = content(await ask("conversations", meta["conversation_id"], "messages", method="GET"))
    assert [m["status"] for m in stored["messages"]] == ["complete", "running"]
    joined = asyncio.ensure_future(
        http_server_client.fetch(
            f"{jp_base_url}tether/generations/{meta['id']}/events?after=1",
            headers={"Accept": "application/x-ndjson", **jp_auth_header},
        )
    )
    gate.opened.set()
    lines = [json.loads(line) for line in (await joined).body.decode().splitlines()]
    assert "".join(line.get("delta", "") for line in lines) == "one two"
    assert lines[-1] == {"done": True, "finish_reason": "stop"}
    again = await ask("generations", meta["id"], "events", method="GET", params={"after": "2"})
    assert '"two"' in again.body.decode()
    assert '"one "' not in again.body.decode()
    told = again.body.decode().count("data:") + 2
    over = await ask("generations", meta["id"], "events", method="GET", params={"after": str(told)})
    assert (over.code, over.body) == (204, b""), "an EventSource would ask again for ever"
    beyond = await ask("generations", meta["id"], "events", method="GET", params={"after": str(told + 1)})
    assert beyond.code == 400
    stored = content(await ask("conversations", meta["conversation_id"], "messages", method="GET"))
    assert [(m["status"], m["content"]) for m in stored["messages"]][1] == ("complete", "one two")
    await reader.response


async def test_a_turn_whose_reader_leaves_ends_and_keeps_what_was_said(ask, stream, gate, services):
    reader = stream({"message": "go"})
    meta = (await read(reader, lambda event: "delta" in event))[0]["meta"]
    services.generations.running("somebody", meta["id"]).leave()
    await gate.closed.wait()
    await reader.response
    stored = content(await ask("conversations", meta["conversation_id"], "messages", method="GET"))
    last = stored["messages"][-1]
    assert (last["content"], last["status"], last["finish_reason"]) == ("one ", "complete", "cancelled")


async def test_the_list_says_in_which_conversation_an_answer_is_being_written(ask, stream, gate):
    reader = stream({"message": "go", "background": True})
    meta = (await read(reader, lambda event: "delta" in event))[0]["meta"]
    listed = content(await ask("conversations", method="GET"))
    assert listed["writing"] == [meta["conversation_id"]]
    assert content(await ask("conversations", method="GET", **as_ben()))["writing"] == []
    gate.opened.set()
    await reader.response
    assert content(await ask("conversations", method="GET"))["writing"] == []


async def test_a_background_turn_can_be_stopped(ask, stream, gate):
    reader = stream({"message": "go", "background": True})
    meta = (await read(reader, lambda event: "delta" in event))[0]["meta"]
    assert content(await ask("stop", meta["conversation_id"]))["stopped"] == 1
    await reader.response
    assert content(await ask("generations", meta["id"], method="GET"))["status"] == "cancelled"


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "99999999999"])
async def test_a_place_in_a_turn_is_a_number(ask, after):
    reply = await ask("generations", "m_1", "events", method="GET", params={"after": after})
    assert reply.code == 400


async def test_text_is_on_the_disk_while_it_is_written(ask, stream, gate, services):
    reader = stream({"message": "go"})
    meta = (await read(reader, lambda event: "delta" in event))[0]["meta"]
    deadline = asyncio.get_running_loop().time() + 5
    text = ""
    while not text and asyncio.get_running_loop().time() < deadline:
        text = (await services.history.messages("somebody", meta["conversation_id"]))[-1].content
    assert text == "one "
    gate.opened.set()
    await reader.response


async def test_a_turn_that_ends_with_its_server_is_interrupted_and_not_stopped(ask, stream, gate, services):
    reader = stream({"message": "go", "background": True})
    meta = (await read(reader, lambda event: "delta" in event))[0]["meta"]
    await services.generations.stop_all()
    await reader.response
    stored = content(await ask("conversations", meta["conversation_id"], "messages", method="GET"))
    assert (stored["messages"][-1]["status"], stored["messages"][-1]["content"]) == ("interrupted", "one ")


async def test_a_change_of_nothing_changes_nothing(ask):
    answer = content(await ask("chat", body={"message": "one"}))
    for path in (("conversations", answer["conversation_id"]), ("messages", answer["id"])):
        reply = await ask(*path, method="PATCH", body={})
        assert reply.code == 200
    assert (await ask("messages", "m_none", method="PATCH", body={})).code == 404


async def test_nobody_previews_what_another_has_said(ask):
    answer = content(
        await ask("chat", body={"message": "the word is falcon"}, headers={"X-Test-User": "ann"})
    )
    asked = {"message": "what is the word?", "conversation_id": answer["conversation_id"]}
    assert "falcon" in (await ask("context", body=asked, headers={"X-Test-User": "ann"})).body.decode()
    refused = await ask("context", body=asked, **as_ben())
    assert (refused.code, "falcon" in refused.body.decode()) == (404, False)


@pytest.mark.parametrize(
    "path", [["conversations"], ["conversations", "search"], ["projects"], ["clients", "c", "llm"]]
)
async def test_looking_makes_no_database(ask, services, path):
    reply = await ask(*path, method="GET", params={"q": "word"} if path[-1] == "search" else {})
    assert reply.code == 200
    assert not services.settings.data_dir.exists() or not [*services.settings.data_dir.glob("history*")]
    await ask("chat", body={"message": "now there is one"})
    assert len(content(await ask("conversations", method="GET"))["conversations"]) == 1
