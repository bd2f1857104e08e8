"""A class of somebody's own answers at every door, and is asked nothing before it was initialised."""

import json
import sys

import pytest

from tests.support.readme import readme_backend

INHERITS = """
from tether_jupyter import LLMService
class MyService(LLMService):
    service_type, model_name = "mine", "parrot-1"
    async def initialize(self): self.ready = True
    def is_ready(self): return self.ready
    async def complete(self, prompt, *, temperature=0.7, max_tokens=None): return f"You said: {prompt}"
"""


@pytest.fixture(params=[readme_backend(), INHERITS], ids=["readme", "inherits"])
def tether_config(request, tmp_path, monkeypatch):
    (tmp_path / "my_module.py").write_text(request.param)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    return {"Tether": {"backend": "my_module:MyService"}}


def content(reply):
    return json.loads(reply.body)


async def test_it_is_healthy_before_it_answers_and_then_ready(ask):
    before = content(await ask("health", method="GET"))
    assert (before["status"], before["model"], before["problem"]) == ("healthy", "parrot-1", None)
    assert before["llm_service"]["ready"] is False
    answer = content(await ask("chat", body={"message": "hello"}))
    assert "User: hello" in answer["content"]
    assert content(await ask("health", method="GET"))["llm_service"]["ready"] is True


async def test_the_first_question_streams(stream):
    events = [event async for event in stream({"message": "hello"}).events()]
    assert "User: hello" in "".join(event.get("delta", "") for event in events)
    assert events[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", ("context",), {"message": "hello"}),
        ("GET", ("models",), None),
        ("GET", ("v1", "models"), None),
        ("POST", ("models", "unload"), {"name": "my_module:MyService"}),
    ],
)
async def test_who_only_looks_gets_an_answer(ask, method, path, body):
    assert (await ask(*path, method=method, body=body)).code == 200
