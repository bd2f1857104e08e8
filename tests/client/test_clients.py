"""Both clients against a server that plays along, or does not."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_tether import FakeTether, model, words
from tether_jupyter.client import AsyncClient, Client, Reply, http
from tether_jupyter.core.events import Event, kind
from tether_jupyter.errors import (
    EngineCrashed,
    Forbidden,
    ModelNotReady,
    NotFound,
    RateLimited,
    TetherError,
    Unauthorized,
    UpstreamError,
)

TOKEN = "never-shown-4711"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeTether]:
    with FakeTether(token=TOKEN, base_url="/base/") as fake:
        yield fake


@pytest.fixture
def tether(server: FakeTether) -> FakeTether:
    server.forget()
    return server


class Door:
    """One of the two clients, so that a test can ask both in the same words."""

    def __init__(self, *, sync: bool) -> None:
        self.sync = sync

    def do(self, method: str, *args: Any, url: str, token: str | None = TOKEN, **request: Any) -> Any:
        if self.sync:
            with Client(url, token) as client:
                return getattr(client, method)(*args, **request)

        async def ask() -> Any:
            async with AsyncClient(url, token) as client:
                return await getattr(client, method)(*args, **request)

        return asyncio.run(ask())

    def events(
        self, url: str, message: str = "q", until: Callable[[Event], bool] = lambda _: False
    ) -> list[Event]:
        seen: list[Event] = []
        if self.sync:
            with Client(url, TOKEN) as client, client.stream(message) as stream:
                for event in stream:
                    seen.append(event)
                    if until(event):
                        break
            return seen

        async def ask() -> None:
            async with AsyncClient(url, TOKEN) as client, client.stream(message) as stream:
                async for event in stream:
                    seen.append(event)
                    if until(event):
                        break

        asyncio.run(ask())
        return seen


@pytest.fixture(params=[True, False], ids=["sync", "async"])
def door(request: pytest.FixtureRequest) -> Door:
    return Door(sync=request.param)


def test_a_reply_is_its_text_and_knows_its_turn(door: Door, tether: FakeTether) -> None:
    reply = door.do("chat", "hi", url=tether.url, temperature=0.1, model=None)
    assert str(reply) == reply.text == "Hello there"
    assert (reply.conversation_id, reply.model, reply.finish_reason) == ("c_1", "local:tiny", "stop")
    assert (reply.id, reply.usage["completion_tokens"]) == ("m_1", 2)
    assert tether.requests == [{"message": "hi", "temperature": 0.1}]


def test_a_stream_yields_the_events_in_order(door: Door, tether: FakeTether) -> None:
    events = door.events(tether.url)
    assert [kind(event) for event in events] == ["meta", "delta", "delta", "usage", "done"]
    assert Reply.from_events(events).text == "Hello there"


def test_halves_of_characters_are_joined_or_replaced_and_stop_no_question(
    door: Door, tether: FakeTether
) -> None:
    cut, joined = "cut \ud83d", "whole \ud83d\ude00"
    door.do("chat", cut, url=tether.url, context={"items": [{cut: joined, "n": 1}], "rows": (cut,)})
    sent = {"items": [{"cut \ufffd": "whole \U0001f600", "n": 1}], "rows": ["cut \ufffd"]}
    assert tether.requests == [{"message": "cut \ufffd", "context": sent}]
    door.events(tether.url, cut)
    assert tether.requests[-1]["message"] == "cut \ufffd"
    assert door.do("new_conversation", url=tether.url, title=cut)


def test_a_file_whose_name_is_not_utf_8_is_sent(door: Door, tether: FakeTether, tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.txt"
    try:
        path.write_bytes(b"milk")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes UTF-8 alone")
    door.do("upload", path, url=tether.url)
    assert tether.uploads == [("caf\ufffd.txt", b"milk")]


def test_leaving_a_stream_closes_the_connection(door: Door, tether: FakeTether) -> None:
    tether.script = [{"delta": "x"}, {"wait": "never"}]
    door.events(tether.url, until=lambda event: kind(event) == "delta")
    tether.wait_for_close()


def test_an_error_in_the_stream_is_raised_as_what_it_is(door: Door, tether: FakeTether) -> None:
    tether.script = [
        {"delta": "x"},
        {"error": {"type": "engine_crashed", "message": "It fell.", "hint": "Up."}},
    ]
    with pytest.raises(EngineCrashed, match="It fell") as raised:
        door.events(tether.url)
    assert raised.value.hint == "Up."


@pytest.mark.parametrize("method", ["chat", "stream"])
def test_a_refusal_is_raised_as_what_it_is(door: Door, tether: FakeTether, method: str) -> None:
    tether.script = [{"refuse": {"type": "rate_limited", "message": "Slow down."}, "status": 429}]
    with pytest.raises(RateLimited, match="Slow down"):
        door.do("chat", "q", url=tether.url) if method == "chat" else door.events(tether.url)


@pytest.mark.parametrize("method", ["chat", "stream"])
@pytest.mark.parametrize(
    "refusal",
    [
        {"refuse": {"type": "rate_limited", "message": "Slow down.", "retry_after": 7}},
        {"refuse": {"type": "rate_limited", "message": "Slow down."}, "header": ["Retry-After", "7"]},
        {"refuse": None, "header": ["Retry-After", "7"]},
    ],
    ids=["in the error", "in the header", "from a proxy"],
)
def test_a_limit_says_when_to_try_again(
    door: Door, tether: FakeTether, refusal: dict[str, Any], method: str
) -> None:
    tether.script = [{**refusal, "status": 429}]
    with pytest.raises(RateLimited) as raised:
        door.do("chat", "q", url=tether.url) if method == "chat" else door.events(tether.url)
    assert raised.value.retry_after == 7


def test_a_date_to_try_again_at_is_no_number_of_seconds(door: Door, tether: FakeTether) -> None:
    date = ["Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"]
    tether.script = [{"refuse": None, "status": 429, "header": date}]
    with pytest.raises(RateLimited) as raised:
        door.do("chat", "q", url=tether.url)
    assert raised.value.retry_after is None


def test_the_models_come_with_what_could_not_be_told(door: Door, tether: FakeTether) -> None:
    tether.models = {"models": [model(loaded=True)], "problem": "One backend is silent."}
    assert door.do("models", url=tether.url) == tether.models


def test_the_presets_are_those_of_the_front_end_that_asks(door: Door, tether: FakeTether) -> None:
    tether.presets = {"my:lab": {"presets": [{"name": "kind", "values": {}}], "active": "kind"}}
    assert door.do("presets", "my:lab", url=tether.url)["active"] == "kind"
    assert door.do("presets", url=tether.url) == {"presets": [], "active": None}


def test_a_model_is_loaded_and_unloaded_by_its_name_or_as_usual(door: Door, tether: FakeTether) -> None:
    assert door.do("load", "local:big", url=tether.url)["loaded"] is True
    assert door.do("unload", url=tether.url)["loaded"] is False
    assert tether.asked == [("load", {"name": "local:big"}), ("unload", {})]


def test_a_model_that_cannot_be_loaded_is_an_error(door: Door, tether: FakeTether) -> None:
    tether.script = [{"refuse": {"type": "not_found", "message": "No such model."}, "status": 404}]
    with pytest.raises(NotFound, match="No such model"):
        door.do("load", "big", url=tether.url)


@pytest.mark.parametrize(
    "script",
    [
        [{"delta": "x"}, {"drop": True}],
        [{"delta": "x"}],
        [{"raw": b'{"delta": "cut'}],
    ],
    ids=["broken", "without an end", "in mid-line"],
)
def test_an_answer_that_does_not_end_is_an_error(
    door: Door, tether: FakeTether, script: list[dict[str, Any]]
) -> None:
    tether.script = script
    with pytest.raises(UpstreamError, match="lost before the answer was complete"):
        door.events(tether.url)


def test_noise_is_an_error(door: Door, tether: FakeTether) -> None:
    tether.script = [{"raw": b"<html>\n"}]
    with pytest.raises(UpstreamError, match="not an event"):
        door.events(tether.url)


def test_a_wrong_token_is_told_without_the_token(door: Door, tether: FakeTether) -> None:
    with pytest.raises(Forbidden) as raised:
        door.do("chat", "q", url=tether.url, token="wrong-4711")
    assert "JUPYTER_TOKEN" in (raised.value.hint or "")
    assert "4711" not in f"{raised.value!r}{raised.value.hint}"


def test_a_server_without_tether_is_told_from_other_misses(door: Door, tether: FakeTether) -> None:
    with pytest.raises(NotFound, match="has no Tether") as raised:
        door.do("chat", "q", url=tether.url.replace("/base/", "/other/"))
    assert "tether doctor" in (raised.value.hint or "")


def test_nobody_there_is_told_with_what_to_do(door: Door) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelNotReady, match="does not answer") as raised:
        door.do("chat", "q", url=f"http://127.0.0.1:{port}/?token={TOKEN}")
    assert "jupyter lab" in (raised.value.hint or "")
    assert TOKEN not in f"{raised.value!r}{raised.value.hint}{raised.value.__cause__!r}"


def test_health_and_stop_reach_the_server(door: Door, tether: FakeTether) -> None:
    assert door.do("health", url=tether.url)["status"] == "healthy"
    door.do("stop", "c_1", url=tether.url)
    assert tether.stopped == ["c_1"]
    assert door.do("new_conversation", url=tether.url, kernel_id="k") == "c_1"


def test_health_tells_also_when_it_is_bad(door: Door, tether: FakeTether) -> None:
    tether.health = {"status": "unhealthy", "problem": "no model"}
    tether.health_status = 503
    assert door.do("health", url=tether.url)["problem"] == "no model"


def test_the_token_stands_in_one_header_and_nowhere_else(door: Door, tether: FakeTether) -> None:
    door.events(tether.url)
    headers = tether.headers[-1]
    assert headers.pop("Authorization") == f"token {TOKEN}"
    assert TOKEN not in json.dumps([headers, tether.paths, tether.requests])
    for client in (Client(tether.url, TOKEN), AsyncClient(tether.url, TOKEN)):
        assert TOKEN not in repr(client)


def test_a_redirect_is_not_followed(door: Door) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(
                    b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/login\r\nContent-Length: 0\r\n\r\n"
                )

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unauthorized):
            door.do("chat", "q", url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
    assert len(asked) == 1


def test_a_proxy_is_not_asked_about_this_machine(
    door: Door, tether: FakeTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert door.do("chat", "q", url=tether.url).text == "Hello there"


def test_a_server_that_came_back_elsewhere_is_found_again(
    tether: FakeTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOKEN", TOKEN)
    with FakeTether(token=TOKEN) as first:
        monkeypatch.setenv("JUPYTER_SERVER_URL", first.url)
        client = Client()
        assert client.chat("q").text == "Hello there"
    monkeypatch.setenv("JUPYTER_SERVER_URL", tether.url)
    assert client.chat("q").text == "Hello there"
    client.close()


def test_one_connection_serves_one_question_after_another(tether: FakeTether) -> None:
    with Client(tether.url, TOKEN) as client:
        ports = set()
        for _ in range(5):
            with client.stream("q") as stream:
                wire = stream.open().extensions["network_stream"]
                ports.add(wire.get_extra_info("client_addr"))
                list(stream)
    assert len(ports) == 1


def test_abort_wakes_a_thread_that_waits_for_an_event(tether: FakeTether) -> None:
    tether.script = [{"delta": "x"}, {"wait": "never"}]
    ended: list[TetherError] = []
    with Client(tether.url, TOKEN) as client, client.stream("q") as stream:

        def read() -> None:
            try:
                list(stream)
            except TetherError as reason:
                ended.append(reason)

        thread = threading.Thread(target=read)
        thread.start()
        tether.wait_until_reached("never")
        stream.abort()
        thread.join(20)
        assert not thread.is_alive()
    assert isinstance(ended[0], UpstreamError)
    tether.wait_for_close()


def test_importing_the_client_imports_no_http() -> None:
    import subprocess
    import sys

    code = "import sys, tether_jupyter.client.sync, tether_jupyter.client.aio; print('httpx' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_a_long_answer_comes_whole(door: Door, tether: FakeTether) -> None:
    pieces = [f"{number} ä€😀 " for number in range(3000)]
    tether.script = words(*pieces)
    assert "".join(e.get("delta", "") for e in door.events(tether.url)) == "".join(pieces)


def test_whoever_waits_for_a_connection_waits_as_long_as_the_answers_before() -> None:
    """The pool has a hundred, and each is taken for as long as a model writes."""
    assert http.timeout().pool is None
    assert http.timeout().connect == http.CONNECT_SECONDS
