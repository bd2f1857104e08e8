"""A turn over HTTP, whole or streamed, and its cancel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from tornado.ioloop import PeriodicCallback
from tornado.iostream import StreamClosedError

from tether_jupyter.core.generation import Generation
from tether_jupyter.core.history import now
from tether_jupyter.errors import from_payload
from tether_jupyter.server.base import CORRELATION_ID, TetherHandler
from tether_jupyter.server.encode import STREAMS, Encoding, WholeAnswer, chosen

if TYPE_CHECKING:
    from tether_jupyter.core.request import ChatRequest

GATHER = 0.015  # seconds; text that comes faster than this is sent together
HEARTBEAT = 10.0  # seconds; the contract promises a sign of life every 15


class StreamingHandler(TetherHandler):
    """What sends a turn's events while they happen."""

    generation: Generation | None = None
    closed = False

    async def stream(self, generation: Generation, encoding: Encoding, after: int = 0) -> None:
        """Send each event when it happens; whatever gathers while the socket is busy goes as one write."""
        self.set_header("Content-Type", encoding.content_type)
        self.set_header("X-Accel-Buffering", "no")
        self.hurry()
        self.last_sign = time.monotonic()
        beat = PeriodicCallback(lambda: self.beat(encoding), HEARTBEAT * 1000 / 2)
        beat.start()
        try:
            async for number, batch in generation.follow(after, pause=GATHER):
                self.write(encoding.encode(number, batch))
                self.last_sign = time.monotonic()
                await self.flush()
            self.finish(set_content_type=encoding.content_type)
        except StreamClosedError:
            if self.generation is not None:
                self.generation.leave()
        finally:
            beat.stop()

    def hurry(self) -> None:
        """Send each write at once: TCP would hold a short one back until the one before it is confirmed."""
        if (stream := getattr(self.request.connection, "stream", None)) is not None:
            stream.set_nodelay(True)

    def beat(self, encoding: Encoding) -> None:
        """Show proxies that the stream lives, and Jupyter that somebody is at work."""
        self.settings["api_last_activity"] = now()
        if encoding.heartbeat and time.monotonic() - self.last_sign >= HEARTBEAT / 2 and not self.closed:
            self.write(encoding.heartbeat)
            self.flush()


def read_request(door: TetherHandler) -> ChatRequest:
    """Return what a body asks for. The id that it names is the door's from then on, refused or not."""
    from tether_jupyter.core.request import read_chat

    fields = door.read_body()
    for name in ("correlation_id", "correlationId"):
        given = fields.get(name)
        if isinstance(given, str) and CORRELATION_ID.fullmatch(given):
            door.correlation_id = given
            door.set_header("X-Correlation-Id", given)
    return read_chat(fields, max_message_length=door.services.settings.tether.max_message_length)


class ChatHandler(StreamingHandler):
    """`POST chat` and `POST generate`: a turn, whole unless `Accept` asks for a stream."""

    default_type: ClassVar[str] = "application/json"

    async def post(self) -> None:
        request = read_request(self)
        kind = chosen(self.request.headers.get("Accept", ""), self.default_type)
        self.generation = await self.services.ask(request, self.owner, self.correlation_id, self.may)
        if self.closed:
            # The reader left while its conversation was looked up: before there was a turn to stop.
            self.generation.leave()
        if kind in STREAMS:
            await self.stream(self.generation, STREAMS[kind])
        else:
            await self.whole(self.generation)

    async def whole(self, generation: Generation) -> None:
        """Answer with one object when the turn has ended."""
        answer = WholeAnswer()
        async for _, batch in generation.follow():
            for event in batch:
                answer.add(event)
        if "error" in answer.ending:
            raise from_payload(answer.ending["error"])
        if not self.closed:
            self.answer(answer.payload())

    def on_connection_close(self) -> None:
        """Stop the turn the moment nobody reads it, unless it runs in the background."""
        super().on_connection_close()
        self.closed = True
        if self.generation is not None:
            self.generation.leave()


class ChatStreamHandler(ChatHandler):
    """`POST chat/stream`: a turn as SSE unless `Accept` asks for another form."""

    default_type = "text/event-stream"


class StopHandler(TetherHandler):
    """`POST stop/{conversation_id}`: end what is being answered there, keeping the text so far."""

    def post(self, conversation_id: str) -> None:
        stopped = self.services.generations.stop_conversation(self.owner, conversation_id)
        self.answer({"conversation_id": conversation_id, "stopped": stopped})


ID = r"((?:[A-Za-z0-9_.:-]|%3[Aa]){1,128})"
"""An id in a path; browsers write its colon as `%3A`."""

handlers = [
    (r"/tether/chat", ChatHandler),
    (r"/tether/generate", ChatHandler),
    (r"/tether/chat/stream", ChatStreamHandler),
    (rf"/tether/stop/{ID}", StopHandler),
]
