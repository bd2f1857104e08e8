"""Turns over one WebSocket: many at once, each event marked with its turn."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado.websocket import WebSocketClosedError

from tether_jupyter.core import events
from tether_jupyter.core.generation import Generation
from tether_jupyter.errors import Internal, InvalidRequest, NotFound, RateLimited, TetherError
from tether_jupyter.server.chat import GATHER
from tether_jupyter.server.encode import dumps, merged
from tether_jupyter.server.socket_door import TetherWebSocket

MAX_TURNS = 32  # of one socket at once; more is a client gone wrong


class ChatSocket(TetherWebSocket):
    """`GET chat/ws`: the client sends `chat`, `stop` and `approve`, the server sends the turns' events.

    A message that starts no turn is answered by an `error` whose `turn` is null.
    """

    def open(self, *args: str, **kwargs: str) -> None:
        super().open(*args, **kwargs)
        self.turns: dict[str, Generation] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def on_message(self, message: str | bytes) -> None:
        try:
            await self.received(message)
        except TetherError as reason:
            await self.send(events.error(reason), None)
        except Exception as reason:  # noqa: BLE001 - one message gone wrong must not end the other turns
            self.log_exception(type(reason), reason, None)
            await self.send(events.error(Internal()), None)

    async def received(self, message: str | bytes) -> None:
        """Do what one message asks for."""
        from tether_jupyter.core.request import read_chat, read_json

        limits = self.services.settings.tether
        body = message.encode() if isinstance(message, str) else message
        asked = read_json(body)
        if set(asked) == {"chat"} and isinstance(asked["chat"], dict):
            request = read_chat(asked["chat"], max_message_length=limits.max_message_length)
            if len(self.tasks) >= MAX_TURNS:
                raise RateLimited(f"One socket carries {MAX_TURNS} turns at once. Wait for one to end.")
            correlation_id = request.correlation_id or self.correlation_id
            generation = await self.services.ask(request, self.owner, correlation_id, self.may)
            self.turns[generation.id] = generation
            task = asyncio.create_task(self.follow(generation))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            if self.ws_connection is None:
                generation.leave()
        elif set(asked) == {"stop"}:
            generation_id = str(asked["stop"])
            running = self.services.generations.running(self.owner, generation_id)
            if running is None:
                raise NotFound("There is no such turn under way.")
            running.stop()
        elif set(asked) == {"approve"}:
            raise InvalidRequest("Tools are not here yet: there is nothing to approve.")
        else:
            raise InvalidRequest('Send {"chat": {…}}, {"stop": "m_…"} or {"approve": {…}}.')

    async def follow(self, generation: Generation) -> None:
        """Send a turn's events as they happen."""
        try:
            async for _, batch in generation.follow(pause=GATHER):
                for event in merged(batch):
                    await self.send(event, generation.id)
        except WebSocketClosedError:
            generation.leave()
        finally:
            self.turns.pop(generation.id, None)

    async def send(self, event: dict[str, Any], turn: str | None) -> None:
        """Send one event of one turn."""
        await self.write_message(dumps({**event, "turn": turn}))

    def on_close(self) -> None:
        """Stop the turns that nobody reads any more."""
        super().on_close()
        for generation in list(getattr(self, "turns", {}).values()):
            generation.leave()


handlers = [(r"/tether/chat/ws", ChatSocket)]
