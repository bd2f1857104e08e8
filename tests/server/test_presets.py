"""The doors of presets, and what a preset does to a turn."""

import json
from urllib.parse import quote

import pytest

KIND = {"system": "Be kind.", "temperature": 0.9}
NAMES = ["reviewer", "Größe 日本 👩‍💻", "a b+c&d=e?f#g%h", "100%25", "back\\slash", "semi;colon", "'\"<>"]


@pytest.fixture
def door(ask):
    """Send a request about the presets of `lab` and return its status and what came back."""

    async def knock(method, *path, body=None, client="lab", **kwargs):
        reply = await ask("clients", client, "presets", *path, method=method, body=body, **kwargs)
        return reply.code, json.loads(reply.body)

    return knock


def fault(answer):
    status, payload = answer
    return status, payload["error"]["message"]


@pytest.mark.parametrize("name", NAMES)
async def test_any_name_that_can_be_read_works_in_an_address(door, ask, name):
    status, made = await door("POST", body={"name": name, "values": KIND})
    assert (status, made["name"], made["values"], made["active"]) == (201, name, KIND, False)
    assert await door("GET", name) == (200, made)
    assert (await door("PUT", name, body={"values": {"seed": 1}}))[1]["values"] == {"seed": 1}
    assert (await door("POST", name, "set-active"))[1]["active"] is True
    assert (await door("POST", name, "apply")) == (200, {"seed": 1})
    assert (await door("DELETE", name, "set-active"))[1]["active"] is False
    chat = await ask("chat", body={"message": "hi", "client_id": "lab", "preset": name})
    assert chat.code == 200
    assert await door("DELETE", name) == (200, {"name": name, "deleted": True})
    assert await door("GET") == (200, {"presets": [], "active": None})


@pytest.mark.parametrize("name", ["a/b", "..", ".", "import", "", " ", "x" * 81, "a\nb", "a\u202eb"])
async def test_a_name_that_cannot_is_refused_with_a_reason(door, name):
    status, said = fault(await door("POST", body={"name": name, "values": {}}))
    assert status == 400
    assert "name" in said


@pytest.mark.parametrize("name", ["a/b", "a\x00b", "x" * 81])
async def test_such_a_name_in_an_address_is_refused_too(
    http_server_client, jp_serverapp, jp_base_url, jp_auth_header, name
):
    for method, more in (("GET", ""), ("DELETE", ""), ("POST", "/apply"), ("POST", "/set-active")):
        reply = await http_server_client.fetch(
            f"{jp_base_url}tether/clients/lab/presets/{quote(name, safe='')}{more}",
            method=method,
            body=b"" if method == "POST" else None,
            headers=jp_auth_header,
            raise_error=False,
        )
        status, said = fault((reply.code, json.loads(reply.body)))
        assert (status, "preset's name" in said) == (400, True)


async def test_the_list_tells_which_one_is_active(door):
    for name in ("b", "a"):
        await door("POST", body={"name": name, "values": {}})
    await door("POST", "b", "set-active")
    _, found = await door("GET")
    assert ([each["name"] for each in found["presets"]], found["active"]) == (["a", "b"], "b")


async def test_put_makes_replaces_and_renames(door):
    assert (await door("PUT", "kind", body={"values": KIND}))[0] == 201
    assert (await door("PUT", "kind", body={"values": {"seed": 1}}))[0] == 200
    status, renamed = await door("PUT", "kind", body={"name": "kinder", "values": {"seed": 2}})
    assert (status, renamed["name"], renamed["values"]) == (200, "kinder", {"seed": 2})
    assert (await door("GET", "kind"))[0] == 404


async def test_one_is_made_of_what_is_in_force_now(door, ask):
    await ask("clients", "lab", "llm", method="PUT", body={"seed": 4, "temperature": 0.5})
    status, made = await door("POST", body={"name": "now", "from_current": True})
    assert (status, made["values"]) == (201, {"seed": 4, "temperature": 0.5})
    await ask("clients", "lab", "llm", method="PUT", body={"seed": 5})
    assert (await door("PUT", "now", body={"from_current": True}))[1]["values"] == {"seed": 5}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"values": {}},
        {"name": "x", "values": {}, "from_current": True},
        {"name": "x", "values": {"api_key": "hunter2"}},
        {"name": "x", "values": {"temperature": 3}},
        {"name": "x", "values": {"tools": "auto"}},
        {"name": "x", "values": {}, "active": True},
        {"name": "x", "values": {"system": "hunter2 sk-abcdefghijklmnop1234"}},
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused_and_nothing_is_kept(door, body):
    status, said = fault(await door("POST", body=body))
    assert (status, "hunter2" in said) == (400, False)
    assert (await door("GET"))[1]["presets"] == []


async def test_a_name_that_is_taken_is_a_conflict(door):
    await door("POST", body={"name": "kind", "values": KIND})
    assert fault(await door("POST", body={"name": "kind", "values": {}}))[0] == 409
    assert (await door("GET", "kind"))[1]["values"] == KIND


class TestCarryingThemElsewhere:
    async def test_a_file_of_one_or_of_all_is_taken_in_elsewhere(self, door, ask):
        for name in ("kind", "Größe"):
            await door("POST", body={"name": name, "values": KIND})
        one = await ask("clients", "lab", "presets", "Größe", method="GET", params={"download": "true"})
        every = await ask("clients", "lab", "presets", method="GET", params={"download": "true"})
        assert one.headers["Content-Disposition"] == (
            "attachment; filename=\"Gr-e.json\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.json"
        )
        assert one.headers["Content-Type"].startswith("application/json")
        nothing = await ask("clients", "magic", "presets", method="GET", params={"download": "true"})
        assert (await door("POST", "import", body=json.loads(nothing.body), client="magic"))[0] == 200
        assert json.loads(one.body) == {"presets": [{"name": "Größe", "values": KIND}]}
        status, found = await door("POST", "import", body=json.loads(every.body), client="magic")
        assert (status, {each["name"] for each in found["presets"]}) == (200, {"kind", "Größe"})

    async def test_one_that_is_there_is_replaced_only_when_asked_for(self, door):
        await door("POST", body={"name": "kind", "values": {"seed": 1}})
        file = {"presets": [{"name": "new", "values": {}}, {"name": "kind", "values": KIND}]}
        status, said = fault(await door("POST", "import", body=file))
        assert (status, "`kind`" in said) == (409, True)
        assert [each["name"] for each in (await door("GET"))[1]["presets"]] == ["kind"]
        status, found = await door("POST", "import", body={**file, "replace": True})
        assert [each["values"] for each in found["presets"]] == [KIND, {}]

    @pytest.mark.parametrize(
        "file",
        [
            {},
            {"presets": [{"name": "x"}]},
            {"presets": [{"name": "a/b", "values": {}}]},
            {"presets": [{"name": "ok", "values": {}}, {"name": "x", "values": {"base_url": "http://x"}}]},
            {"presets": [{"name": "x", "values": {}}] * 101},
        ],
        ids=lambda file: str(file)[:60],
    )
    async def test_a_file_that_is_none_changes_nothing(self, door, file):
        assert (await door("POST", "import", body=file))[0] == 400
        assert (await door("GET"))[1]["presets"] == []


class TestATurn:
    async def test_is_told_which_presets_there_are_where_its_own_is_missing(self, door, ask):
        await door("POST", body={"name": "kind", "values": KIND})
        reply = await ask("chat", body={"message": "hi", "client_id": "lab", "preset": "kid"})
        status, said = fault((reply.code, json.loads(reply.body)))
        assert (status, "`kind`" in said) == (404, True)

    async def test_takes_the_named_preset_over_the_settings(self, door, ask, mock):
        await ask("clients", "lab", "llm", method="PUT", body={"temperature": 0.3, "seed": 6})
        await door("POST", body={"name": "kind", "values": KIND})
        sampled = []
        usual = mock.stream
        mock.stream = lambda prompt, sampling: sampled.append(sampling) or usual(prompt, sampling)
        await ask("chat", body={"message": "hi", "client_id": "lab", "preset": "kind"})
        assert mock.prompts[-1].messages[0] == {"role": "system", "content": "Be kind."}
        assert (sampled[-1].temperature, sampled[-1].seed) == (0.9, 6)
        await ask("chat", body={"message": "hi", "client_id": "lab", "preset": "kind", "temperature": 0.1})
        assert sampled[-1].temperature == 0.1
        await ask("chat", body={"message": "hi", "client_id": "magic"})
        assert sampled[-1].seed is None


class TestTwoPeople:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {
            "jpserver_extensions": {"tether_jupyter": True},
            "identity_provider_class": "tests.support.identities.NamedIdentity",
        }
        return {**tether_config, "ServerApp": server}

    async def test_have_presets_of_their_own(self, door, ask):
        ann, ben = ({"headers": {"X-Test-User": name}} for name in ("ann", "ben"))
        await door("POST", body={"name": "plan", "values": KIND}, **ann)
        _, hers = await door("POST", "plan", "set-active", **ann)
        assert (await door("GET", **ben))[1] == {"presets": [], "active": None}
        for method, *path in (
            ("GET", "plan"),
            ("DELETE", "plan"),
            ("POST", "plan", "apply"),
            ("POST", "plan", "set-active"),
            ("DELETE", "plan", "set-active"),
        ):
            status, said = fault(await door(method, *path, **ben))
            assert (status, "It has none yet" in said) == (404, True), path
        chat = await ask("chat", body={"message": "hi", "client_id": "lab", "preset": "plan"}, **ben)
        assert chat.code == 404
        file = {"presets": [{"name": "plan", "values": {}}], "replace": True}
        assert (await door("POST", "import", body=file, **ben))[0] == 200
        assert (await door("PUT", "plan", body={"values": {"seed": 1}}, **ben))[0] == 200
        assert (await door("POST", body={"name": "current", "from_current": True}, **ben))[1]["values"] == {}
        assert await door("GET", "plan", **ann) == (200, hers)
        assert len((await door("GET", **ann))[1]["presets"]) == 1


async def test_the_answers_are_what_the_document_says(door):
    from tether_jupyter.server import client_forms

    _, made = await door("POST", body={"name": "kind", "values": KIND})
    _, found = await door("GET")
    for form, payload in ((client_forms.PresetState, made), (client_forms.PresetList, found)):
        form.model_validate(payload)
        assert set(payload) == set(form.model_fields)
