"""Models: what can answer, fetching and removing one, loading one and letting it go."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

from tether_jupyter.core import events
from tether_jupyter.core.frames import frames
from tether_jupyter.core.history import now
from tether_jupyter.errors import Internal, InvalidRequest, TetherError
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import HEARTBEAT
from tether_jupyter.server.encode import STREAMS, Encoding, chosen

if TYPE_CHECKING:
    from tether_jupyter.core.events import Event

LOCAL = "local"
MAX_NAME = 400


class ModelsDoor(TetherHandler):
    """What the doors of the models share."""

    async def running(self) -> tuple[list[dict[str, Any]], str | None]:
        """Return what the backend in use and the local one say of their models, and what goes wrong there."""
        backends = self.services.backends
        rows: list[dict[str, Any]] = []
        problem: str | None = None
        for backend in dict.fromkeys([backends.default, LOCAL]):
            try:
                rows += await self.models_of(backend)
            except TetherError as reason:
                problem = problem or reason.message
            except Exception as reason:  # noqa: BLE001 - a user's own backend may raise anything
                self.log.error("the backend %s does not tell its models: %s", backend, frames(reason))
                problem = problem or f"The backend does not tell its models ({type(reason).__name__})."
        return rows, problem

    async def models_of(self, backend: str) -> list[dict[str, Any]]:
        """Return a backend's models, the one included that it answers with when nobody names one."""
        service = self.services.backends.get(backend)
        default = backend == self.services.backends.default
        models = list(await service.models())
        told = any(model.get("name") == service.model_name for model in models)
        if not told and (default or service.is_ready()):
            models.append({"name": service.model_name, "loaded": service.is_ready()})
        # The local backend would start a process to tell its state, and its place is known.
        place = None if backend == LOCAL else (await service.describe()).get("place")
        return [
            {
                **model,
                "backend": backend,
                "place": place,
                "active": default and model.get("name") == service.model_name,
                "vision": model.get("vision", service.sees(model.get("name"))),
                "context_length": model.get("context_length") or service.window_of(model.get("name")),
            }
            for model in models
        ]

    def read_name(self, *, needed: bool) -> str | None:
        """Return the `name` of a request's body."""
        fields = self.read_body()
        for field in fields:
            if field != "name":
                raise InvalidRequest(f"Unknown field `{field[:100]}`.")
        name = fields.get("name")
        if name is None and not needed:
            return None
        if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME:
            raise InvalidRequest("`name` must be a model's name.")
        return name.strip()


class ModelsHandler(ModelsDoor):
    """`GET models`."""

    async def get(self) -> None:
        running, problem = await self.running()
        self.answer({"models": await self.services.library.rows(running), "problem": problem})


class MetadataHandler(ModelsDoor):
    """`GET models/metadata`: the same, with how many models have which value of each facet."""

    async def get(self) -> None:
        running, _ = await self.running()
        rows = await self.services.library.rows(running)
        self.answer({"facets": self.services.library.facets(rows), "models": rows})


class ModelHandler(ModelsDoor):
    """`DELETE models/{name}`."""

    async def delete(self, name: str) -> None:
        running, _ = await self.running()
        loaded = [str(model["name"]) for model in running if model.get("loaded")]
        await self.services.library.remove(name, loaded)
        self.answer({"name": name, "removed": True})


class LoadHandler(ModelsDoor):
    """`POST models/load`: get a model ready, in place of the one that is."""

    async def post(self) -> None:
        backend, model = self.services.backends.split(self.read_name(needed=False))
        service = await self.services.backends.load(backend, model)
        self.answer({"backend": backend, "name": service.model_name, "loaded": True})


class UnloadHandler(ModelsDoor):
    """`POST models/unload`: give back memory and the GPU."""

    async def post(self) -> None:
        backend, _ = self.services.backends.split(self.read_name(needed=False))
        service = await self.services.backends.unload(backend)
        self.answer({"backend": backend, "name": service.model_name, "loaded": False})


class PullHandler(ModelsDoor):
    """`POST models/pull`: fetch a model, with how far it has come as events.

    Whoever closes the connection stops the pull, and the next one goes on from there.
    """

    pull: asyncio.Task[Any] | None = None
    closed = False

    async def post(self) -> None:
        name = self.read_name(needed=True)
        kind = chosen(self.request.headers.get("Accept", ""), "application/x-ndjson")
        self.news = asyncio.Event()
        self.latest: Event | None = None
        self.pull = asyncio.ensure_future(self.services.library.pull(name or "", self.report))
        self.pull.add_done_callback(lambda _: self.news.set())
        try:
            if kind in STREAMS:
                await self.stream(self.pull, STREAMS[kind])
            else:
                self.answer((await self.pull).event())
        except StreamClosedError:
            self.closed = True
        except asyncio.CancelledError:
            if not self.closed:
                raise
        finally:
            self.pull.cancel()
            with contextlib.suppress(asyncio.CancelledError, TetherError):
                await self.pull

    def report(self, progress: Any) -> None:
        """Take in how far it has come; what nobody has read yet is out of date."""
        self.latest = progress.event()
        self.news.set()

    async def stream(self, pull: asyncio.Task[Any], encoding: Encoding) -> None:
        """Send the news as they come. A refusal before the first of them has a status of its own."""
        number = 0
        sign = time.monotonic()
        self.set_header("Content-Type", encoding.content_type)
        self.set_header("X-Accel-Buffering", "no")
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), HEARTBEAT)
            self.news.clear()
            event, self.latest = self.latest, None
            if event is None and pull.done():
                break
            # A long pull is work, and an idle server may be stopped.
            self.settings["api_last_activity"] = now()
            if event is not None:
                number += 1
                self.write(encoding.encode(number, [event]))
            elif time.monotonic() - sign >= HEARTBEAT / 2:
                self.write(encoding.heartbeat)
            sign = time.monotonic()
            await self.flush()
            if event is not None and pull.done():
                self.news.set()
        if number == 0 and not self._headers_written:
            pull.result()
        self.write(encoding.encode(number + 1, [self.ending(pull)]))
        self.finish(set_content_type=encoding.content_type)

    def ending(self, pull: asyncio.Task[Any]) -> Event:
        """Return the last event."""
        try:
            ending: Event = pull.result().event()
        except TetherError as reason:
            return events.error(reason)
        except Exception as reason:  # noqa: BLE001 - the stream has begun, and must end as streams do
            self.log.error("tether: a pull failed [%s]: %s", self.correlation_id, frames(reason))
            return events.error(Internal())
        return ending

    def on_connection_close(self) -> None:
        """Stop the moment nobody waits for it."""
        super().on_connection_close()
        self.closed = True
        if self.pull is not None:
            self.pull.cancel()


handlers = [
    (r"/tether/models", ModelsHandler),
    (r"/tether/models/metadata", MetadataHandler),
    (r"/tether/models/pull", PullHandler),
    (r"/tether/models/load", LoadHandler),
    (r"/tether/models/unload", UnloadHandler),
    (r"/tether/models/([^/]+)", ModelHandler),  # a file may have any name
]
