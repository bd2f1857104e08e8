"""Health says what can answer, and what to do where nothing can."""

import json

import pytest


async def test_health_has_the_contracts_form(ask):
    state = json.loads((await ask("health", method="GET")).body)
    assert state["status"] == "healthy"
    assert (state["backend"], state["model"], state["demo"]) == ("mock", "mock", False)
    for name in ("llm_service", "database", "gpu", "version"):
        assert name in state


async def test_looking_at_health_does_not_keep_an_idle_server_alive(ask, jp_web_app):
    await ask("chat", body={"message": "hi"})
    before = jp_web_app.settings["api_last_activity"]
    await ask("health", method="GET")
    assert jp_web_app.settings["api_last_activity"] == before


class TestWithABackendThatIsNotThere:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "nope"}}

    async def test_health_is_503_and_names_what_there_is(self, ask):
        reply = await ask("health", method="GET")
        state = json.loads(reply.body)
        assert (reply.code, state["status"]) == (503, "unhealthy")
        assert "There are: local, openai, mock" in state["problem"]

    async def test_a_question_gets_the_same_advice(self, ask):
        reply = await ask("chat", body={"message": "hi"})
        assert (reply.code, json.loads(reply.body)["error"]["type"]) == (503, "model_not_ready")


class TestWithoutAKey:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "openai"}}

    async def test_health_is_503_and_says_what_to_set(self, ask):
        reply = await ask("health", method="GET")
        state = json.loads(reply.body)
        assert reply.code == 503
        assert state["status"] == "unhealthy"
        assert "OPENAI_API_KEY" in state["problem"]

    async def test_a_question_is_answered_with_the_same_advice(self, ask):
        reply = await ask("chat", body={"message": "hi"})
        assert reply.code == 503
        error = json.loads(reply.body)["error"]
        assert error["type"] == "model_not_ready"
        assert "OPENAI_API_KEY" in error["message"]


class TestWithAServerOfOnesOwn:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "openai"}, "OpenAILLM": {"base_url": "http://127.0.0.1:9/v1"}}

    async def test_a_blank_key_is_fine_and_the_place_is_this_machine(self, ask):
        state = json.loads((await ask("health", method="GET")).body)
        assert (state["status"], state["place"]) == ("healthy", "this machine")

    async def test_a_server_that_is_not_there_is_named_in_words(self, ask):
        reply = await ask("chat", body={"message": "hi"})
        assert reply.code == 502
        assert "cannot be reached" in json.loads(reply.body)["error"]["message"]
