"""Nothing secret reaches the log, whatever a handler does."""

import json
import logging

import pytest

from tests.support.wire import UPGRADE, send
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.routes import ROUTES

CANARIES = {
    "query": "canary-in-the-query",
    "header": "canary-in-a-header",
    "cookie": "canary-in-a-cookie",
    "body": "canary-in-the-body",
    "raised": "canary-in-the-exception",
}


@pytest.fixture
def broken(monkeypatch):
    """Make every handler raise something that holds a secret."""

    async def fail(self, *args, **kwargs):
        raise RuntimeError(f"the key is {CANARIES['raised']}: {bytes(self._body)!r}")

    for _, handler in ROUTES:
        for verb in ("get", "post", "delete"):
            if verb in vars(handler) and issubclass(handler, TetherHandler):
                monkeypatch.setattr(handler, verb, fail)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "chat"), ("POST", "stop/c_1"), ("GET", "health"), ("DELETE", "generations/m_1")],
)
async def test_a_handler_that_raises_writes_none_of_what_it_was_told(ask, broken, caplog, method, path):
    caplog.set_level(logging.DEBUG)
    reply = await ask(
        *path.split("/"),
        method=method,
        body={"message": CANARIES["body"]},
        params={"q": CANARIES["query"], "api_key": CANARIES["query"]},
        headers={
            "Referer": f"http://127.0.0.1/?token={CANARIES['header']}",
            "Cookie": f"session={CANARIES['cookie']}",
            "X-Api-Key": CANARIES["header"],
        },
    )
    assert reply.code == 500
    assert json.loads(reply.body)["error"]["type"] == "internal"
    written = caplog.text + reply.body.decode()
    assert [name for name, canary in CANARIES.items() if canary in written] == []
    assert "RuntimeError" in caplog.text


async def test_a_bad_body_is_not_written_down(ask, caplog):
    caplog.set_level(logging.DEBUG)
    await ask("chat", body={"message": ["canary"], "temperature": "canary", "canary-name": 1})
    assert "canary" not in caplog.text


async def test_a_callers_text_cannot_forge_a_line_of_the_log(ask, caplog):
    caplog.set_level(logging.DEBUG)
    await ask("no%0A[I] admin logged in", method="GET")
    assert not any(line.startswith("[I] admin") for line in caplog.text.splitlines())


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "health", {"Origin": "http://" + "o" * 60_000}),
        ("GET", "health", {"Origin": "http://" + "o" * 500}),
        ("GET", "p" * 60_000, {"Origin": "https://evil.example"}),
        ("GET", "chat/ws", {"Origin": "http://" + "o" * 60_000, **UPGRADE}),
        ("GET", "chat/ws", {"Origin": "http://" + "o" * 500, **UPGRADE}),
        ("GET", "health", {"Host": "h" * 60_000}),
        ("GET", "health", {"Host": "h" * 500}),
        ("M" * 60_000, "health", {}),
        ("M" * 60_000, "chat/ws", {}),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_caller_does_not_fill_the_log_with_one_request(
    http_server_client, jp_http_port, jp_base_url, jp_auth_header, caplog, method, path, headers
):
    caplog.set_level(logging.DEBUG)
    for known in ({}, jp_auth_header):
        reply = await send(jp_http_port, method, f"{jp_base_url}tether/{path}", {**headers, **known})
        assert 400 <= reply.status < 500 or (known and reply.status in (101, 200))
    assert [len(line) for line in caplog.text.splitlines() if len(line) >= 2048] == []
