"""OpenAI's API over the backend in use: completions that fill a gap, embeddings, models."""

import asyncio
import base64
import json
import struct

import pytest

from tests.support import tiny_gguf
from tether_jupyter.core import events
from tether_jupyter.errors import ContextOverflow, EngineCrashed, RateLimited
from tether_jupyter.llm.service import LLMService
from tether_jupyter.server import chat, v1, v1_forms

USAGE = events.usage(prompt_tokens=7, cached_tokens=5, completion_tokens=2)
OFFERED = {"model": None, "prompt": "def f(x):\n"}


class Scripted(LLMService):
    """Plays events and failures, waits at `WAIT` until `go` is set, and remembers what it was asked."""

    service_type = "scripted"
    model_name = "script-1"

    def __init__(self):
        self.script = [events.delta("    ret"), events.delta("urn x"), USAGE, events.done("stop")]
        self.made = {"one": [0.5, -0.25, 1.0], "two": [1.0, 0.0, -1.0]}
        self.asked, self.conversations, self.low, self.ready = [], [], [], True
        self.waiting, self.go, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def is_ready(self):
        return self.ready

    async def infill(self, prefix, suffix, sampling, *, conversation=None, caller=None, low=False):
        self.asked.append((prefix, suffix, sampling, caller))
        self.low.append(low)
        self.conversations.append(conversation)
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                if step == WAIT:
                    await self.wait()
                else:
                    yield step
        finally:
            self.left.set()

    async def embed(self, texts, *, caller=None):
        self.asked.append(list(texts))
        try:
            if "wait" in texts:
                await self.wait()
            return [self.made[text] for text in texts if text in self.made]
        finally:
            self.left.set()

    async def wait(self):
        self.waiting.set()
        await self.go.wait()


WAIT = {"wait": True}


@pytest.fixture
def tether_config():
    return {"Tether": {"backend": f"{__name__}:Scripted", "default_temperature": 0.4}}


@pytest.fixture
def model(services):
    """The scripted backend."""
    return services.backends.get()


@pytest.fixture
def complete(ask):
    """Ask for a completion of `def f(x):`, and return the status and what came."""

    async def send(**fields):
        reply = await ask("v1", "completions", body={**OFFERED, **fields})
        return reply.code, json.loads(reply.body)

    return send


@pytest.fixture
def embed(ask):
    """Ask for embeddings, and return the status and what came."""

    async def send(input, **fields):
        reply = await ask("v1", "embeddings", body={"input": input, **fields})
        return reply.code, json.loads(reply.body)

    return send


@pytest.fixture
def chunks(stream):
    """Stream a completion of `def f(x):`, and return the data of its messages."""

    async def read(**fields):
        body = {**OFFERED, "stream": True, **fields}
        sent = stream(body, accept="*/*", path="v1/completions")
        lines = [line async for line in sent.lines() if line]
        reply = await sent.response
        assert reply.headers["Content-Type"] == "text/event-stream"
        assert lines.pop() == "data: [DONE]"
        assert all(line.startswith("data: ") for line in lines)
        return [json.loads(line.removeprefix("data: ")) for line in lines]

    return read


@pytest.fixture
def hang_up(jp_serverapp, jp_http_port, jp_base_url, jp_auth_header, http_server_client):
    """Send a request, and leave when the model is at work."""

    async def send(model, door, body):
        _, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        sent = json.dumps(body).encode()
        headers = {"Host": "127.0.0.1", "Content-Type": "application/json", **jp_auth_header}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        target = f"{jp_base_url}tether/v1/{door}"
        writer.write(f"POST {target} HTTP/1.1\r\n{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        async with asyncio.timeout(20):
            await model.waiting.wait()
            writer.close()
            await model.left.wait()

    return send


def refusal(payload, param, code):
    """Check the form of a refusal, and return its message."""
    assert set(payload) == {"error"}
    v1_forms.OpenAIErrorBody.model_validate(payload["error"], strict=True)
    assert (payload["error"]["param"], payload["error"]["code"]) == (param, code)
    return payload["error"]["message"]


class TestACompletion:
    async def test_is_what_openai_would_send(self, complete):
        status, payload = await complete(suffix="\n\nf(2)")
        assert status == 200
        v1_forms.Completion.model_validate(payload, strict=True)
        assert set(payload) == set(v1_forms.Completion.model_fields)
        assert payload["id"].startswith("cmpl-")
        assert payload["model"] == "script-1"
        assert payload["choices"] == [
            {"index": 0, "text": "    return x", "logprobs": None, "finish_reason": "stop"}
        ]
        assert payload["usage"] == {
            "prompt_tokens": 7,
            "completion_tokens": 2,
            "total_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 5},
        }

    async def test_reaches_the_model_with_all_that_was_asked(self, complete, model):
        await complete(
            suffix="\n\nf(2)",
            max_tokens=3,
            temperature=0,
            top_p=0.5,
            stop=["\n", "#"],
            seed=-1,
            presence_penalty=1,
            frequency_penalty=-1.5,
            logit_bias={"42": -100},
            user="somebody",
        )
        prefix, suffix, sampling, caller = model.asked[0]
        assert (prefix, suffix, caller) == ("def f(x):\n", "\n\nf(2)", "owner")
        assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (3, 0, 0.5)
        assert (sampling.stop, sampling.seed) == (("\n", "#"), -1)
        assert (sampling.presence_penalty, sampling.frequency_penalty) == (1, -1.5)
        assert sampling.logit_bias == {"42": -100}

    async def test_that_says_little_gets_sixteen_tokens_and_the_servers_temperature(self, complete, model):
        await complete()
        _, suffix, sampling, _ = model.asked[0]
        assert (suffix, sampling.max_tokens, sampling.temperature) == ("", 16, 0.4)

    async def test_takes_what_clients_send_for_nothing(self, complete, model):
        status, _ = await complete(
            prompt=["x = "], n=1, best_of=1, echo=False, logprobs=None, stop="\n", suffix=None, stream=False
        )
        assert status == 200
        assert model.asked[0][0] == "x = "
        assert model.asked[0][2].stop == ("\n",)

    async def test_with_a_key_goes_on_where_the_same_callers_last_one_was(self, complete, model):
        for key in ("lab", "lab", "other", None):
            assert (await complete(prompt_cache_key=key))[0] == 200
        first, again, other, without = model.conversations
        assert first == again
        assert len({first, other, without}) == 3
        assert without is None

    async def test_that_nobody_asked_for_gives_way_to_what_somebody_did(self, complete, model):
        for fields in ({"priority": "low"}, {"priority": "interactive"}, {"priority": None}, {}):
            assert (await complete(**fields))[0] == 200
        assert model.low == [True, False, False, False]
        status, payload = await complete(priority="urgent")
        assert status == 400
        assert "urgent" not in refusal(payload, "priority", "invalid_value")

    async def test_that_may_not_wake_the_model_leaves_it_asleep(self, complete, model):
        model.ready = False
        for streamed in (True, False):
            status, payload = await complete(wake=False, stream=streamed)
            assert status == 503
            assert "not loaded" in refusal(payload, None, "model_not_ready")
        assert model.asked == []
        assert (await complete(wake=True))[0] == (await complete())[0] == 200
        model.ready = True
        assert (await complete(wake=False))[0] == 200

    async def test_may_be_longer_than_a_message(self, complete, model, services):
        text = "x = 1\n" * services.settings.tether.max_message_length
        assert (await complete(prompt=text))[0] == 200
        assert model.asked[0][0] == text

    async def test_is_nobodys_conversation(self, complete, services):
        await complete()
        assert await services.history.conversations("owner") == []

    async def test_without_known_counts_has_no_usage(self, complete, model):
        model.script = [events.delta("x"), events.done()]
        assert (await complete())[1]["usage"] is None

    async def test_that_was_stopped_keeps_its_text_and_is_not_called_whole(
        self, complete, ask, model, services
    ):
        model.script = [events.delta("half"), WAIT]
        asked = asyncio.ensure_future(complete())
        await model.waiting.wait()
        (id,) = services.generations._running
        assert (await ask("generations", id, method="DELETE")).code == 200
        status, payload = await asked
        assert (status, payload["choices"][0]["text"]) == (200, "half")
        assert payload["choices"][0]["finish_reason"] == "length"

    @pytest.mark.parametrize("streamed", [True, False])
    async def test_that_nobody_waits_for_is_stopped(self, hang_up, model, streamed):
        model.script = [events.delta("half"), WAIT]
        await hang_up(model, "completions", {**OFFERED, "stream": streamed})


REFUSED = [
    ({"what": 1}, "what", "unknown_parameter"),
    ({"echo": True}, "echo", "unsupported_parameter"),
    ({"best_of": 2}, "best_of", "unsupported_parameter"),
    ({"logprobs": 0}, "logprobs", "unsupported_parameter"),
    ({"n": 2}, "n", "unsupported_parameter"),
    ({"prompt": [1, 2, 3]}, "prompt", "unsupported_parameter"),
    ({"prompt": [[1, 2], [3]]}, "prompt", "unsupported_parameter"),
    ({"prompt": ["a", "b"]}, "prompt", "invalid_value"),
    ({"prompt": []}, "prompt", "invalid_value"),
    ({"prompt": None}, "prompt", "invalid_value"),
    ({"prompt": ""}, None, "invalid_value"),
    ({"max_tokens": 0}, "max_tokens", "invalid_value"),
    ({"max_tokens": "16"}, "max_tokens", "invalid_value"),
    ({"temperature": 3}, "temperature", "invalid_value"),
    ({"top_p": 0}, "top_p", "invalid_value"),
    ({"stop": [""]}, "stop", "invalid_value"),
    ({"stop": ["a"] * 17}, "stop", "invalid_value"),
    ({"logit_bias": {"the": 1}}, "logit_bias", "invalid_value"),
    ({"logit_bias": {"1": 101}}, "logit_bias", "invalid_value"),
    ({"presence_penalty": 2.5}, "presence_penalty", "invalid_value"),
    ({"stream": "yes"}, "stream", "invalid_value"),
    ({"stream_options": {"include_usage": True}}, None, "invalid_value"),
    ({"stream": True, "stream_options": {"include_all": True}}, "stream_options", "unknown_parameter"),
]


class TestARefusal:
    @pytest.mark.parametrize(("fields", "param", "code"), REFUSED, ids=[str(f)[:60] for f, _, _ in REFUSED])
    async def test_names_the_field_and_asks_nothing_of_the_model(self, complete, model, fields, param, code):
        status, payload = await complete(**fields)
        assert status == 400
        assert payload["error"]["type"] == "invalid_request_error"
        message = refusal(payload, param, code)
        assert param is None or f"`{param}" in message
        assert model.asked == []

    async def test_never_repeats_what_was_sent(self, complete):
        _, payload = await complete(prompt=["my secret", "my other secret"], temperature="a secret")
        assert "secret" not in json.dumps(payload)

    async def test_without_a_prompt_says_so(self, ask):
        reply = await ask("v1", "completions", body={})
        assert "`prompt`" in refusal(json.loads(reply.body), "prompt", "missing_required_parameter")

    async def test_of_another_model_says_which_one_there_is(self, complete, embed):
        for status, payload in (
            await complete(model="gpt-3.5-turbo-instruct"),
            await embed("one", model="text-embedding-3-small"),
        ):
            assert status == 404
            assert "script-1" in refusal(payload, "model", "model_not_found")

    async def test_of_a_body_that_is_too_large_has_the_same_form(self, complete, services):
        status, payload = await complete(prompt="x" * services.settings.tether.max_body_size)
        assert status == 413
        refusal(payload, None, "too_large")

    async def test_of_a_stranger_has_the_same_form(self, ask):
        for door in ("completions", "embeddings"):
            reply = await ask("v1", door, body=OFFERED, headers={"Authorization": "Bearer wrong"})
            assert reply.code == 401
            refusal(json.loads(reply.body), None, "invalid_api_key")

    async def test_says_when_to_come_back(self, ask, model):
        model.script = [RateLimited("Later.", retry_after=7)]
        for streamed in (True, False):
            reply = await ask("v1", "completions", body={**OFFERED, "stream": streamed})
            assert (reply.code, reply.headers["Retry-After"]) == (429, "7")
            payload = json.loads(reply.body)
            assert payload["error"]["type"] == "rate_limit_error"
            refusal(payload, None, "rate_limit_exceeded")

    async def test_has_the_status_that_the_failure_has_everywhere(self, complete, model):
        for streamed in (True, False):
            model.script = [ContextOverflow("Too long by 3 tokens.")]
            status, payload = await complete(stream=streamed)
            assert (status, refusal(payload, None, "context_length_exceeded")) == (
                422,
                "Too long by 3 tokens.",
            )
            model.script = [ZeroDivisionError("a secret")]
            status, payload = await complete(stream=streamed)
            assert (status, payload["error"]["type"]) == (500, "server_error")
            assert "secret" not in refusal(payload, None, "internal")

    async def test_comes_when_as_many_turns_run_as_may(self, complete, services, model):
        services.generations.max_running = 0
        status, payload = await complete()
        assert status == 429
        refusal(payload, None, "rate_limit_exceeded")
        assert model.asked == []


class TestAStream:
    async def test_tells_text_then_the_end(self, chunks):
        *texts, last = await chunks()
        assert "".join(chunk["choices"][0]["text"] for chunk in texts) == "    return x"
        assert {chunk["choices"][0]["finish_reason"] for chunk in texts} == {None}
        assert last["choices"] == [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]
        assert len({chunk["id"] for chunk in [*texts, last]}) == 1
        assert {chunk["object"] for chunk in texts} == {"text_completion"}
        assert "usage" not in last

    async def test_counts_in_a_last_chunk_when_asked_to(self, chunks):
        *others, last = await chunks(stream_options={"include_usage": True})
        assert {json.dumps(chunk["usage"]) for chunk in others} == {"null"}
        assert last["choices"] == []
        assert last["usage"]["total_tokens"] == 9

    async def test_says_that_the_tokens_ran_out(self, chunks, model):
        model.script = [events.delta("x"), events.done("length")]
        assert (await chunks())[-1]["choices"][0]["finish_reason"] == "length"

    async def test_keeps_each_message_on_one_line(self, chunks, model):
        text = "a\nb\r\u2028c\u0085\n\ndata: [DONE]\n\n"
        model.script = [events.thinking("hm"), events.queued(1), events.delta(text), events.done()]
        first, _ = await chunks()
        assert first["choices"][0]["text"] == text

    @pytest.mark.parametrize("failure", [EngineCrashed("It died. Ask again."), ValueError("a secret")])
    async def test_that_breaks_in_the_middle_ends_with_an_error(self, chunks, model, failure):
        model.script = [events.delta("half"), failure]
        text, error = await chunks()
        assert text["choices"][0]["text"] == "half"
        assert error["error"]["type"] == "server_error"
        assert "secret" not in refusal(error, None, error["error"]["code"])

    async def test_shows_that_it_lives_while_the_model_loads(self, stream, model, monkeypatch):
        monkeypatch.setattr(chat, "HEARTBEAT", 0.01)
        monkeypatch.setattr(v1, "HEARTBEAT", 0.01)
        model.script = [WAIT, EngineCrashed("It died.")]
        found = []
        async for line in stream({**OFFERED, "stream": True}, path="v1/completions").lines():
            found.append(line)
            if line.startswith(":"):
                model.go.set()
        assert found[0] == ": still here"
        error = json.loads(next(line for line in found if "error" in line).removeprefix("data: "))
        assert refusal(error, None, "engine_crashed") == "It died."
        assert [line for line in found if line][-1] == "data: [DONE]"


class TestEmbeddings:
    async def test_are_what_openai_would_send_in_the_order_of_the_texts(self, embed):
        status, payload = await embed(["two", "one", "two"])
        assert status == 200
        v1_forms.EmbeddingList.model_validate(payload, strict=True)
        assert [row["index"] for row in payload["data"]] == [0, 1, 2]
        assert [row["embedding"] for row in payload["data"]] == [[1, 0, -1], [0.5, -0.25, 1], [1, 0, -1]]
        assert payload["usage"] == {"prompt_tokens": None, "total_tokens": None}

    async def test_of_one_text_are_one(self, embed):
        _, payload = await embed("one", encoding_format="float", user="somebody")
        assert len(payload["data"]) == 1

    async def test_come_as_base64(self, embed):
        _, payload = await embed(["one"], encoding_format="base64")
        packed = base64.b64decode(payload["data"][0]["embedding"])
        assert struct.unpack("<3f", packed) == (0.5, -0.25, 1.0)

    async def test_have_the_dimensions_that_they_have(self, embed, model):
        assert (await embed(["one", "two"], dimensions=3))[0] == 200
        model.asked.clear()
        status, payload = await embed(["one", "two"], dimensions=2)
        assert status == 400
        assert "3 dimensions" in refusal(payload, "dimensions", "unsupported_parameter")
        # One text was enough to know.
        assert model.asked == [["one"]]

    @pytest.mark.parametrize(
        ("input", "code"),
        [
            ([1, 2], "unsupported_parameter"),
            ([[1], [2]], "unsupported_parameter"),
            ([], "invalid_value"),
            ("", "invalid_value"),
            (["one", ""], "invalid_value"),
            (["one"] * 2049, "invalid_value"),
            (None, "invalid_value"),
        ],
    )
    async def test_of_what_are_no_texts_are_refused(self, embed, model, input, code):
        status, payload = await embed(input)
        assert status == 400
        assert "`input" in refusal(payload, "input", code)
        assert model.asked == []

    @pytest.mark.parametrize("field", [{"encoding_format": "int8"}, {"dimensions": 0}, {"what": 1}])
    async def test_name_the_field_that_is_wrong(self, embed, field):
        status, payload = await embed("one", **field)
        (name,) = field
        assert status == 400
        assert f"`{name}`" in refusal(payload, name, payload["error"]["code"])

    @pytest.mark.parametrize("vector", [[], [float("nan")], [1.0, float("inf")]])
    async def test_that_json_cannot_hold_are_a_failure(self, embed, model, vector):
        model.made["two"] = vector
        status, payload = await embed(["one", "two"])
        assert status == 502
        refusal(payload, None, "upstream_error")

    async def test_of_fewer_texts_than_were_sent_are_a_failure(self, embed):
        assert (await embed(["one", "a text without a vector"]))[0] == 502

    async def test_that_nobody_waits_for_are_given_up(self, hang_up, model):
        await hang_up(model, "embeddings", {"input": "wait"})


class Older(LLMService):
    """Fills in, with the keywords that there were when somebody wrote it."""

    async def infill(self, prefix, suffix, sampling, *, conversation=None, caller=None):
        yield events.delta("pass")
        yield events.done("stop")


class TestABackendThatIsOlderThanPriorities:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": f"{__name__}:Older"}}

    @pytest.mark.parametrize("priority", ["low", "interactive"])
    async def test_fills_in_whatever_the_priority(self, complete, priority):
        status, payload = await complete(priority=priority)
        assert (status, payload["choices"][0]["text"]) == (200, "pass")


class TestTheModels:
    async def test_are_those_that_answer_and_their_ids_are_taken(self, ask, complete, embed):
        reply = await ask("v1", "models", method="GET")
        payload = json.loads(reply.body)
        v1_forms.OpenAIModels.model_validate(payload, strict=True)
        assert payload["data"][0]["id"] == "script-1"
        assert (await complete(model="script-1"))[0] == 200
        assert (await embed("one", model="script-1"))[0] == 200


class TestABackendThatOnlyChats:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "mock"}}

    async def test_is_not_asked_to_chat_instead(self, complete, embed, mock):
        for status, payload in (await complete(), await complete(suffix="x"), await embed("one")):
            assert status == 400
            assert "`mock`" in refusal(payload, None, "invalid_request")
        assert not mock.prompts

    async def test_stands_in_the_list_under_its_full_name(self, ask, complete):
        payload = json.loads((await ask("v1", "models", method="GET")).body)
        assert "mock:mock" in [row["id"] for row in payload["data"]]
        assert "fills in" in (await complete(model="mock:mock"))[1]["error"]["message"]


class TestABackendOfManyModels:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "openai"}}

    async def test_says_which_one_is_set_instead_of_answering_with_it(self, complete, embed):
        for status, payload in (
            await complete(model="openai:gpt-other"),
            await embed("one", model="text-embedding-3-small"),
        ):
            assert status == 404
            assert "`openai:gpt-4o-mini`" in refusal(payload, "model", "model_not_found")


class TestTheLocalModelAndOpenAIsOwnClient:
    @pytest.fixture(scope="class")
    def filling(self, tmp_path_factory):
        """A model that puts `a, b, c` into any gap."""
        path = tmp_path_factory.mktemp("models") / "filling.gguf"
        return tiny_gguf.write(path, says=["a", ", b", ", c"], infill=True)

    @pytest.fixture
    def tether_config(self, filling):
        return {
            "Tether": {"backend": "local"},
            "LocalLLM": {"model_path": str(filling), "n_threads": 1, "slots": 1},
        }

    @pytest.fixture
    def client(self, jp_serverapp, jp_http_port, jp_base_url, http_server_client):
        """OpenAI's own client, with the server's token for a key."""
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        return AsyncOpenAI(
            api_key=jp_serverapp.identity_provider.token,
            base_url=f"http://127.0.0.1:{jp_http_port}{jp_base_url}tether/v1",
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(trust_env=False),
        )

    async def test_understand_each_other(self, client):
        import openai

        async with client:
            ids = [model.id async for model in client.models.list()]
            assert ids == ["local:filling"]
            asked = {"model": ids[0], "prompt": "f(", "suffix": ")", "temperature": 0}
            whole = await client.completions.create(**asked)
            assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("a, b, c", "stop")
            assert whole.usage.prompt_tokens == len("f()") + 3
            assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
            pieces = await client.completions.create(
                **asked, max_tokens=2, stream=True, stream_options={"include_usage": True}
            )
            *texts, end, usage = [chunk async for chunk in pieces]
            assert "".join(chunk.choices[0].text for chunk in texts) == "a, b"
            assert end.choices[0].finish_reason == "length"
            assert usage.usage.completion_tokens == 2
            made = await client.embeddings.create(model=ids[0], input=["one text", "another"])
            plain = await client.embeddings.create(
                model=ids[0], input=["one text", "another"], encoding_format="float"
            )
            for packed, listed in zip(made.data, plain.data, strict=True):
                assert packed.embedding == pytest.approx(listed.embedding, abs=1e-6)
            with pytest.raises(openai.NotFoundError) as refused:
                await client.completions.create(**{**asked, "model": "gpt-3.5-turbo-instruct"})
            assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
            with pytest.raises(openai.BadRequestError, match="`echo`"):
                await client.completions.create(**asked, echo=True)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["chat/completions", "responses", "models/some-model"])
async def test_an_address_that_is_not_here_is_refused_in_openais_form(ask, path, method):
    reply = await ask("v1", *path.split("/"), method=method, body={"messages": []})
    error = json.loads(reply.body)["error"]
    assert reply.code == 404
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "unknown_url", None)
    assert ("`POST tether/chat`" in error["message"]) == (path == "chat/completions")
    assert ("`POST tether/v1/completions`" in error["message"]) == (path == "chat/completions")
