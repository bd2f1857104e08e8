"""Quick prompts: some that come with Tether, and the owner's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, func, insert, select, update

from tether_jupyter.core.history import new_id, now
from tether_jupyter.errors import Conflict, InvalidRequest, NotFound
from tether_jupyter.store.database import Database
from tether_jupyter.store.keys import in_turn, upsert
from tether_jupyter.store.tables import suggestions

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_SUGGESTIONS = 100
"""One owner's own."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A quick prompt. Those with a lower position come first."""

    id: str
    title: str
    prompt: str
    position: int
    builtin: bool = False
    hidden: bool = False

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {name: getattr(self, name) for name in self.__slots__}


WORDS = (
    ("explain", "Explain this cell", "Explain step by step what this cell does."),
    ("fix", "Fix this error", "Explain this error in two sentences, then show the corrected cell."),
    ("document", "Document this cell", "Add docstrings and comments to this cell. Change nothing else."),
    ("test", "Test this cell", "Write short tests with plain asserts for this cell, edge cases included."),
    ("faster", "Make this cell faster", "Find what makes this cell slow, and show a faster version of it."),
    ("plot", "Plot the result", "Write a cell that plots the result of this cell, with labels and a title."),
)
BUILTIN = {
    f"builtin-{word}": Suggestion(f"builtin-{word}", title, prompt, 1000 + 10 * place, builtin=True)
    for place, (word, title, prompt) in enumerate(WORDS)
}
"""They are written so that the sidebar sends along the cell or the error that they speak of."""


class Suggestions:
    """Quick prompts of one owner at a time.

    One of the built-in ones is hidden by a row with its id and no prompt. The owner's own rows have one.

    Raises
    ------
    NotFound
        The owner has no such suggestion, which is also said when somebody else has.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, owner: str, *, hidden: bool = False) -> list[Suggestion]:
        """Return the owner's suggestions in order, the hidden ones only where they are asked for."""

        def work(connection: Connection) -> list[Suggestion]:
            rows = connection.execute(select(suggestions).where(suggestions.c.owner == owner)).all()
            hides = {row.id for row in rows}
            found = [of(row) for row in rows if row.id not in BUILTIN]
            found += [as_hidden(each) if each.id in hides else each for each in BUILTIN.values()]
            return sorted(
                (each for each in found if hidden or not each.hidden), key=lambda s: (s.position, s.id)
            )

        return await self._database.read(work)

    async def add(self, owner: str, title: str, prompt: str, position: int | None = None) -> Suggestion:
        """Keep a new one; behind the owner's others where no position is given.

        Raises
        ------
        Conflict
            There are too many.
        """

        def work(connection: Connection) -> Suggestion:
            in_turn(connection, owner)
            mine = (suggestions.c.owner == owner, suggestions.c.id.not_in(BUILTIN))
            count, last = connection.execute(
                select(func.count(), func.max(suggestions.c.position)).where(*mine)
            ).one()
            if count >= MAX_SUGGESTIONS:
                raise Conflict(f"There are {MAX_SUGGESTIONS} suggestions already. Delete one first.")
            place = position if position is not None else 0 if last is None else last + 1
            made = Suggestion(new_id("s"), title, prompt, place)
            connection.execute(
                insert(suggestions).values(
                    owner=owner,
                    id=made.id,
                    title=title,
                    prompt=prompt,
                    position=place,
                    created_at=now(),
                    updated_at=now(),
                )
            )
            return made

        return await self._database.write(work)

    async def change(
        self, owner: str, id: str, title: str, prompt: str, position: int | None = None
    ) -> Suggestion:
        """Give one of the owner's own these words; it stays in its place where no position is given."""
        if id in BUILTIN:
            raise InvalidRequest("This one comes with Tether: hide it, and add one of your own.")

        def work(connection: Connection) -> Suggestion:
            row = connection.execute(select(suggestions).where(*own(owner, id))).one_or_none()
            if row is None:
                raise NotFound("There is no such suggestion here.")
            place = row.position if position is None else position
            changed = {"title": title, "prompt": prompt, "position": place, "updated_at": now()}
            connection.execute(update(suggestions).where(*own(owner, id)).values(changed))
            return Suggestion(id, title, prompt, place)

        return await self._database.write(work)

    async def hide(self, owner: str, id: str, *, hidden: bool) -> Suggestion:
        """Hide one of those that come with Tether, or show it again."""
        builtin = BUILTIN.get(id)
        if builtin is None:
            await self._check_there(owner, id)
            raise InvalidRequest("Only those that come with Tether are hidden. Delete this one instead.")

        def work(connection: Connection) -> None:
            if hidden:
                row = {"title": "", "prompt": "", "position": 0, "created_at": now(), "updated_at": now()}
                upsert(connection, suggestions, {"owner": owner, "id": id}, row)
            else:
                connection.execute(delete(suggestions).where(*own(owner, id)))

        await self._database.write(work)
        return as_hidden(builtin) if hidden else builtin

    async def delete(self, owner: str, id: str) -> bool:
        """Remove one of the owner's own; hide one that comes with Tether, and return false."""
        if id in BUILTIN:
            await self.hide(owner, id, hidden=True)
            return False

        def work(connection: Connection) -> None:
            if not connection.execute(delete(suggestions).where(*own(owner, id))).rowcount:
                raise NotFound("There is no such suggestion here.")

        await self._database.write(work)
        return True

    async def _check_there(self, owner: str, id: str) -> None:
        query = select(suggestions.c.id).where(*own(owner, id))
        if await self._database.read(lambda connection: connection.execute(query).first()) is None:
            raise NotFound("There is no such suggestion here.")


def own(owner: str, id: str) -> tuple[Any, Any]:
    """Return the conditions for one suggestion's row."""
    return suggestions.c.owner == owner, suggestions.c.id == id


def of(row: Row[Any]) -> Suggestion:
    """Return the suggestion that a row holds."""
    return Suggestion(row.id, row.title, row.prompt, row.position)


def as_hidden(builtin: Suggestion) -> Suggestion:
    """Return one that comes with Tether, hidden."""
    return Suggestion(builtin.id, builtin.title, builtin.prompt, builtin.position, builtin=True, hidden=True)
