"""The openai backend and conversations that are longer than the model reads."""

import json

import pytest

from tests.support import fake_openai
from tests.support.fake_openai import FakeOpenAI
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import ContextOverflow, TetherError
from tether_jupyter.llm.openai import OpenAIService
from tether_jupyter.settings import OpenAILLM

OVERFLOW = {"error": {"message": "maximum context length is 9 tokens", "code": "context_length_exceeded"}}


class Narrow(fake_openai.Answer):
    """Refuses what has more messages than its script's `most`: by a status or, when `late`, in the stream."""

    fake: FakeOpenAI

    async def run(self):
        if len(self.fake.seen.requests[-1]["messages"]) <= int(self.script["most"]):
            return await super().run()
        body = json.dumps(OVERFLOW).encode()
        if "late" not in self.script:
            return await self.head(400, "application/json", body)
        said = b'data: {"choices": [{"delta": {"content": "word0 "}}]}\n\n' * int(self.script["late"])
        return await self.head(200, "text/event-stream", said + b"data: " + body + b"\n\n")


async def asked(monkeypatch, script, exchanges, **options):
    """Return the answer's text, the error that ended it if one did, and how many messages each try had."""
    past = [
        {"role": role, "content": f"{role} {n}"} for n in range(exchanges) for role in ("user", "assistant")
    ]
    messages = [{"role": "system", "content": "s"}, *past, {"role": "user", "content": "now"}]
    async with FakeOpenAI() as fake:
        monkeypatch.setattr(fake_openai, "Answer", type("Answer", (Narrow,), {"fake": fake}))
        limits = {"idle_timeout": 20, "first_byte_timeout": 20, "max_retries": 0}
        service = OpenAIService(OpenAILLM(**limits, **options), "", fake.url)
        text, failed = "", None
        try:
            async for event in service.stream(Prompt(messages, script), Sampling()):
                text += event.get("delta", "")
        except TetherError as reason:
            failed = reason
        await service.cleanup()
    for sent in fake.seen.requests:
        assert sent["messages"][0] == messages[0]
        assert sent["messages"][1:] == messages[-len(sent["messages"]) + 1 :]
    return text, failed, [len(sent["messages"]) for sent in fake.seen.requests]


@pytest.mark.parametrize("late", ["", ",late=0"])
async def test_a_conversation_that_is_refused_for_its_length_is_asked_again_with_less_of_its_past(
    monkeypatch, late
):
    text, failed, sizes = await asked(monkeypatch, f"n=2,most=12{late}", exchanges=10)
    assert failed is None
    assert text == "word0 word1 "
    assert sizes[0] == 22
    assert sizes[-1] in range(8, 13)
    assert len(sizes) <= 3


async def test_however_long_the_past_is_a_few_tries_suffice(monkeypatch):
    text, failed, sizes = await asked(monkeypatch, "n=1,most=2", exchanges=500)
    assert failed is None
    assert text == "word0 "
    assert len(sizes) <= 6


async def test_a_question_that_is_too_long_by_itself_is_refused_as_ever(monkeypatch):
    text, failed, sizes = await asked(monkeypatch, "n=1,most=0", exchanges=2)
    assert isinstance(failed, ContextOverflow)
    assert "maximum context length is 9 tokens" in failed.message
    assert text == ""
    assert sizes[-1] == 2
    _, failed, sizes = await asked(monkeypatch, "n=1,most=0", exchanges=0)
    assert isinstance(failed, ContextOverflow)
    assert sizes == [2]


async def test_an_answer_that_has_begun_is_not_asked_for_again(monkeypatch):
    text, failed, sizes = await asked(monkeypatch, "n=1,most=0,late=1", exchanges=5)
    assert isinstance(failed, ContextOverflow)
    assert text == "word0 "
    assert len(sizes) == 1


async def test_where_the_window_is_known_what_has_no_room_is_not_sent(monkeypatch):
    known = {"n=*": {"context_length": 100}}
    _, failed, sizes = await asked(monkeypatch, "n=1,most=99", exchanges=20, models=known)
    assert failed is None
    assert len(sizes) == 1
    assert sizes[0] in range(6, 14)
