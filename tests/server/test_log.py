"""Nothing secret reaches the log, whatever a handler does."""

import json
import logging

import pytest

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
