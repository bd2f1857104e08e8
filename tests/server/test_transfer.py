"""Conversations as files, over HTTP."""

from __future__ import annotations

import json

import nbformat
import pytest

from tests.support.identities import NamedIdentity
from tether_jupyter.server.search_forms import ImportedConversation
from tether_jupyter.store.failures import StoreFailed


@pytest.fixture
def jp_server_config(jp_server_config):
    """A server that knows several people; whoever is not named is `somebody`."""
    config = {**jp_server_config}
    config["ServerApp"] = {**config["ServerApp"], "identity_provider_class": NamedIdentity}
    return config


@pytest.fixture
def export(ask):
    async def send(conversation, user="ann", **params):
        headers = {"X-Test-User": user}
        return await ask(
            "conversations", conversation, "export", method="GET", params=params, headers=headers
        )

    return send


@pytest.fixture
def bring(ask):
    async def send(file, user="ann", **headers):
        return await ask("conversations", "import", body=file, headers={"X-Test-User": user, **headers})

    return send


async def listed(ask, user="ann"):
    reply = await ask("conversations", method="GET", headers={"X-Test-User": user})
    return json.loads(reply.body)["conversations"]


async def said(ask, conversation, user="ann"):
    reply = await ask("conversations", conversation, "messages", method="GET", headers={"X-Test-User": user})
    return reply.code, json.loads(reply.body).get("messages")


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("md", "text/markdown; charset=utf-8"),
        ("ipynb", "application/x-ipynb+json"),
        ("json", "application/json"),
    ],
)
async def test_an_export_is_a_download_that_no_browser_opens(ask, export, form, media_type):
    talk = json.loads((await ask("chat", body={"message": "Größe?"}, headers={"X-Test-User": "ann"})).body)
    reply = await export(talk["conversation_id"], format=form)
    assert reply.code == 200
    assert reply.headers["Content-Type"] == media_type
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="Gr__e.')
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe" in reply.headers["Content-Disposition"]


async def test_a_branch_is_chosen_by_its_last_message(ask, export):
    headers = {"X-Test-User": "ann"}
    first = json.loads((await ask("chat", body={"message": "one"}, headers=headers)).body)
    id = first["conversation_id"]
    await ask("chat", body={"message": "two", "conversation_id": id}, headers=headers)
    whole, short = await export(id), await export(id, message=first["id"])
    assert "> two" in whole.body.decode()
    assert "> two" not in short.body.decode()
    assert (await export(id, message="m_none")).code == 404
    assert (await export(id, format="json", message="m_none")).code == 404
    assert (await export(id, format="exe")).code == 400
    cells = nbformat.reads((await export(id, format="ipynb")).body.decode(), as_version=4).cells
    assert [c.source for c in cells if c.source.startswith(">")] == ["> one", "> two"]


async def test_an_export_changes_nothing(ask, export):
    talk = json.loads((await ask("chat", body={"message": "one"}, headers={"X-Test-User": "ann"})).body)
    before = await listed(ask), await said(ask, talk["conversation_id"])
    for form in ("md", "ipynb", "json"):
        await export(talk["conversation_id"], format=form)
    assert (await listed(ask), await said(ask, talk["conversation_id"])) == before


async def test_nobody_exports_what_another_has_said(ask, export):
    talk = json.loads((await ask("chat", body={"message": "mine"}, headers={"X-Test-User": "ann"})).body)
    for form in ("md", "ipynb", "json"):
        refused = await export(talk["conversation_id"], "ben", format=form, message=talk["id"])
        never = await export("c_never", "ben", format=form, message=talk["id"])
        assert (refused.code, refused.body) == (404, never.body)


async def test_an_exported_conversation_is_the_importers_own(ask, export, bring):
    talk = json.loads((await ask("chat", body={"message": "mine"}, headers={"X-Test-User": "ann"})).body)
    file = json.loads((await export(talk["conversation_id"], format="json")).body)
    reply = await bring(file, "ben")
    assert reply.code == 201
    made = json.loads(reply.body)
    ImportedConversation.model_validate(made)
    id = made["conversation"]["id"]
    assert id != talk["conversation_id"]
    assert (await said(ask, id))[0] == 404
    theirs, mine = (await said(ask, id, "ben"))[1], (await said(ask, talk["conversation_id"]))[1]
    assert [m["content"] for m in theirs] == [m["content"] for m in mine]
    assert not {m["id"] for m in theirs} & {m["id"] for m in mine}
    assert theirs[1]["parent_id"] == theirs[0]["id"]
    again = json.loads((await export(id, "ben", format="json")).body)
    for one in (file, again):
        for each in one["messages"]:
            del each["id"], each["parent_id"]
    assert again["messages"] == file["messages"]
    found = await ask(
        "conversations", "search", method="GET", params={"q": "mine"}, headers={"X-Test-User": "ben"}
    )
    assert {hit["conversation"]["id"] for hit in json.loads(found.body)["results"]} == {id}


async def test_a_file_does_not_say_how_much_is_seen_of_notebooks_here(ask, export, bring):
    talk = json.loads((await ask("chat", body={"message": "mine"}, headers={"X-Test-User": "ann"})).body)
    file = json.loads((await export(talk["conversation_id"], format="json")).body)
    file["conversation"]["metadata"] = {"see": {"level": "values", "cells": "all"}, "note": "kept"}
    made = json.loads((await bring(file, "ben")).body)["conversation"]
    assert made["metadata"] == {"note": "kept"}


async def test_an_imported_conversation_goes_on(ask, export, bring):
    talk = json.loads((await ask("chat", body={"message": "mine"}, headers={"X-Test-User": "ann"})).body)
    file = json.loads((await export(talk["conversation_id"], format="json")).body)
    id = json.loads((await bring(file, "ben")).body)["conversation"]["id"]
    body = {"message": "and now?", "conversation_id": id}
    assert (await ask("chat", body=body, headers={"X-Test-User": "ben"})).code == 200
    assert len((await said(ask, id, "ben"))[1]) == 4
    assert len((await said(ask, talk["conversation_id"]))[1]) == 2


async def test_a_file_can_name_nobody_elses_attachment(ask, export, bring, services):
    talk = json.loads((await ask("chat", body={"message": "mine"}, headers={"X-Test-User": "ann"})).body)
    file = json.loads((await export(talk["conversation_id"], format="json")).body)
    file["messages"][0]["attachments"] = ["u_of_ann", "u_of_ben"]

    def uploads(connection):
        from tether_jupyter.core.history import now
        from tether_jupyter.store.tables import uploads as table

        facts = {
            "name": "n",
            "media_type": "text/plain",
            "size": 1,
            "sha256": "0",
            "created_at": now(),
            "data": {},
        }
        for owner in ("ann", "ben"):
            connection.execute(table.insert().values(owner=owner, id=f"u_of_{owner}", **facts))

    await services.database.write(uploads)
    made = json.loads((await bring(file, "ben")).body)
    assert made["missing_attachments"] == 1
    messages = (await said(ask, made["conversation"]["id"], "ben"))[1]
    assert messages[0]["attachments"] == ["u_of_ben"]


FILE = {
    "format": "tether-conversation",
    "version": 1,
    "conversation": {"title": "T"},
    "messages": [{"id": "1", "role": "user", "content": "hello"}],
}


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"format": "chat"}, 400, "not a conversation of Tether"),
        ({"version": 9}, 400, "newer version"),
        ({"messages": [{"id": "1"}]}, 400, "`messages.0.role`"),
        ({"messages": [{"id": "1", "role": "user", "content": "x"}] * 2}, 400, "same `id`"),
        ({"messages": [{"id": "1", "role": "user", "content": "x"}] * 10_001}, 413, "10,001"),
    ],
)
async def test_a_wrong_file_is_refused_and_nothing_of_it_is_kept(ask, bring, change, status, said):
    reply = await bring({**FILE, **change})
    assert reply.code == status
    assert said in json.loads(reply.body)["error"]["message"]
    assert await listed(ask) == []


async def test_a_file_that_is_no_json_or_comes_from_a_form_is_refused(ask, jp_fetch, bring):
    assert (await bring(FILE)).code == 201
    with pytest.raises(Exception, match="400"):
        await jp_fetch("tether", "conversations", "import", method="POST", body="# Markdown")


async def test_a_failure_half_way_keeps_nothing(ask, bring, services, monkeypatch):
    from tether_jupyter.store import rows

    once = rows.columns
    count = []

    def break_off(*arguments):
        count.append(1)
        if len(count) > 700:
            raise StoreFailed(cause="full")
        return once(*arguments)

    monkeypatch.setattr(rows, "columns", break_off)
    many = [
        {"id": str(n), "role": "user", "content": "x", "parent_id": str(n - 1) if n else None}
        for n in range(900)
    ]
    reply = await bring({**FILE, "messages": many})
    assert reply.code >= 500
    monkeypatch.undo()
    assert await listed(ask) == []
    assert json.loads((await bring({**FILE, "messages": many})).body)["conversation"]["message_count"] == 900


class TestInMemory:
    """A server that keeps nothing takes files as well."""

    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "mock", "keep_history": False}}

    async def test_a_file_is_taken_there_too(self, ask, bring, export):
        made = json.loads((await bring(FILE)).body)["conversation"]
        assert (await said(ask, made["id"]))[1][0]["content"] == "hello"
        assert (await export(made["id"], format="md")).body == b"# T\n\n> hello\n"
