"""The doors of settings: four parts, reset, and which value is in force."""

import asyncio
import json

import pytest
from pydantic import ValidationError

from tether_jupyter.core.layers import FIELDS
from tether_jupyter.core.request import ChatRequest

PARTS = ("llm", "tts", "stt", "ui")


@pytest.fixture
def door(ask):
    """Send a request and return its status and what came back."""

    async def knock(method, path, body=None, **kwargs):
        reply = await ask(*path, method=method, body=body, **kwargs)
        return reply.code, json.loads(reply.body)

    return knock


def fault(answer):
    status, payload = answer
    return status, payload["error"]["message"]


async def test_what_was_put_is_what_one_gets(door):
    given = {"temperature": 0.2, "system": "Sei höflich.", "stop": ["END"], "tools": "off"}
    assert await door("PUT", ["clients", "lab", "llm"], given) == (200, given)
    assert await door("GET", ["clients", "lab", "llm"]) == (200, given)
    assert await door("PUT", ["clients", "lab", "llm"], {"seed": 1, "top_k": None}) == (200, {"seed": 1})
    assert await door("PATCH", ["clients", "lab", "llm"], {"top_k": 3, "seed": None}) == (200, {"top_k": 3})


@pytest.mark.parametrize("part", ["tts", "stt", "ui"])
async def test_the_other_parts_hold_any_json(door, part):
    given = {"voice": "alto", "rates": [1, 1.5, {"x": False}], "größe": {"a": "ü"}}
    assert await door("PUT", ["clients", "lab", part], given) == (200, given)
    assert await door("PATCH", ["clients", "lab", part], {"rates": None}) == (
        200,
        {"voice": "alto", "größe": {"a": "ü"}},
    )


async def test_all_four_come_together_with_the_active_preset(door):
    await door("PUT", ["clients", "lab", "llm"], {"seed": 1})
    await door("PUT", ["clients", "lab", "ui"], {"theme": "dark"})
    await door("POST", ["clients", "lab", "presets"], {"name": "kind", "values": {}})
    await door("POST", ["clients", "lab", "presets", "kind", "set-active"])
    assert await door("GET", ["clients", "lab"]) == (
        200,
        {
            "client_id": "lab",
            "llm": {"seed": 1},
            "tts": {},
            "stt": {},
            "ui": {"theme": "dark"},
            "active_preset": "kind",
        },
    )


@pytest.mark.parametrize("part", PARTS)
async def test_reset_is_as_if_it_had_never_been_set(door, part):
    await door("PUT", ["clients", "lab", part], {"seed": 1})
    assert await door("POST", ["clients", "lab", part, "reset"]) == (200, {})
    assert await door("GET", ["clients", "lab", part]) == (200, {})


async def test_looking_writes_nothing(door, services):
    for path in (["clients", "lab"], *(["clients", "lab", part] for part in PARTS)):
        assert (await door("GET", path))[0] == 200
    from sqlalchemy import func, select

    from tether_jupyter.store.tables import client_settings

    count = select(func.count()).select_from(client_settings)
    assert await services.database.read(lambda connection: connection.execute(count).scalar()) == 0


class TestTheModelsSettings:
    @pytest.mark.parametrize("field", ["base_url", "api_key", "message", "preset", "store", "nonsense"])
    async def test_an_unknown_field_is_refused_by_name(self, door, field):
        for method in ("PUT", "PATCH"):
            status, said = fault(await door(method, ["clients", "lab", "llm"], {field: "hunter2"}))
            assert (status, f"`{field}`" in said, "hunter2" in said) == (400, True, False)

    @pytest.mark.parametrize(
        "values",
        [
            {"temperature": 2.1},
            {"temperature": True},
            {"top_p": 0},
            {"top_k": 0},
            {"min_p": -0.1},
            {"max_tokens": 0},
            {"seed": 2**32},
            {"stop": ["x"] * 17},
            {"repeat_penalty": 0},
            {"presence_penalty": 3},
            {"model": ""},
            {"tools": "always"},
        ],
        ids=str,
    )
    async def test_the_bounds_are_those_of_a_request(self, door, values):
        try:
            ChatRequest(message="hi", **values)
        except ValidationError:
            allowed = False
        else:
            allowed = True
        status, _ = await door("PUT", ["clients", "lab", "llm"], values)
        assert status == (200 if allowed else 400)

    def test_every_field_that_can_be_set_is_one_of_a_request(self):
        from tether_jupyter.server.client_forms import ModelSettings

        assert tuple(ModelSettings.model_fields) == FIELDS
        for name in FIELDS:
            assert ModelSettings.model_fields[name].metadata == ChatRequest.model_fields[name].metadata

    @pytest.mark.parametrize("values", [{"tools": "auto"}, {"tool_names": ["x"]}], ids=str)
    async def test_what_no_turn_answers_to_yet_is_refused_here_too(self, door, values):
        refused = fault(await door("PUT", ["clients", "lab", "llm"], values))
        asked = fault(await door("POST", ["chat"], {"message": "hi", **values}))
        assert refused == asked


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("part", "values", "status"),
        [
            ("tts", {"api_key": "hunter2"}, 400),
            ("stt", {"base_url": "hunter2"}, 400),
            ("ui", {"a": {"b": ["https://hunter2.example"]}}, 400),
            ("ui", {"a": "hunter2" * 10_000}, 413),
            ("ui", {"a": "hunter2\x00"}, 400),
            ("llm", {"system": "hunter2 sk-abcdefghijklmnop1234"}, 400),
        ],
    )
    async def test_leaves_what_was_there_and_is_not_repeated(self, door, part, values, status):
        for method in ("PUT", "PATCH"):
            code, said = fault(await door(method, ["clients", "lab", part], values))
            assert (code, "hunter2" in said) == (status, False)
        assert await door("GET", ["clients", "lab", part]) == (200, {})

    async def test_a_number_beyond_json(self, ask):
        reply = await ask("clients", "lab", "ui", method="PUT", body={"a": float("inf")})
        assert reply.code == 400

    @pytest.mark.parametrize("client", ["a b", "ä", "x" * 129, "a/b"])
    async def test_a_name_that_no_front_end_has(self, door, client):
        assert (await door("GET", ["clients", client]))[0] == 404

    async def test_a_part_that_there_is_none_of(self, door):
        assert (await door("GET", ["clients", "lab", "video"]))[0] == 404


async def test_many_puts_at_once_are_all_answered_and_none_is_lost(door):
    puts = [door("PUT", ["clients", f"c{n % 5}", "llm"], {"seed": n}) for n in range(25)]
    patches = [door("PATCH", ["clients", "lab", "ui"], {f"k{n}": n}) for n in range(25)]
    assert {status for status, _ in await asyncio.gather(*puts, *patches)} == {200}
    assert (await door("GET", ["clients", "lab", "ui"]))[1] == {f"k{n}": n for n in range(25)}
    for n in range(5):
        assert (await door("GET", ["clients", f"c{n}", "llm"]))[1]["seed"] % 5 == n


class TestWhatIsInForce:
    @pytest.fixture
    def tether_config(self, jp_environ, monkeypatch):
        monkeypatch.setenv("TETHER_DEFAULT_MAX_TOKENS", "77")
        return {"Tether": {"backend": "mock", "system_prompt": "Be brief."}}

    async def test_each_field_tells_its_value_and_its_layer(self, door):
        await door("PUT", ["clients", "lab", "llm"], {"seed": 1, "top_k": 5, "max_tokens": None})
        await door("POST", ["clients", "lab", "presets"], {"name": "p", "values": {"top_k": 9}})
        await door("POST", ["clients", "lab", "presets", "p", "set-active"])
        _, found = await door("GET", ["clients", "lab", "llm"], params={"effective": "true"})
        assert set(found) == set(FIELDS)
        assert found["seed"] == {"value": 1, "layer": "client settings"}
        assert found["top_k"] == {"value": 9, "layer": "preset"}
        assert found["max_tokens"] == {"value": 77, "layer": "environment"}
        assert found["system"] == {"value": "Be brief.", "layer": "server configuration"}
        assert found["model"] == {"value": "mock:mock", "layer": "server configuration"}
        assert found["temperature"] == {"value": 0.7, "layer": "default"}
        assert found["tools"] == {"value": "off", "layer": "default"}
        assert found["min_p"] == {"value": None, "layer": "default"}

    async def test_other_parts_have_one_layer(self, door):
        await door("PUT", ["clients", "lab", "ui"], {"theme": "dark"})
        _, found = await door("GET", ["clients", "lab", "ui"], params={"effective": "1"})
        assert found == {"theme": {"value": "dark", "layer": "client settings"}}

    async def test_a_flag_that_is_none_is_refused(self, door):
        assert (await door("GET", ["clients", "lab", "llm"], params={"effective": "perhaps"}))[0] == 400


class TestABackendThatIsNotThere:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "nope"}}

    async def test_leaves_the_settings_readable(self, door):
        status, found = await door("GET", ["clients", "lab", "llm"], params={"effective": "true"})
        assert (status, found["model"]) == (200, {"value": "nope", "layer": "server configuration"})


class TestTwoPeople:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {
            "jpserver_extensions": {"tether_jupyter": True},
            "identity_provider_class": "tests.support.identities.NamedIdentity",
        }
        return {**tether_config, "ServerApp": server}

    @pytest.mark.parametrize("part", PARTS)
    async def test_have_settings_of_their_own(self, door, part):
        ann, ben = ({"headers": {"X-Test-User": name}} for name in ("ann", "ben"))
        path = ["clients", "lab", part]
        await door("PUT", path, {"seed": 1}, **ann)
        assert await door("GET", path, **ben) == (200, {})
        assert (await door("GET", ["clients", "lab"], **ben))[1][part] == {}
        effective = await door("GET", path, params={"effective": "true"}, **ben)
        assert effective[1].get("seed", {"value": None})["value"] is None
        assert await door("PUT", path, {"top_k": 2}, **ben) == (200, {"top_k": 2})
        assert await door("PATCH", path, {"top_p": 0.5}, **ben) == (200, {"top_k": 2, "top_p": 0.5})
        assert await door("POST", [*path, "reset"], **ben) == (200, {})
        assert await door("GET", path, **ann) == (200, {"seed": 1})


async def test_the_answers_are_what_the_document_says(door):
    from tether_jupyter.server import client_forms

    await door("PUT", ["clients", "lab", "llm"], {"seed": 1, "stop": ["a"]})
    _, state = await door("GET", ["clients", "lab"])
    client_forms.ClientState.model_validate(state)
    assert set(state) == set(client_forms.ClientState.model_fields)
    _, found = await door("GET", ["clients", "lab", "llm"], params={"effective": "true"})
    for each in found.values():
        client_forms.EffectiveValue.model_validate(each, strict=True)
