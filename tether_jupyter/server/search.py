"""Search through all that was said."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.base import TetherHandler

MOST = 100
FURTHEST = 10_000
TAKEN = ("q", "project", "notebook", "model", "after", "before", "limit", "offset", "token")


class SearchHandler(TetherHandler):
    """`GET conversations/search?q=&project=&notebook=&model=&after=&before=&limit=&offset=`."""

    async def get(self) -> None:
        for name in self.request.query_arguments:
            if name not in TAKEN:
                raise InvalidRequest(f"Unknown parameter `{name[:100]}`.")
        limit, offset = self.number("limit", 20, 1, MOST), self.number("offset", 0, 0, FURTHEST)
        after, before = self.moment("after"), self.moment("before")
        if self.services.history.kind == "memory":
            # Whoever keeps no history wants no database either, and this would make one.
            self.answer({"results": [], "next": None})
            return
        found = await self.services.search.search(
            self.owner,
            self.get_query_argument("q", ""),
            project_id=self.get_query_argument("project", None),
            notebook=await self.services.notebook_of(self.get_query_argument("notebook", None), None),
            model=self.get_query_argument("model", None),
            after=after,
            before=before,
            limit=limit,
            offset=offset,
        )
        self.answer(found.payload())

    def moment(self, name: str) -> datetime | None:
        """Return a time from the query: a date, with or without a time; in UTC if it names no zone."""
        given = self.get_query_argument(name, "")
        if not given:
            return None
        try:
            if len(given) <= 10:
                return datetime.combine(date.fromisoformat(given), time(), UTC)
            # An unescaped `+` of a zone has become a space on its way.
            found = datetime.fromisoformat(
                given.replace(" ", "+") if given.count(" ") and "T" in given else given
            )
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidRequest(
                f"`{name}` must be a date such as 2026-11-21, or a date and a time."
            ) from None

    def number(self, name: str, usual: int, least: int, most: int) -> int:
        """Return a number from the query."""
        given = self.get_query_argument(name, "") or str(usual)
        if not (given.isascii() and given.isdigit()) or not least <= int(given[:9]) <= most:
            raise InvalidRequest(f"`{name}` must be a number from {least} to {most:,}.")
        return int(given[:9])


handlers = [(r"/tether/conversations/search", SearchHandler)]
