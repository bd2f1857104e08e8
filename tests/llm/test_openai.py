"""The openai backend against an upstream that misbehaves."""

import json

import pytest
from traitlets.config import Config

from tests.support import fake_openai
from tests.support.fake_openai import FakeOpenAI
from tether_jupyter.core import events
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import ModelNotReady, TetherError
from tether_jupyter.llm.address import NONE as NO_ADDRESS
from tether_jupyter.llm.openai import OpenAIService
from tether_jupyter.settings import OpenAILLM, load


def service_at(url, key="", **options):
    limits = {"idle_timeout": 0.3, "first_byte_timeout": 0.5, "max_retries": 0}
    return OpenAIService(OpenAILLM(**{**limits, **options}), key, url)


def asked(model, text="hi"):
    return Prompt([{"role": "user", "content": text}], model)


async def answer(script, **options):
    """Return the events of one answer and the error that ended it, if one did."""
    async with FakeOpenAI() as fake:
        service = service_at(fake.url, **options)
        found, failed = [], None
        try:
            async for event in service.stream(asked(script), Sampling()):
                found += [event]
        except TetherError as reason:
            failed = reason
        await service.cleanup()
    return found, failed, fake.seen


async def test_an_answer_arrives_word_by_word_with_its_figures():
    found, failed, _ = await answer("n=3")
    assert failed is None
    assert [e["delta"] for e in found if "delta" in e] == ["word0 ", "word1 ", "word2 "]
    assert found[-2]["usage"]["completion_tokens"] == 3
    assert found[-1] == {"done": True, "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("script", "type_", "text"),
    [
        ("n=3,fault=reset,at=1", "upstream_error", "word0 "),
        ("n=3,fault=truncate,at=1", "upstream_error", "word0 "),
        ("n=3,fault=stall,at=1", "upstream_timeout", "word0 "),
        ("n=3,fault=garbage,at=1", "upstream_error", "word0 "),
        ("n=3,fault=error,at=1", "upstream_error", "word0 "),
        ("n=3,fault=longline,at=1", "upstream_error", "word0 "),
        ("fault=silent", "upstream_timeout", ""),
        ("fault=html", "upstream_error", ""),
        ("fault=status400", "invalid_request", ""),
        ("fault=status401", "upstream_error", ""),
        ("fault=status403", "upstream_error", ""),
        ("fault=status404", "not_found", ""),
        ("fault=status413", "too_large", ""),
        ("fault=status429", "rate_limited", ""),
        ("fault=status500", "upstream_error", ""),
        ("fault=status503", "upstream_error", ""),
    ],
)
async def test_each_fault_ends_in_one_typed_error_that_keeps_the_text(script, type_, text):
    found, failed, _ = await answer(script)
    assert failed is not None
    assert failed.type == type_
    kept = "".join(e["delta"] for e in found if "delta" in e)
    # A connection that is reset may take with it what nobody had read yet.
    assert kept == text or (("reset" in script or "truncate" in script) and kept == "")
    assert "sk-secret-echo" not in str(failed.payload())
    assert not any(events.kind(e) in events.TERMINAL for e in found)


async def test_an_answer_is_not_asked_for_twice_once_it_has_begun():
    _, _, seen = await answer("n=3,fault=reset,at=1", max_retries=3)
    assert len(seen.requests) == 1


async def test_a_refusal_that_passes_is_tried_again():
    _, failed, seen = await answer("fault=status429", max_retries=1, first_byte_timeout=20)
    assert failed.type == "rate_limited"
    assert len(seen.requests) == 2


async def test_a_refusal_without_an_end_is_not_read_to_it():
    _, failed, _ = await answer("fault=hugerefusal", first_byte_timeout=20)
    assert failed.type == "invalid_request"


async def test_a_long_pause_is_said_at_once_instead_of_waited_for():
    _, failed, seen = await answer("fault=status429,after=60", max_retries=2, first_byte_timeout=20)
    assert failed.type == "rate_limited"
    assert len(seen.requests) == 1


async def test_openais_own_headers_go_to_openai_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-canary")
    _, _, seen = await answer("n=1")
    assert not any("canary" in value for value in seen.headers[0].values())


async def test_closing_the_stream_closes_the_upstream():
    async with FakeOpenAI() as fake:
        service = service_at(fake.url, idle_timeout=60)
        stream = service.stream(asked("n=2,gap=3600"), Sampling())
        await anext(stream)
        await stream.aclose()
        await fake.until(lambda seen: seen.aborted == 1 and seen.open == 0)
        await service.cleanup()


async def test_an_answer_is_asked_for_before_it_is_read_and_given_up_unread():
    async with FakeOpenAI() as fake:
        service = service_at(fake.url, idle_timeout=60)
        for first in (0, 3600):
            stream = service.stream(asked(f"n=2,first={first},gap=3600"), Sampling())
            await fake.until(lambda seen: seen.open == 1)
            await stream.aclose()
            await fake.until(lambda seen: seen.open == 0)
        assert fake.seen.aborted == 2
        await service.cleanup()


async def test_the_key_goes_out_in_the_header_and_a_blank_one_not_at_all():
    async with FakeOpenAI() as fake:
        for key in ("sk-test", ""):
            service = service_at(fake.url, key)
            async for _ in service.stream(asked("n=1"), Sampling()):
                pass
            await service.cleanup()
        assert [h.get("authorization") for h in fake.seen.headers] == ["Bearer sk-test", None]


async def test_only_what_is_set_goes_out():
    async with FakeOpenAI() as fake:
        service = service_at(fake.url)
        sampling = Sampling(0.2, 50, stop=("END",), seed=7)
        async for _ in service.stream(asked("n=1"), sampling):
            pass
        await service.cleanup()
    (sent,) = fake.seen.requests
    assert sent == {
        "model": "n=1",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "temperature": 0.2,
        "max_tokens": 50,
        "stop": ["END"],
        "seed": 7,
        "stream_options": {"include_usage": True},
    }


async def test_a_field_that_a_validator_forbids_is_left_out_of_the_next_try(monkeypatch):
    complaint = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}
    refusal = json.dumps({"object": "error", "message": {"detail": [complaint]}}).encode()
    async with FakeOpenAI() as fake:

        class Strict(fake_openai.Answer):
            async def run(self):
                if "seed" not in fake.seen.requests[-1]:
                    return await super().run()
                return await self.head(422, "application/json", refusal)

        monkeypatch.setattr(fake_openai, "Answer", Strict)
        service = service_at(fake.url, first_byte_timeout=20)
        found = [event async for event in service.stream(asked("n=1"), Sampling(seed=7))]
        await service.cleanup()
    assert found[0] == {"delta": "word0 "}
    assert ["seed" in sent for sent in fake.seen.requests] == [True, False]


async def test_whole_texts_come_through_complete_too():
    async with FakeOpenAI() as fake:
        service = service_at(fake.url, model="n=2")
        assert await service.complete("hi") == "word0 word1 "
        await service.cleanup()


async def test_a_key_that_is_missing_is_asked_for_by_the_name_that_was_given_to_it():
    config = Config({"OpenAILLM": {"api_key_name": "CORP_KEY"}})
    service = OpenAIService.from_settings(load(config, environment={"OPENROUTER_API_KEY": "or-key"}))
    assert "Set CORP_KEY" in (await service.describe())["problem"]
    with pytest.raises(ModelNotReady, match="Set CORP_KEY"):
        await service.initialize()


def test_an_openrouter_key_goes_to_openrouter_alone():
    settings = load(environment={"OPENROUTER_API_KEY": "or-key"})
    assert OpenAIService.from_settings(settings).base_url == "https://openrouter.ai/api/v1"
    elsewhere = load(environment={"OPENROUTER_API_KEY": "or-key", "OPENAI_BASE_URL": "http://h/v1"})
    assert OpenAIService.from_settings(elsewhere)._api_key == ""


@pytest.mark.parametrize(
    ("keys", "url", "sent"),
    [
        ("both", "https://openrouter.ai/api/v1", "or-key"),
        ("both", "openrouter.ai/api/v1", "or-key"),
        ("both", "", "oa-key"),
        ("both", "https://api.openai.com/v1", "oa-key"),
        ("both", "https://openrouter.ai.example/v1", "oa-key"),
        ("OPENAI_API_KEY", "https://openrouter.ai/api/v1", "oa-key"),
        ("OPENROUTER_API_KEY", "https://openrouter.ai/api/v1", "or-key"),
    ],
)
def test_each_service_gets_its_own_key_where_there_are_two(keys, url, sent):
    environment = {"OPENAI_API_KEY": "oa-key", "OPENROUTER_API_KEY": "or-key", "OPENAI_BASE_URL": url}
    for other in {"OPENAI_API_KEY", "OPENROUTER_API_KEY"} - {keys} if keys != "both" else ():
        del environment[other]
    assert OpenAIService.from_settings(load(environment=environment))._api_key == sent


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("api.openai.com/v1", "https://api.openai.com/v1"),
        ("openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("localhost:11434/v1", "http://localhost:11434/v1"),
        ("127.0.0.1/v1", "http://127.0.0.1/v1"),
        ("gpu.example.org:8000/v1", "http://gpu.example.org:8000/v1"),
        ("vllm/v1", "http://vllm/v1"),
    ],
)
def test_no_key_goes_in_the_clear_to_an_address_without_a_scheme_but_to_what_is_near(address, url):
    settings = load(environment={"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": address})
    assert OpenAIService.from_settings(settings).base_url == url


@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://localhost:11434v1",
            "localhost:11434v1",
            "http://localhost:port/v1",
            "http://localhost:0/v1",
        ),
        *("http:/localhost:9/v1", "http//localhost:9/v1", "htp://localhost/v1", "http://[::1", "[::1"),
        *("“http://localhost:9/v1”", "http://local host/v1", "http://localhost:9/v1\u200b"),
    ],
)
async def test_a_typo_in_the_address_is_told_by_health_and_by_the_question(address):
    service = OpenAIService.from_settings(
        load(environment={"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": address})
    )
    facts = await service.describe()
    assert (facts["ready"], facts["problem"]) == (False, NO_ADDRESS)
    service.prepare()
    with pytest.raises(ModelNotReady) as refused:
        await service.initialize()
    assert refused.value.message == NO_ADDRESS


async def test_a_host_that_only_the_transport_knows_to_be_none_is_told_in_the_same_words():
    with pytest.raises(ModelNotReady) as refused:
        await service_at("http://…/v1").initialize()
    assert refused.value.message == NO_ADDRESS


@pytest.mark.parametrize("key", ["sk-…", "“sk-abc”", "sk-abc\nsk-def", "sk-\u200babc", "ключ"])
async def test_a_key_that_no_header_takes_is_told_by_health_and_by_the_question(key):
    for name in ("OPENAI_API_KEY", "OPENROUTER_API_KEY"):
        service = OpenAIService.from_settings(load(environment={name: key}))
        problem = (await service.describe())["problem"]
        assert problem.startswith(f"The key in {name} holds characters that no key has")
        assert key not in problem
        service.prepare()
        with pytest.raises(ModelNotReady, match=f"The key in {name} .* Copy it anew"):
            await anext(service.stream(asked("m"), Sampling()))


def test_a_key_that_is_named_goes_before_openrouters_own():
    config = Config({"OpenAILLM": {"api_key_name": "CORP", "base_url": "https://openrouter.ai/api/v1"}})
    environment = {"OPENROUTER_API_KEY": "or-key", "CORP": "corp-key"}
    assert OpenAIService.from_settings(load(config, environment=environment))._api_key == "corp-key"
