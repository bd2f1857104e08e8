"""A turn over HTTP: whole, streamed, stopped, refused."""

import asyncio
import json

import pytest
from tornado.httpclient import HTTPClientError

from tether_jupyter.core import events

QUESTION = {"message": "What is a tether?"}


def content(response):
    return json.loads(response.body)


async def test_an_answer_comes_whole_as_one_object(ask):
    reply = await ask("chat", body=QUESTION)
    answer = content(reply)
    assert reply.code == 200
    assert set(answer) == {
        "id",
        "conversation_id",
        "model",
        "content",
        "finish_reason",
        "usage",
        "tools",
    }
    assert answer["content"] == "You asked: What is a tether?"
    assert answer["finish_reason"] == "stop"
    assert answer["model"] == "mock:mock"


async def test_generate_is_the_same_turn_under_another_name(ask):
    assert content(await ask("generate", body={"prompt": "hi"}))["content"] == "You asked: hi"


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/event-stream"])
async def test_a_stream_holds_the_events_in_the_contracts_order(stream, accept):
    found = []
    async for line in stream(QUESTION, accept).lines():
        if accept == "application/x-ndjson" and line:
            found.append(json.loads(line))
        elif line.startswith("data: "):
            found.append(json.loads(line[6:]))
    kinds = [events.kind(event) for event in found]
    assert kinds[0] == "meta"
    assert kinds[-2:] == ["usage", "done"]
    assert kinds.count("meta") == kinds.count("usage") == kinds.count("done") == 1
    assert "".join(e["delta"] for e in found if "delta" in e) == "You asked: What is a tether?"
    assert list(found[0]["meta"]) == [
        "id",
        "conversation_id",
        "parent_id",
        "model",
        "role",
        "correlation_id",
    ]
    assert list(found[-2]["usage"]) == [
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "cost_usd",
        "ttft_ms",
        "tokens_per_s",
    ]


async def test_sse_names_each_event_and_numbers_it(stream):
    text = "\n".join([line async for line in stream(QUESTION, "text/event-stream").lines()])
    blocks = [b.split("\n") for b in text.strip().split("\n\n")]
    numbers = []
    for number, name, data in blocks:
        numbers.append(int(number.removeprefix("id: ")))
        assert name == f"event: {events.kind(json.loads(data.removeprefix('data: ')))}"
    assert numbers == sorted(set(numbers))


async def test_chat_streams_where_accept_asks_for_it(stream):
    opened = stream(QUESTION, "application/x-ndjson", path="chat")
    kinds = [events.kind(event) async for event in opened.events()]
    assert kinds[0] == "meta"


async def test_text_arrives_before_the_answer_is_complete(stream, mock):
    mock.script = [events.delta("first"), {"sleep": 3600}]
    opened = stream(QUESTION)
    async for event in opened.events():
        if "delta" in event:
            assert event == {"delta": "first"}
            break
    assert not opened.response.done()
    opened.response.cancel()


async def test_whatever_gathers_is_sent_as_one_piece(stream, mock):
    mock.script = [events.delta("a"), events.delta("b"), events.thinking("t"), events.delta("c")]
    found = [e async for e in stream(QUESTION).events() if "delta" in e or "thinking" in e]
    assert found == [{"delta": "ab"}, {"thinking": "t"}, {"delta": "c"}]


async def test_stop_ends_the_stream_with_cancelled_and_keeps_the_text(ask, stream, mock):
    mock.script = [events.delta("so far"), {"sleep": 3600}]
    found = []
    async for event in stream(QUESTION).events():
        found.append(event)
        if "delta" in event:
            stopped = await ask("stop", found[0]["meta"]["conversation_id"])
            assert content(stopped)["stopped"] == 1
    assert found[-1] == {"done": True, "finish_reason": "cancelled"}
    assert mock.open == 0
    messages = await ask("conversations", found[0]["meta"]["conversation_id"], "messages", method="GET")
    answer = content(messages)["messages"][-1]
    assert (answer["content"], answer["finish_reason"]) == ("so far", "cancelled")


@pytest.mark.parametrize("path", ["chat/stream", "chat"])
async def test_a_client_that_goes_away_stops_its_turn(
    path, services, mock, http_server_client, jp_http_port, jp_base_url, jp_auth_header
):
    mock.script = [events.delta("a"), {"sleep": 3600}]
    body = json.dumps(QUESTION).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    writer.write(
        f"POST {jp_base_url}tether/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: {jp_auth_header['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    async with asyncio.timeout(20):
        await mock.asked.wait()
        (generation,) = services.generations._running.values()
        writer.close()
        await generation.wait()
    assert mock.open == 0
    assert generation.summary()["status"] == "cancelled"


async def test_a_failure_before_the_answer_has_its_own_status(ask, mock):
    mock.script = [{"fail": "upstream_timeout"}]
    reply = await ask("chat", body=QUESTION)
    assert reply.code == 504
    assert content(reply)["error"]["type"] == "upstream_timeout"
    assert content(reply)["error"]["retryable"] is True


async def test_a_failure_in_the_middle_ends_the_stream_with_a_typed_error(stream, mock):
    mock.script = [events.delta("half"), {"fail": "upstream_error"}]
    found = [event async for event in stream(QUESTION).events()]
    assert found[1] == {"delta": "half"}
    assert found[-1]["error"]["type"] == "upstream_error"
    assert "done" not in [events.kind(e) for e in found]


async def test_a_backend_that_raises_anything_ends_the_turn_without_telling_its_secrets(stream, mock):
    mock.script = [{"raise": "the key is sk-canary"}]
    found = [event async for event in stream(QUESTION).events()]
    assert found[-1]["error"]["type"] == "internal"
    assert "canary" not in json.dumps(found)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Send the question as `message`."),
        ({"message": ""}, "The question is empty."),
        ({"message": "  "}, "The question is empty."),
        ({"message": "hi", "colour": 1}, "Unknown field `colour`."),
        ({"message": "hi", "temperature": "hot"}, "`temperature`"),
        ({"message": "hi", "temperature": 3}, "`temperature`"),
        ({"message": "hi", "max_tokens": 0}, "`max_tokens`"),
        ({"message": 5}, "`message"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "must be the user's"),
        ({"message": "hi", "conversation_id": "../etc"}, "`conversation_id`"),
        ({"message": "hi", "tools": "auto"}, "Tools are not here yet"),
        ({"message": "hi", "model": "nobody:x", "seed": -1}, "`seed`"),
        ([], "must be a JSON object"),
        ("x", "must be a JSON object"),
        (1, "must be a JSON object"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(ask, body, said):
    reply = await ask("chat", body=body)
    assert reply.code == 400
    assert content(reply)["error"]["type"] == "invalid_request"
    assert said in content(reply)["error"]["message"]


@pytest.mark.parametrize(
    "raw",
    [
        b"null",
        b"{",
        b"",
        b'{"message": NaN}',
        b'{"message": "a", "message": "b"}',
        b"[" * 100_000,
        b'{"message": "\\ud800"}',
        b'{"message": "\xff"}',
        b'{"message": "\xed\xa0\x80"}',
        '{"message": "hi"}'.encode("utf-16"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused_quietly(jp_fetch, raw):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(
            "tether", "chat", method="POST", body=raw, headers={"Content-Type": "application/json"}
        )
    assert refused.value.code == 400


async def test_a_question_that_is_too_long_is_refused_with_the_numbers(ask):
    reply = await ask("chat", body={"message": "x" * 10_001})
    assert reply.code == 413
    assert "10001" in content(reply)["error"]["message"]
    assert "10000" in content(reply)["error"]["message"]


async def test_a_body_that_is_too_large_is_refused_however_it_is_sent(
    services, ask, http_server_client, jp_http_port, jp_base_url, jp_auth_header
):
    services.settings.tether.max_body_size = 2000
    reply = await ask("chat", body={"message": "x", "system": "y" * 3000})
    assert reply.code == 413
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    writer.write(
        f"POST {jp_base_url}tether/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        f"Authorization: {jp_auth_header['Authorization']}\r\nContent-Type: application/json\r\n\r\n".encode()
        + b"3e8\r\n"
        + b"x" * 1000
        + b"\r\n"
        + b"7d0\r\n"
        + b"x" * 2000
        + b"\r\n0\r\n\r\n"
    )
    assert b" 413 " in await reader.readline()
    writer.close()


async def test_the_other_spellings_mean_the_same(ask, mock):
    body = {
        "prompt": "now",
        "conversationId": "mine",
        "chatHistory": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        "projectFiles": ["x = 1"],
        "correlationId": "trace-7",
    }
    reply = await ask("chat", body=body)
    assert content(reply)["conversation_id"] == "mine"
    assert reply.headers["X-Correlation-Id"] == "trace-7"
    said = [m["content"] for m in mock.prompts[-1].messages]
    assert said[1:3] == ["a", "b"]
    assert said[3].startswith('<file name="file 1">\nx = 1\n</file>')
    assert said[3].endswith("now")


async def test_a_refusal_and_a_preview_carry_the_id_of_their_question_too(ask):
    refused = await ask("chat", body={"message": "", "correlation_id": "trace-8"})
    assert (refused.code, refused.headers["X-Correlation-Id"]) == (400, "trace-8")
    shown = await ask("context", body={"message": "now", "correlationId": "trace-9"})
    assert (shown.code, shown.headers["X-Correlation-Id"]) == (200, "trace-9")


async def test_a_conversation_goes_on(ask, mock):
    first = content(await ask("chat", body={"message": "one"}))
    await ask("chat", body={"message": "two", "conversation_id": first["conversation_id"]})
    assert [m["content"] for m in mock.prompts[-1].messages][1:] == ["one", "You asked: one", "two"]


async def test_a_turn_that_is_not_stored_leaves_nothing_behind(ask):
    answer = content(await ask("chat", body={"message": "one", "store": False}))
    reply = await ask("conversations", answer["conversation_id"], method="GET")
    assert reply.code == 404


async def test_a_notebook_goes_on_where_the_server_has_forgotten_its_conversation(ask):
    body = {"message": "one", "conversation_id": "c_0123", "notebook": "n.ipynb"}
    answer = content(await ask("chat", body=body))
    assert answer["conversation_id"] != "c_0123"
    found = await ask("conversations", method="GET", params={"notebook": "n.ipynb"})
    assert [c["id"] for c in content(found)["conversations"]] == [answer["conversation_id"]]


async def test_a_model_that_is_not_here_is_not_found(ask):
    reply = await ask("chat", body={"message": "hi", "model": "mock:other"})
    assert reply.code == 404
    assert "answers with `mock`" in content(reply)["error"]["message"]


async def test_an_unknown_conversation_of_ours_is_not_found(ask):
    reply = await ask("chat", body={"message": "one", "conversation_id": "c_0123"})
    assert reply.code == 404


async def test_a_turn_can_be_asked_for_by_its_id(ask):
    answer = content(await ask("chat", body=QUESTION))
    state = content(await ask("generations", answer["id"], method="GET"))
    assert state["status"] == "stop"
    assert state["usage"] == answer["usage"]


async def test_a_turn_can_be_cancelled_by_its_id(ask, stream, mock):
    mock.script = [{"sleep": 3600}]
    async for event in stream(QUESTION).events():
        if "meta" in event:
            reply = await ask("generations", event["meta"]["id"], method="DELETE")
            assert content(reply)["status"] == "cancelled"
        last = event
    assert last["finish_reason"] == "cancelled"


async def test_a_notebook_has_one_conversation_for_every_door(ask, mock):
    first = content(await ask("chat", body={"message": "in a cell", "notebook": "a/b.ipynb"}))
    second = content(await ask("chat", body={"message": "in the panel", "notebook": "a/b.ipynb"}))
    other = content(await ask("chat", body={"message": "elsewhere", "notebook": "c.ipynb"}))
    assert first["conversation_id"] == second["conversation_id"] != other["conversation_id"]
    found = await ask("conversations", method="GET", params={"notebook": "a/b.ipynb"})
    assert [c["id"] for c in content(found)["conversations"]] == [first["conversation_id"]]


async def test_a_kernel_stands_for_its_notebook(ask, jp_serverapp, jp_create_notebook):
    jp_create_notebook("nb.ipynb")
    sessions = jp_serverapp.session_manager
    session = await sessions.create_session(path="nb.ipynb", type="notebook", kernel_name="python3")
    try:
        by_path = content(await ask("chat", body={"message": "1", "notebook": "nb.ipynb"}))
        kernel = session["kernel"]["id"]
        by_kernel = content(await ask("chat", body={"message": "2", "kernel_id": kernel}))
    finally:
        await sessions.delete_session(session["id"])
    assert by_path["conversation_id"] == by_kernel["conversation_id"]


async def test_a_renamed_notebook_keeps_its_conversation(ask):
    first = content(await ask("chat", body={"message": "1", "notebook": "old.ipynb"}))
    known = {"conversation_id": first["conversation_id"]}
    await ask("chat", body={"message": "2", "notebook": "new.ipynb", **known})
    by_path = content(await ask("chat", body={"message": "3", "notebook": "new.ipynb"}))
    assert by_path["conversation_id"] == first["conversation_id"]
    old = await ask("conversations", method="GET", params={"notebook": "old.ipynb"})
    assert content(old)["conversations"] == []


async def test_a_conversation_of_ones_own_is_not_taken_for_the_notebooks(ask):
    body = {"message": "1", "conversation_id": "mine"}
    await ask("chat", body=body)
    await ask("chat", body={**body, "notebook": "n.ipynb"})
    found = await ask("conversations", method="GET", params={"notebook": "n.ipynb"})
    assert content(found)["conversations"] == []


async def test_a_new_chat_is_the_notebooks_conversation_from_then_on(ask):
    first = content(await ask("chat", body={"message": "1", "notebook": "n.ipynb"}))
    fresh = content(await ask("conversations", body={"notebook": "n.ipynb"}))
    then = content(await ask("chat", body={"message": "2", "notebook": "n.ipynb"}))
    assert fresh["id"] == then["conversation_id"] != first["conversation_id"]


class TestWithRoomForOneTurn:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "mock", "max_turns": 1}}

    async def test_one_turn_too_many_is_told_to_wait(self, ask, stream, mock):
        mock.script = [events.delta("a"), {"sleep": 3600}]
        opened = stream(QUESTION)
        async for event in opened.events():
            if "delta" in event:
                reply = await ask("chat", body=QUESTION)
                assert reply.code == 429
                assert content(reply)["error"]["retryable"] is True
                break
        opened.response.cancel()
