"""The place where files are kept, and whose it is: several databases may keep theirs in the same one.

Each leaves a mark there before it keeps its first file. A file has the name of what is in it, so that one
which no row of a database refers to may be another's: only a database that is alone there removes any.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.history import new_id, now
from tether_jupyter.store.blobs import OTHERS, Blobs
from tether_jupyter.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("tether.store")

STRAY_DAYS = 14
"""How long nothing has referred to a file before it goes: the history may be an older copy for a while."""
BATCH = 500
ID, STRAYS = "id", "strays"
MARK = """A Tether database ({kind}) has kept files here since {day}. Files that are deleted are removed only
while it is alone: delete this mark when that database is gone.
"""
OTHERS_MARK = """Files were here that the first database to leave a mark did not know. None is removed while
this mark is here: delete it when no other database keeps files here.
"""


class Place:
    """The place of a database's files.

    Parameters
    ----------
    blobs:
        What keeps them.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self.database = database
        self.blobs = blobs
        self._id: str | None = None
        self._told = False

    async def enter(self, besides: Collection[str] = ()) -> set[str]:
        """Leave this database's mark, and return whose marks there are.

        Where there are none yet, files that no row refers to are taken for somebody else's, `besides` those
        of which this database knows that they were its own.
        """
        if self._id is None:
            self._id = await self.database.write(own_id)
        marks = await asyncio.to_thread(self.blobs.marks)
        if self._id in marks:
            return marks
        if not marks and await self.strays(besides):
            await asyncio.to_thread(self.blobs.mark, OTHERS, OTHERS_MARK)
            marks = {OTHERS}
        text = MARK.format(kind=self.database.kind, day=now().date())
        await asyncio.to_thread(self.blobs.mark, self._id, text)
        return marks | {self._id}

    async def is_own(self, besides: Collection[str] = ()) -> bool:
        """Return whether no other database keeps files here; `besides` is as in `enter`."""
        marks = await self.enter(besides)
        if marks != {self._id} and not self._told:
            self._told = True
            log.info("files are left where they are kept: other databases have marks there too")
        return marks == {self._id}

    async def strays(self, besides: Collection[str] = ()) -> list[str]:
        """Return the files that no row refers to."""
        present = await asyncio.to_thread(lambda: list(self.blobs.digests()))
        found: list[str] = []
        for start in range(0, len(present), BATCH):
            batch = present[start : start + BATCH]
            known = await self.database.read(partial(referred, digests=batch))
            found += [digest for digest in batch if digest not in known and digest not in besides]
        return found

    async def old_strays(self) -> list[str]:
        """Return the files that no row has referred to for so many days, whenever this database looked."""
        found = await self.strays()
        return await self.database.write(lambda connection: note_strays(connection, found))


def referred(connection: Connection, digests: Iterable[str]) -> set[str]:
    """Return which of some files a row refers to, whoever's it is."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import uploads

    query = select(uploads.c.sha256).where(uploads.c.sha256.in_(list(digests))).distinct()
    return set(connection.execute(query).scalars())


def own_id(connection: Connection) -> str:
    """Return the id of a database, which it gets when it is first asked for."""
    from tether_jupyter.store.keys import in_turn

    in_turn(connection, "")
    found = read_fact(connection, ID)
    if found is None:
        write_fact(connection, ID, found := new_id("d"))
    return str(found)


def note_strays(connection: Connection, digests: Iterable[str]) -> list[str]:
    """Note since when nothing refers to some files, and return those of them that are old by now."""
    before, today = read_fact(connection, STRAYS) or {}, now()
    strays = {digest: before.get(digest, today.isoformat()) for digest in digests}
    if strays != before:
        write_fact(connection, STRAYS, strays)
    since = today - timedelta(days=STRAY_DAYS)
    return [digest for digest, seen in strays.items() if datetime.fromisoformat(seen) <= since]


def read_fact(connection: Connection, name: str) -> Any:
    from sqlalchemy import select

    from tether_jupyter.store.tables import facts

    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()


def write_fact(connection: Connection, name: str, value: Any) -> None:
    from tether_jupyter.store.keys import upsert
    from tether_jupyter.store.tables import facts

    upsert(connection, facts, {"name": name}, {"value": value})
