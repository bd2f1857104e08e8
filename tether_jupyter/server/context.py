"""What a question would send, before it is sent."""

from __future__ import annotations

from tether_jupyter.server.base import TetherHandler, flag
from tether_jupyter.server.chat import ID, read_request


class ContextHandler(TetherHandler):
    """`POST context`: the preview of a turn. Nothing is asked, and nothing is kept.

    With `brief=true` it tells the figures alone: that is cheap enough to follow somebody who types.
    """

    async def post(self) -> None:
        request = read_request(self)
        brief = flag(self.get_query_argument("brief", "false"), "brief")
        self.answer(await self.services.preview(request, self.owner, self.may, brief=brief))


class VariablesHandler(TetherHandler):
    """`GET variables/{kernel_id}`: what can be named in a question, without values."""

    async def get(self, kernel_id: str) -> None:
        self.answer(await self.services.seeing.variables(kernel_id, self.may))


handlers = [
    (r"/tether/context", ContextHandler),
    (rf"/tether/variables/{ID}", VariablesHandler),
]
