"""Whether Tether can answer, with what, and what to do where it cannot."""

from __future__ import annotations

from tether_jupyter.server.base import TetherHandler


class HealthHandler(TetherHandler):
    """`GET health`: 200 unless nothing could be answered, then 503."""

    # A page that looks now and then does not keep an idle server alive.
    _track_activity = False

    async def get(self) -> None:
        state = await self.services.health()
        self.answer(state, 503 if state["status"] == "unhealthy" else 200)
        self.services.warm()


handlers = [(r"/tether/health", HealthHandler)]
