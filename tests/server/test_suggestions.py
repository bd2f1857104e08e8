"""The doors of suggestions."""

import json

import pytest

from tether_jupyter.store.suggestions import BUILTIN

NEW = {"title": "Rhyme", "prompt": "Say it in rhyme."}


@pytest.fixture
def door(ask):
    """Send a request and return its status and what came back."""

    async def knock(method, *path, body=None, **kwargs):
        reply = await ask("suggestions", *path, method=method, body=body, **kwargs)
        return reply.code, json.loads(reply.body)

    return knock


@pytest.fixture
def delete_with_body(jp_serverapp, http_server_client, jp_base_url, jp_auth_header):
    """Send a DELETE with a body, which the usual helper leaves out."""

    async def knock(body):
        reply = await http_server_client.fetch(
            f"{jp_base_url}tether/suggestions",
            method="DELETE",
            body=json.dumps(body),
            headers={"Content-Type": "application/json", **jp_auth_header},
            allow_nonstandard_methods=True,
            raise_error=False,
        )
        return reply.code, json.loads(reply.body)

    return knock


async def listed(door, **kwargs):
    return (await door("GET", **kwargs))[1]["suggestions"]


async def test_one_is_added_changed_and_removed(door):
    status, made = await door("POST", body=NEW)
    assert (status, made["builtin"], made["hidden"], made["position"]) == (201, False, False, 0)
    assert (await listed(door))[0] == made
    status, changed = await door(
        "PUT", made["id"], body={"title": "Verse", "prompt": "In verse.", "position": 3}
    )
    assert (status, changed) == (200, {**made, "title": "Verse", "prompt": "In verse.", "position": 3})
    assert await door("DELETE", made["id"]) == (200, {"id": made["id"], "deleted": True})
    assert (await door("DELETE", made["id"]))[0] == 404
    assert len(await listed(door)) == len(BUILTIN)


async def test_the_id_may_stand_in_the_body(door, delete_with_body):
    _, made = await door("POST", body=NEW)
    assert (await door("PUT", body={"id": made["id"], "title": "T", "prompt": "P"}))[1]["title"] == "T"
    assert (await door("PUT", body={"title": "T", "prompt": "P"}))[0] == 400
    assert (await door("PUT", made["id"], body={"id": "s_other", "title": "T", "prompt": "P"}))[0] == 400
    assert await delete_with_body({"id": made["id"]}) == (200, {"id": made["id"], "deleted": True})
    assert (await delete_with_body({}))[0] == 400
    assert (await delete_with_body({"id": made["id"]}))[0] == 404


async def test_those_that_come_with_tether_are_hidden_one_by_one(door):
    id = next(iter(BUILTIN))
    assert await door("DELETE", id) == (200, {"id": id, "deleted": False})
    assert id not in [each["id"] for each in await listed(door)]
    everything = await listed(door, params={"hidden": "true"})
    assert [each["id"] for each in everything if each["hidden"]] == [id]
    assert (await door("PUT", id, body={"hidden": False}))[1]["hidden"] is False
    assert id in [each["id"] for each in await listed(door)]
    assert (await door("PUT", id, body={"title": "x", "prompt": "y"}))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": "x"},
        {"prompt": "x"},
        {"title": " ", "prompt": "x"},
        {"title": "x", "prompt": " \n"},
        {"title": "a\nb", "prompt": "x"},
        {"title": "a\x00b", "prompt": "x"},
        {"title": "x", "prompt": "a\x00b"},
        {"title": "x" * 81, "prompt": "x"},
        {"title": "x", "prompt": "x" * 4001},
        {"title": "x", "prompt": "x", "position": -1},
        {"title": "x", "prompt": "x", "position": 1e9},
        {"title": "x", "prompt": "x", "builtin": True},
        {"title": 5, "prompt": "x"},
    ],
    ids=lambda body: str(body)[:50],
)
async def test_what_cannot_be_a_suggestion_is_refused(door, body):
    assert (await door("POST", body=body))[0] == 400
    _, made = await door("POST", body=NEW)
    assert (await door("PUT", made["id"], body=body))[0] == 400
    assert (await listed(door))[0] == made


class TestTwoPeople:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {
            "jpserver_extensions": {"tether_jupyter": True},
            "identity_provider_class": "tests.support.identities.NamedIdentity",
        }
        return {**tether_config, "ServerApp": server}

    async def test_have_suggestions_of_their_own(self, door):
        ann, ben = ({"headers": {"X-Test-User": name}} for name in ("ann", "ben"))
        _, made = await door("POST", body=NEW, **ann)
        assert (await door("PUT", made["id"], body=NEW, **ben))[0] == 404
        assert (await door("PUT", made["id"], body={"hidden": True}, **ben))[0] == 404
        assert (await door("DELETE", made["id"], **ben))[0] == 404
        await door("DELETE", next(iter(BUILTIN)), **ben)
        assert len(await listed(door, **ben)) == len(BUILTIN) - 1
        assert await listed(door, **ann) == [made, *(each.payload() for each in BUILTIN.values())]


async def test_the_answers_are_what_the_document_says(door):
    from tether_jupyter.server import suggestion_forms

    _, found = await door("GET")
    suggestion_forms.SuggestionList.model_validate(found, strict=True)
    assert set(found["suggestions"][0]) == set(suggestion_forms.SuggestionState.model_fields)
