"""Turns by their id: how one went and what it cost; its cancel."""

from __future__ import annotations

from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import ID


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


handlers = [(rf"/tether/generations/{ID}", GenerationHandler)]
