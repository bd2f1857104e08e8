"""Suggestions: quick prompts, those that come with Tether and the user's own."""

from __future__ import annotations

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.base import TetherHandler, flag
from tether_jupyter.server.chat import ID


class SuggestionsDoor(TetherHandler):
    """What the doors of suggestions share."""

    async def change(self, id: str | None) -> None:
        """Change the one that the address names, or the body."""
        from tether_jupyter.server.client_forms import read
        from tether_jupyter.server.suggestion_forms import ChangedSuggestion

        body = read(ChangedSuggestion, self.read_body())
        if id is not None and body.id not in (None, id):
            raise InvalidRequest("The address names another suggestion than `id` does.")
        which = id or body.id
        if which is None:
            raise InvalidRequest("Say which suggestion with `id`.")
        if body.hidden is not None:
            changed = await self.services.suggestions.hide(self.owner, which, hidden=body.hidden)
        else:
            changed = await self.services.suggestions.change(
                self.owner, which, body.title or "", body.prompt or "", body.position
            )
        self.answer(changed.payload())

    async def remove(self, id: str) -> None:
        """Remove one, or hide it."""
        deleted = await self.services.suggestions.delete(self.owner, id)
        self.answer({"id": id, "deleted": deleted})


class SuggestionsHandler(SuggestionsDoor):
    """`GET`, `POST`, `PUT` and `DELETE suggestions`; the last two take an `id` in the body."""

    async def get(self) -> None:
        hidden = flag(self.get_query_argument("hidden", "false"), "hidden")
        found = await self.services.suggestions.all(self.owner, hidden=hidden)
        self.answer({"suggestions": [each.payload() for each in found]})

    async def post(self) -> None:
        from tether_jupyter.server.client_forms import read
        from tether_jupyter.server.suggestion_forms import NewSuggestion

        body = read(NewSuggestion, self.read_body())
        made = await self.services.suggestions.add(self.owner, body.title, body.prompt, body.position)
        self.answer(made.payload(), 201)

    async def put(self) -> None:
        await self.change(None)

    async def delete(self) -> None:
        from tether_jupyter.server.client_forms import read
        from tether_jupyter.server.suggestion_forms import WhichSuggestion

        await self.remove(read(WhichSuggestion, self.read_body()).id)


class SuggestionHandler(SuggestionsDoor):
    """`PUT` and `DELETE suggestions/{id}`."""

    async def put(self, id: str) -> None:
        await self.change(id)

    async def delete(self, id: str) -> None:
        await self.remove(id)


handlers = [
    (r"/tether/suggestions", SuggestionsHandler),
    (rf"/tether/suggestions/{ID}", SuggestionHandler),
]
