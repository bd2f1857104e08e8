"""The place where files are kept, and whose it is: several databases may keep theirs in the same one.

Each leaves a mark there before it keeps its first file. A file has the name of what is in it, so that one
which no row of a database refers to may be another's: only a database that is alone there removes any. A copy
of a database is another one, and has an id of its own.

One database may have many places, too: on a hub with one PostgreSQL, each person's own folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
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
ID, WHERE, STRAYS = "id", "where", "strays"
NAME = "p_"
"""How the mark begins that is the name of the place itself."""
MACHINE_ID = Path("/etc/machine-id")
MARK = """A Tether database ({kind}) has kept files here since {day}. Files that are deleted are removed only
while it is alone: delete this mark when that database is gone.
"""
OTHERS_MARK = """Files were here that the first database to leave a mark did not know. None is removed while
this mark is here: delete it when no other database keeps files here.
"""
NAME_MARK = """This is no database's mark, but the name of the place: under it Tether notes since when nothing
has needed some of the files. Without it those dates begin anew.
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
        marks = {mark for mark in await asyncio.to_thread(self.blobs.marks) if not mark.startswith(NAME)}
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
        """Return the files that no row has referred to for so many days, whenever it was looked here."""
        began = now()
        found = await self.strays()
        name = await self._name(make=bool(found))
        if name is None:
            return []
        return await self.database.write(lambda connection: note_strays(connection, name, found, began))

    async def _name(self, *, make: bool) -> str | None:
        """Return the name of the place, `None` where it has none; `make`: give it one."""
        names = {mark for mark in await asyncio.to_thread(self.blobs.marks) if mark.startswith(NAME)}
        if not names and make:
            names = {new_id(NAME.rstrip("_"))}
            await asyncio.to_thread(self.blobs.mark, min(names), NAME_MARK)
        # Two servers may have named it at the same time.
        return min(names, default=None)


def referred(connection: Connection, digests: Iterable[str]) -> set[str]:
    """Return which of some files a row refers to, whoever's it is."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import uploads

    query = select(uploads.c.sha256).where(uploads.c.sha256.in_(list(digests))).distinct()
    return set(connection.execute(query).scalars())


def own_id(connection: Connection) -> str:
    """Return the id of a database, which it gets when it is first asked for; a copy gets another."""
    from tether_jupyter.store.keys import in_turn

    in_turn(connection, "")
    found, before = read_fact(connection, ID), read_fact(connection, WHERE) or {}
    here = where(connection)
    if found is None or not is_same(before, here):
        if found is not None:
            log.warning(
                "the history was copied or moved here: deleted files stay, for it may need them where it was "
                "before. If it is there no more, delete the mark %s in `databases/`, beside the files",
                found,
            )
        write_fact(connection, ID, found := new_id("d"))
    if here != before:
        write_fact(connection, WHERE, here)
    return str(found)


def where(connection: Connection) -> dict[str, str]:
    """Return what tells a database from a copy of it, as far as it can be found out."""
    if connection.dialect.name == "postgresql":
        return where_postgresql(connection)
    path = Path(connection.engine.url.database or "")
    found = {"machine": machine()}
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        found["path"] = str(path.resolve())
        found["file"] = str(path.stat().st_ino or "")
    return {name: value for name, value in found.items() if value}


def where_postgresql(connection: Connection) -> dict[str, str]:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    try:
        with connection.begin_nested():  # What fails outside a savepoint would break the transaction off.
            server = connection.execute(
                text("SELECT system_identifier FROM pg_control_system()")
            ).scalar_one()
    except DBAPIError:  # Whoever looks after the server may have forbidden it.
        driver: Any = connection.connection.driver_connection
        server = f"{driver.info.host}:{driver.info.port}"
    database = connection.execute(text("SELECT current_database()")).scalar_one()
    return {"server": str(server), "database": str(database)}


def machine() -> str:
    """Return what tells this machine from others, and nothing more of it; nothing where that is unknown."""
    try:
        known = MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        known = ""
    if len(known) != 32:  # Machines that have not started yet have another word there.
        # An address that is not the maker's own is drawn by lot: a container has another one each time.
        known = "" if (node := uuid.getnode()) >> 40 & 0b11 else str(node)
    return hashlib.sha256(f"tether {known}".encode()).hexdigest()[:32] if known else ""


def is_same(before: Mapping[str, str], here: Mapping[str, str]) -> bool:
    """Return whether a database is where it was, and no copy.

    Of an SQLite file one part may have changed: a container's machine at each start, the path when a folder
    has another name, the file when it was put back from a copy. A copy has one at most in common with what it
    was made of.
    """
    both = before.keys() & here.keys()
    agreeing = sum(before[name] == here[name] for name in both)
    return agreeing == len(both) or ("path" in both and agreeing >= 2)


def note_strays(connection: Connection, place: str, digests: Iterable[str], began: datetime) -> list[str]:
    """Note since when nothing refers to some files of a place, and return those of them that are old by now.

    `began` is when it was looked which they are.
    """
    from tether_jupyter.store.keys import in_turn

    fact = f"{STRAYS}:{place}"
    in_turn(connection, fact)
    before, today = read_fact(connection, fact) or {}, now()
    found = {digest: before.get(digest, today.isoformat()) for digest in digests}
    # What another server has noted meanwhile may have come after this one had looked.
    newer = {digest: seen for digest, seen in before.items() if datetime.fromisoformat(seen) >= began}
    if (strays := newer | found) != before:
        write_fact(connection, fact, strays)
    since = today - timedelta(days=STRAY_DAYS)
    return [digest for digest, seen in found.items() if datetime.fromisoformat(seen) <= since]


def read_fact(connection: Connection, name: str) -> Any:
    from sqlalchemy import select

    from tether_jupyter.store.tables import facts

    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()


def write_fact(connection: Connection, name: str, value: Any) -> None:
    from tether_jupyter.store.keys import upsert
    from tether_jupyter.store.tables import facts

    upsert(connection, facts, {"name": name}, {"value": value})
