"""A Jupyter server with Tether, played: it speaks the contract and does what a test tells it to.

A script is a list of steps. A step is an event of a turn, or one of `{"sleep": seconds}`,
`{"wait": name}` (until the test calls `release(name)`; `stop` is released when a conversation is stopped),
`{"repeat": [count, event, gap]}`, `{"drop": True}` (the connection breaks), `{"raw": bytes}` and
`{"refuse": error payload, "status": 503}` (before any byte; `"header": [name, value]` adds one, and a
payload of `None` leaves the body out).
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any, Self

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets

from tether_jupyter.core import events

PATIENCE = 20.0
TOKEN = "sesame-4711"
HEALTH = {"status": "healthy", "model": "tiny", "backend": "local", "place": "this machine", "demo": False}


def model(name: str = "tiny", **known: Any) -> dict[str, Any]:
    """Return a model's row: one that is here and not loaded, unless said."""
    return {"name": name, "backend": "local", "place": "this machine", "installed": True, "loaded": False,
            "active": False, "size": None, "problem": None, "engine": None, **known}  # fmt: skip


def words(*texts: str, finish_reason: str = "stop") -> list[dict[str, Any]]:
    """Return the script of a plain answer."""
    return [*map(events.delta, texts), events.usage(completion_tokens=len(texts), tokens_per_s=41.0),
            {"done": True, "finish_reason": finish_reason}]  # fmt: skip


class FakeTether:
    """The server, in a thread of its own. Use it in a `with` block."""

    def __init__(self, token: str = TOKEN, base_url: str = "/", port: int = 0) -> None:
        self.token = token
        self.base_url = base_url
        self.port = port
        self.model = "local:tiny"
        self.health: dict[str, Any] = dict(HEALTH)
        self.health_status = 200
        self.script: list[dict[str, Any]] = words("Hello", " there")
        self.scripts: list[list[dict[str, Any]]] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.stopped: list[str] = []
        self.models: dict[str, Any] = {"models": [], "problem": None}
        self.presets: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, Any] | None = None
        self.preview: dict[str, Any] = {}
        self.previewed: list[dict[str, Any]] = []
        self.uploads: list[tuple[str, bytes]] = []
        self.strangers: set[str] = set()
        self.talks: dict[str, list[dict[str, Any]]] = {}
        self.exports: list[tuple[str, dict[str, str]]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.closed_at: list[float] = []
        self.notebooks: dict[str, str] = {}
        self.metadata: dict[str, dict[str, Any]] = {}
        self._conversations = 0
        self._changed = threading.Condition()
        self._gates: set[str] = set()
        self._closings = 0
        self._reached: set[str] = set()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}{self.base_url}"

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)

    def release(self, name: str) -> None:
        """Let a script go on that waits for this name."""
        with self._changed:
            self._gates.add(name)
            self._changed.notify_all()

    def wait_until_reached(self, name: str) -> None:
        """Wait until a script has come to this name, so that all before it has been sent."""
        with self._changed:
            assert self._changed.wait_for(lambda: name in self._reached, PATIENCE), name

    def wait_for_close(self, count: int = 1) -> None:
        """Wait until so many clients have gone away in the middle of an answer."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._closings >= count, PATIENCE)

    def fresh_conversation(self) -> str:
        """Return a new conversation's id."""
        self._conversations += 1
        return f"c_{self._conversations}"

    def said(self, conversation: str) -> int:
        """Return how many messages a conversation has."""
        return len(self.talks.get(conversation, []))

    def forget(self) -> None:
        """Forget all that was asked, and answer plainly again."""
        self.script, self.scripts = words("Hello", " there"), []
        self.model, self.health, self.health_status = "local:tiny", dict(HEALTH), 200
        self.requests, self.headers, self.paths, self.stopped = [], [], [], []
        self.notebooks, self.metadata, self.closed_at = {}, {}, []
        self.models, self.asked, self.presets = {"models": [], "problem": None}, [], {}
        self.settings, self.preview, self.previewed, self.uploads = {}, {}, [], []
        self.strangers, self.talks, self.exports, self.seen = set(), {}, [], None
        self._closings = self._conversations = 0
        self._gates.clear()
        self._reached.clear()

    def _run(self, started: threading.Event) -> None:
        asyncio.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        fake = {"fake": self}
        root = self.base_url
        application = tornado.web.Application([
            (rf"{root}tether/chat", Chat, fake),
            (rf"{root}tether/chat/stream", ChatStream, fake),
            (rf"{root}tether/health", Health, fake),
            (rf"{root}tether/stop/(.+)", Stop, fake),
            (rf"{root}tether/models", Models, fake),
            (rf"{root}tether/models/(load|unload)", LoadOrUnload, fake),
            (rf"{root}tether/clients/([^/]+)/presets", Presets, fake),
            (rf"{root}tether/clients/([^/]+)/llm", Settings, fake),
            (rf"{root}tether/context", Preview, fake),
            (rf"{root}tether/uploads", Uploads, fake),
            (rf"{root}tether/conversations", Conversations, fake),
            (rf"{root}tether/conversations/([^/]+)", Conversation, fake),
            (rf"{root}tether/conversations/([^/]+)/messages", Messages, fake),
            (rf"{root}tether/conversations/([^/]+)/export", Export, fake),
            (rf"{root}api/sessions", Sessions, fake),
        ])  # fmt: skip
        server = HTTPServer(application)
        sockets = bind_sockets(self.port, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        server.add_sockets(sockets)
        started.set()
        await self._end.wait()
        server.stop()
        await server.close_all_connections()

    def note_close(self) -> None:
        """Record that a client went away."""
        with self._changed:
            self._closings += 1
            self.closed_at.append(time.time())
            self._changed.notify_all()

    def reach(self, name: str) -> None:
        """Record that a script came to a name."""
        with self._changed:
            self._reached.add(name)
            self._changed.notify_all()

    def is_open(self, name: str) -> bool:
        """Return whether a gate was released."""
        return name in self._gates


class Handler(tornado.web.RequestHandler):
    """What every route does: check the token, answer in JSON."""

    def initialize(self, fake: FakeTether) -> None:
        self.fake = fake
        self.gone = False

    def prepare(self) -> None:
        self.fake.paths.append(self.request.path)
        self.fake.headers.append(dict(self.request.headers))
        if self.request.headers.get("Authorization") != f"token {self.fake.token}":
            self.set_status(403)
            self.finish({"message": "Forbidden", "reason": None})

    def on_connection_close(self) -> None:
        self.gone = True
        self.fake.note_close()

    def begin(self) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
        """Return a turn's request, script and `meta`."""
        request = json.loads(self.request.body)
        self.fake.requests.append(request)
        conversation = request.get("conversation_id")
        kernel = request.get("kernel_id")
        if conversation is None:
            known = None if kernel in self.fake.strangers else self.fake.notebooks.get(kernel or "")
            conversation = known or self.fake.fresh_conversation()
            if kernel:
                self.fake.notebooks[kernel] = conversation
        script = self.fake.scripts.pop(0) if self.fake.scripts else self.fake.script
        meta = events.meta(
            id=f"m_{len(self.fake.requests)}",
            conversation_id=conversation,
            parent_id=None,
            model=request.get("model") or self.fake.model,
            correlation_id="x",
            context=self.fake.seen,
        )
        return request, script, meta

    def refuse(self, script: list[dict[str, Any]]) -> bool:
        """Refuse the turn, if the script begins with that."""
        if not (script and "refuse" in script[0]):
            return False
        self.set_status(script[0].get("status", 503))
        if "header" in script[0]:
            self.set_header(*script[0]["header"])
        self.finish({"error": script[0]["refuse"]} if script[0]["refuse"] else "")
        return True

    async def play(self, script: list[dict[str, Any]]) -> Any:
        """Yield a script's events when they are due; `None` where the connection is to break."""
        for step in script:
            if self.gone:
                return
            if "sleep" in step:
                await asyncio.sleep(step["sleep"])
            elif "wait" in step:
                self.fake.reach(step["wait"])
                # The gate is opened by another thread, and the client may go away first.
                while not self.gone and not self.fake.is_open(step["wait"]):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            elif "repeat" in step:
                count, event, gap = step["repeat"]
                due = asyncio.get_running_loop().time()
                for _ in range(count):
                    if self.gone:
                        return
                    yield event
                    due += gap
                    await asyncio.sleep(due - asyncio.get_running_loop().time())
            elif "drop" in step:
                yield None
                return
            else:
                yield step


class Chat(Handler):
    async def post(self) -> None:
        _, script, meta = self.begin()
        if self.refuse(script):
            return
        body: dict[str, Any] = {**meta["meta"], "content": "", "tools": []}
        async for event in self.play(script):
            if event is None:
                self.request.connection.stream.close()
                return
            if "delta" in event:
                body["content"] += event["delta"]
            elif "usage" in event:
                body["usage"] = event["usage"]
            elif "done" in event:
                body["finish_reason"] = event["finish_reason"]
            elif "error" in event:
                self.set_status(502)
                self.finish({"error": event["error"]})
                return
        self.finish(body)


class ChatStream(Handler):
    async def post(self) -> None:
        _, script, meta = self.begin()
        if self.refuse(script):
            return
        sse = "ndjson" not in self.request.headers.get("Accept", "")
        self.set_header("Content-Type", "text/event-stream" if sse else "application/x-ndjson")
        try:
            number = 0
            async for event in self.play([meta, *script]):
                if event is None:
                    await self.flush()
                    self.request.connection.stream.close()
                    return
                if "raw" in event:
                    self.write(event["raw"])
                else:
                    text = json.dumps(event)
                    kind = events.kind(event)
                    self.write(f"id: {number}\nevent: {kind}\ndata: {text}\n\n" if sse else text + "\n")
                number += 1
                await self.flush()
        except StreamClosedError:
            return
        if not self.gone:
            self.finish()


class Health(Handler):
    def get(self) -> None:
        self.set_status(self.fake.health_status)
        self.finish(self.fake.health)


class Stop(Handler):
    def post(self, conversation: str) -> None:
        self.fake.stopped.append(conversation)
        self.fake.release("stop")
        self.finish({})


class Models(Handler):
    def get(self) -> None:
        self.finish(self.fake.models)


class Presets(Handler):
    def get(self, client: str) -> None:
        if not (self.fake.script and self.refuse(self.fake.script)):
            self.finish(self.fake.presets.get(client, {"presets": [], "active": None}))


class LoadOrUnload(Handler):
    def post(self, verb: str) -> None:
        body = json.loads(self.request.body)
        self.fake.asked.append((verb, body))
        if not (self.fake.script and self.refuse(self.fake.script)):
            self.finish({"backend": "local", "name": body.get("name", "tiny"), "loaded": verb == "load"})


class Settings(Handler):
    def get(self, client: str) -> None:
        assert self.get_query_argument("effective") == "true"
        self.finish(self.fake.settings)


class Preview(Handler):
    def post(self) -> None:
        self.fake.previewed.append(json.loads(self.request.body))
        if not (self.fake.script and self.refuse(self.fake.script)):
            self.finish(self.fake.preview)


class Uploads(Handler):
    def post(self) -> None:
        files = [file for group in self.request.files.values() for file in group]
        found = []
        for file in files:
            self.fake.uploads.append((file["filename"], file["body"]))
            found.append({"id": f"u_{len(self.fake.uploads)}", "name": file["filename"]})
        self.set_status(201)
        self.finish({"uploads": found})


class Conversations(Handler):
    def get(self) -> None:
        kernel = self.get_query_argument("kernel_id", None)
        asked = self.get_query_argument("notebook", None) or (kernel and notebook_of(self.fake, kernel))
        rows = [
            {
                "id": c,
                "notebook": notebook_of(self.fake, k),
                "title": "",
                "created_at": c,
                "last_message_at": c,
                "message_count": self.fake.said(c),
                "metadata": self.fake.metadata.get(c, {}),
            }
            for k, c in self.fake.notebooks.items()
            # As the real one does, it lists everything for a kernel that it does not know.
            if asked in (None, notebook_of(self.fake, k))
        ]
        self.finish({"conversations": rows})

    def post(self) -> None:
        kernel = json.loads(self.request.body or b"{}").get("kernel_id")
        conversation = self.fake.fresh_conversation()
        if kernel:
            self.fake.notebooks[kernel] = conversation
        self.finish({"id": conversation})


def notebook_of(fake: FakeTether, kernel: str) -> str | None:
    """Return the notebook that a kernel runs for."""
    return None if kernel in fake.strangers else f"{kernel}.ipynb"


class Conversation(Handler):
    def get(self, conversation: str) -> None:
        kernels = {c: k for k, c in self.fake.notebooks.items()}
        kernel = kernels.get(conversation, "any")
        stranger = notebook_of(self.fake, kernel) is None
        self.finish(
            {
                "id": conversation,
                "notebook": None if stranger else f"{kernel}.ipynb",
                "title": "Why is the sky blue?",
                "last_message_at": conversation,
                "message_count": self.fake.said(conversation),
                "metadata": self.fake.metadata.get(conversation, {}),
            }
        )

    def patch(self, conversation: str) -> None:
        self.fake.metadata[conversation] = json.loads(self.request.body)["metadata"]
        self.get(conversation)


class Messages(Handler):
    def get(self, conversation: str) -> None:
        self.finish({"messages": self.fake.talks.get(conversation, [])})


class Export(Handler):
    def get(self, conversation: str) -> None:
        query = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        self.fake.exports.append((conversation, query))
        self.finish(f"# {conversation} as {query['format']}\n")


class Sessions(Handler):
    def get(self) -> None:
        self.finish(json.dumps([]))
