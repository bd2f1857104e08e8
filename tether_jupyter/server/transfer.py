"""A conversation as a file, and back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import ID

if TYPE_CHECKING:
    from tether_jupyter.core.export import Format
    from tether_jupyter.core.history import Conversation, StoredMessage

FORMATS = ("md", "ipynb", "json")


class ExportHandler(TetherHandler):
    """`GET conversations/{id}/export?format=md|ipynb|json&message=`: a download."""

    async def get(self, conversation_id: str) -> None:
        from tether_jupyter.core.export import export

        form = self.get_query_argument("format", "md")
        if form not in FORMATS:
            raise InvalidRequest(f"`format` must be one of {', '.join(FORMATS)}.")
        history = self.services.history
        conversation = await history.get(self.owner, conversation_id)
        messages = await history.messages(self.owner, conversation_id)
        last = self.get_query_argument("message", None)
        file = await asyncio.to_thread(export, conversation, messages, cast("Format", form), last)
        self.set_header("Content-Disposition", file.disposition)
        self.set_header("X-Content-Type-Options", "nosniff")
        # Of a page that somebody makes of it all the same, nothing runs.
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.write(file.content)
        self.finish(set_content_type=file.media_type)


class ImportHandler(TetherHandler):
    """`POST conversations/import`: the JSON of an export."""

    max_body_size = 32 * 2**20

    async def post(self) -> None:
        from tether_jupyter.core.export_file import read_file

        fields = await asyncio.to_thread(self.read_body)
        conversation, messages = await asyncio.to_thread(read_file, fields, self.owner)
        missing = await self.keep(conversation, messages)
        self.answer({"conversation": conversation.payload(), "missing_attachments": missing}, 201)

    async def keep(self, conversation: Conversation, messages: list[StoredMessage]) -> int:
        """Keep what was read; return how many attachments are not here."""
        history = self.services.history
        if history.kind != "memory":
            return await self.services.transfer.bring_in(self.owner, conversation, messages)
        await history.create(
            self.owner, conversation_id=conversation.id, title=conversation.title, data=conversation.data
        )
        await history.add(self.owner, conversation.id, *messages)
        return 0


handlers = [
    (r"/tether/conversations/import", ImportHandler),
    (rf"/tether/conversations/{ID}/export", ExportHandler),
]
