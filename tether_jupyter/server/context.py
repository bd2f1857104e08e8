"""What a question would send, before it is sent."""

from __future__ import annotations

from tether_jupyter.server.base import TetherHandler


class ContextHandler(TetherHandler):
    """`POST context`: the preview of a turn. Nothing is asked, and nothing is kept."""

    async def post(self) -> None:
        from tether_jupyter.core.request import read_chat

        request = read_chat(
            self.read_body(), max_message_length=self.services.settings.tether.max_message_length
        )
        self.answer(await self.services.preview(request, self.owner, self.may))


handlers = [(r"/tether/context", ContextHandler)]
