"""A bad setting: every door says which one, strangers learn nothing of it, and the server can be stopped."""

import json

import pytest

from tests.server.test_auth import METHODS, STRANGERS, knock
from tests.support.servers import running
from tether_jupyter.client import Client
from tether_jupyter.core.answers import Health
from tether_jupyter.errors import ModelNotReady
from tether_jupyter.server.base import VERBS

SAID = "TETHER_CONTEXT_LENGTH in the environment must be a number."
DOORS = [
    ("GET", "conversations"),
    ("POST", "chat"),
    ("POST", "chat/stream"),
    ("GET", "chat/ws"),
    ("PATCH", "conversations/c_1"),
    ("DELETE", "models/small"),
    ("GET", "nowhere"),
]


@pytest.fixture
def tether_config(monkeypatch):
    monkeypatch.setenv("TETHER_CONTEXT_LENGTH", "8k")
    return {"Tether": {"backend": "mock"}}


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_every_door_says_what_is_wrong(ask, method, path):
    reply = await ask(*path.split("/"), method=method, body={"message": "hi"})
    error = json.loads(reply.body)["error"]
    assert (reply.code, error["type"], error["retryable"]) == (503, "model_not_ready", False)
    assert error["message"] == SAID
    assert "tether doctor" in error["hint"]


async def test_a_large_upload_is_told_the_same(ask):
    reply = await ask("uploads", body={"file": "x" * 30_000_000})
    assert reply.code == 503
    assert json.loads(reply.body)["error"]["message"] == SAID


async def test_openais_clients_read_it_in_their_own_form(ask):
    reply = await ask("v1", "models", method="GET")
    assert reply.code == 503
    assert json.loads(reply.body)["error"]["type"] == "server_error"
    assert SAID in json.loads(reply.body)["error"]["message"]


async def test_health_says_it_in_the_contracts_form(ask):
    reply = await ask("health", method="GET")
    state = Health.model_validate_json(reply.body)
    assert (reply.code, state.status) == (503, "unhealthy")
    assert state.problem.startswith(SAID)


async def test_strangers_learn_nothing_of_it(jp_serverapp, http_server_client, jp_http_port, jp_base_url):
    answered = {}
    for path in ("health", "v1/models", "chat"):
        for method in METHODS:
            for stranger, headers in STRANGERS.items():
                status = await knock(jp_http_port, method, f"{jp_base_url}tether/{path}", headers)
                if status not in (401, 403, 302):
                    answered[method, path, stranger] = status
    assert answered == {}


class TestSomebodyWhoMayNot:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        denies = "tests.support.identities.DenyTether"
        return {"ServerApp": {"jpserver_extensions": {"tether_jupyter": True}, "authorizer_class": denies}}

    async def test_learns_nothing_of_it_either(self, ask):
        for verb in VERBS:
            for path in ("health", "v1/models", "chat"):
                reply = await ask(*path.split("/"), method=verb.upper(), allow_nonstandard_methods=True)
                assert reply.code == 403, (verb, path)
                assert SAID not in str(reply.body)


async def test_the_server_can_be_stopped(jp_serverapp):
    await jp_serverapp.cleanup_extensions()


class TestWithGoodSettings:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "mock"}}

    async def test_the_server_ends_though_something_of_tether_does_not(
        self, services, jp_serverapp, monkeypatch, caplog
    ):
        async def fails():
            raise RuntimeError("sk-canary")

        monkeypatch.setattr(services, "close", fails)
        await jp_serverapp.cleanup_extensions()
        assert "not all of it ended as it should: RuntimeError" in caplog.text
        assert "canary" not in caplog.text


def test_a_whole_server_tells_its_log_and_its_clients_and_ends_when_it_is_told_to(tmp_path):
    with running(tmp_path, TETHER_CONTEXT_LENGTH="8k") as server:
        client = Client(server.url, server.token)
        assert client.health()["problem"].startswith(SAID)
        with pytest.raises(ModelNotReady, match=SAID) as refused:
            client.chat("hi")
        assert "tether doctor" in refused.value.hint
        assert server.log.read_text().count(SAID) == 1
        assert "Traceback" not in server.log.read_text()
        server.process.terminate()
        server.process.wait(20)
