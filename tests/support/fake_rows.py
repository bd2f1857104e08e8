"""A Jupyter server with Tether, played for runs over rows: each prompt's answer comes from its words.

`python -m tests.support.fake_rows LATENCY` runs one for a benchmark: it prints its port, and `GET /stats`
tells how many questions came, how many were answered and how many were under way at most.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from typing import Any, Self

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

PATIENCE = 20.0
TOKEN = "rows-4711"
HERE = {"status": "healthy", "model": "tiny", "backend": "local", "place": "this machine", "demo": False,
        "llm_service": {"ready": True, "engine": {"slots": 4}}}  # fmt: skip
ELSEWHERE = {**HERE, "backend": "openai", "place": "api.example.org", "llm_service": {"ready": True}}


def refusal(kind: str, status: int, retry_after: float | None = None, message: str = "No.") -> dict[str, Any]:
    """Return a step of a prompt's script: a failure before any answer."""
    wait = {} if retry_after is None else {"retry_after": retry_after}
    return {"status": status, "error": {"type": kind, "message": message, **wait}}


class FakeRows:
    """The server, in a thread of its own. Use it in a `with` block.

    Attributes
    ----------
    answer:
        Makes the text of an answer from the request.
    scripts:
        What happens first to a prompt that holds a text: steps, each a text to answer with, a `refusal`,
        `"drop"` (the connection breaks), or `{"text", "finish_reason"}`.
    most:
        How many questions it takes at once; more are refused.
    held:
        Prompts that hold one of these texts wait until `release`.
    """

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        self.port = 0
        self._changed = threading.Condition()
        self.forget()

    def forget(self) -> None:
        """Forget all that was asked, and answer plainly again."""
        self.answer: Callable[[dict[str, Any]], str] = lambda request: str(request["message"]).upper()
        self.scripts: dict[str, list[Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.health: dict[str, Any] = dict(HERE)
        self.models: list[dict[str, Any]] = []
        self.cost: float | None = None
        self.most: int | None = None
        self.held: list[str] = []
        self.answered = self.inside = self.most_inside = self.refused = self.gone = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def prompts(self) -> list[str]:
        """The questions that came, in their order."""
        return [str(request["message"]) for request in self.requests]

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve(started.set)), daemon=True)
        self._thread.start()
        assert started.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)

    def release(self) -> None:
        """Let the prompts go on that are held."""
        self.held = []

    def wait_for(self, reached: Callable[[FakeRows], bool]) -> None:
        """Wait until something has come about."""
        with self._changed:
            assert self._changed.wait_for(lambda: reached(self), PATIENCE)

    def note(self) -> None:
        """Wake whoever waits for something to come about."""
        with self._changed:
            self._changed.notify_all()

    async def serve(self, ready: Callable[[], Any]) -> None:
        """Serve until the end is set."""
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        fake = {"fake": self}
        application = tornado.web.Application([
            (r"/tether/chat", Chat, fake),
            (r"/tether/health", Told, {**fake, "what": lambda: self.health}),
            (r"/tether/models", Told, {**fake, "what": lambda: {"models": self.models, "problem": None}}),
            (r"/stats", Told, {**fake, "what": self.stats, "token": None}),
        ])  # fmt: skip
        server = HTTPServer(application)
        sockets = bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        server.add_sockets(sockets)
        ready()
        await self._end.wait()
        server.stop()
        await server.close_all_connections()

    def stats(self) -> dict[str, int]:
        """Return the counts."""
        return {"asked": len(self.requests), "answered": self.answered, "most": self.most_inside}


class Door(tornado.web.RequestHandler):
    """What every route does: check the token."""

    def initialize(self, fake: FakeRows, token: str | None = TOKEN, what: Any = None) -> None:
        self.fake, self.token, self.what = fake, token, what
        self.gone = False

    def prepare(self) -> None:
        if self.token and self.request.headers.get("Authorization") != f"token {self.token}":
            self.set_status(403)
            self.finish({"message": "Forbidden", "reason": None})

    def on_connection_close(self) -> None:
        self.gone = True


class Told(Door):
    def get(self) -> None:
        self.finish(json.dumps(self.what()))


class Chat(Door):
    async def post(self) -> None:
        fake = self.fake
        request = json.loads(self.request.body)
        fake.requests.append(request)
        fake.inside += 1
        fake.most_inside = max(fake.most_inside, fake.inside)
        fake.note()
        try:
            await self.reply(request)
        finally:
            fake.inside -= 1
            fake.note()

    async def reply(self, request: dict[str, Any]) -> None:
        fake, prompt = self.fake, str(request["message"])
        if fake.most is not None and fake.inside > fake.most:
            fake.refused += 1
            self.refuse(refusal("rate_limited", 429, 0.001))
            return
        if fake.latency:
            await asyncio.sleep(fake.latency)
        # Another thread lets it go, and the client may go away first.
        while not self.gone and any(text in prompt for text in fake.held):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        if self.gone:
            fake.gone += 1
            return
        steps = next((steps for text, steps in fake.scripts.items() if text in prompt and steps), None)
        step = steps.pop(0) if steps else fake.answer(request)
        if step == "drop":
            self.request.connection.stream.close()
            return
        if isinstance(step, dict) and "error" in step:
            self.refuse(step)
            return
        told = step if isinstance(step, dict) else {"text": step}
        fake.answered += 1
        self.finish({
            "id": "m_1", "conversation_id": "c_1", "model": "local:tiny", "tools": [],
            "content": told["text"], "finish_reason": told.get("finish_reason", "stop"),
            "usage": {"prompt_tokens": 10, "completion_tokens": 2, "cost_usd": fake.cost},
        })  # fmt: skip

    def refuse(self, step: dict[str, Any]) -> None:
        self.set_status(step["status"])
        self.finish({"error": step["error"]})


async def main(latency: float) -> None:
    """Serve for a benchmark until standard input ends."""
    fake = FakeRows(latency)
    fake.health = dict(ELSEWHERE)
    fake.answer = lambda request: json.dumps({"label": "good" if len(str(request["message"])) % 2 else "bad"})

    def ready() -> None:
        sys.stdout.write(f"{fake.port}\n")
        sys.stdout.flush()

    served = asyncio.create_task(fake.serve(ready))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    served.cancel()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
