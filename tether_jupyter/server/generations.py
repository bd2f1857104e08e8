"""Turns by their id: how one went and what it cost; its cancel."""

from __future__ import annotations

import re

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import ID, StreamingHandler
from tether_jupyter.server.encode import STREAMS, chosen

NUMBER = re.compile(r"[0-9]{1,9}")


class GenerationHandler(TetherHandler):
    """`GET` and `DELETE generations/{id}`."""

    def get(self, generation_id: str) -> None:
        self.answer(self.services.generations.summary(self.owner, generation_id))

    async def delete(self, generation_id: str) -> None:
        generations = self.services.generations
        if running := generations.running(self.owner, generation_id):
            running.stop()
            await running.wait()
        self.answer(generations.summary(self.owner, generation_id))


class EventsHandler(StreamingHandler):
    """`GET generations/{id}/events?after=N`: read a turn from the event after number N on, or whole.

    An `EventSource` that lost its connection asks for the same address again, and says in `Last-Event-ID` how
    far it came: that is the newer word.

    204 where the turn has ended with that event. Leaving changes nothing about the turn: whoever asked it
    decides that.
    """

    async def get(self, generation_id: str) -> None:
        asked, seen = self.get_query_argument("after", ""), self.request.headers.get("Last-Event-ID", "")
        after = seen if NUMBER.fullmatch(seen) else asked or seen or "0"
        if not NUMBER.fullmatch(after):
            raise InvalidRequest("`after` must be the number of an event.")
        found = self.services.generations.rejoin(self.owner, generation_id)
        if int(after) > len(found.events):
            raise InvalidRequest(f"`after` is beyond the {len(found.events)} events that there are so far.")
        if found.finished and int(after) == len(found.events):
            # Nothing is left to tell. An `EventSource` would take an empty answer for a lost connection.
            self.set_status(204)
            return
        kind = chosen(self.request.headers.get("Accept", ""), "text/event-stream")
        await self.stream(found, STREAMS.get(kind, STREAMS["text/event-stream"]), int(after))


handlers = [
    (rf"/tether/generations/{ID}", GenerationHandler),
    (rf"/tether/generations/{ID}/events", EventsHandler),
]
