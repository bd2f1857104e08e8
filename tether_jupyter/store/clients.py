"""What each front end is set to, in four parts: `llm`, `tts`, `stt` and `ui`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from tether_jupyter.core.history import now
from tether_jupyter.core.layers import Layers
from tether_jupyter.errors import Conflict
from tether_jupyter.store.database import Database
from tether_jupyter.store.keys import in_turn, upsert
from tether_jupyter.store.resolve import look, resolver
from tether_jupyter.store.tables import client_settings
from tether_jupyter.store.values import PARTS, check

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_CLIENTS = 200
"""Front ends of one owner that are set to anything."""


class Clients:
    """Settings of front ends. A front end that was never set to anything has four empty parts.

    Every call names the owner, and sees nothing of anybody else's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._resolver = resolver(database)

    async def layers(self, owner: str, client: str, preset: str | None = None) -> Layers:
        """Return what a turn of this front end finds set; see `Resolver.for_request`."""
        return await self._resolver.for_request(self._database, owner, client, preset)

    async def in_force(self, owner: str, client: str) -> Layers:
        """Return what is set for this front end, as it is in the database now."""
        return await self._database.read(lambda connection: look(connection, owner, client, None))

    async def all(self, owner: str, client: str) -> tuple[dict[str, dict[str, Any]], str | None]:
        """Return the four parts, and the name of the active preset."""

        def work(connection: Connection) -> tuple[dict[str, dict[str, Any]], str | None]:
            rows = connection.execute(
                select(client_settings.c.part, client_settings.c["values"]).where(*own(owner, client))
            )
            found = {row.part: row[1] for row in rows}
            active = look(connection, owner, client, None).preset
            return {part: found.get(part, {}) for part in PARTS}, active

        return await self._database.read(work)

    async def get(self, owner: str, client: str, part: str) -> dict[str, Any]:
        """Return one part."""
        return await self._database.read(lambda connection: read_part(connection, owner, client, part))

    async def put(self, owner: str, client: str, part: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Replace a part and return it. A value that is null is left out, at the top level.

        Raises
        ------
        InvalidRequest, TooLarge
            What it holds cannot be kept; see `values.check`.
        Conflict
            The owner has too many front ends.
        """
        return await self._change(owner, client, part, lambda _: values)

    async def merge(self, owner: str, client: str, part: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set the values that are named, reset those that are null, and return the part. Raises as `put`."""
        return await self._change(owner, client, part, lambda before: {**before, **values})

    async def reset(self, owner: str, client: str, part: str) -> None:
        """Forget a part."""
        await self._change(owner, client, part, lambda _: {})

    async def _change(
        self,
        owner: str,
        client: str,
        part: str,
        change: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> dict[str, Any]:
        def work(connection: Connection) -> dict[str, Any]:
            in_turn(connection, owner)
            before = read_part(connection, owner, client, part)
            return write_part(connection, owner, client, part, change(before))

        with self._resolver.changing(owner, client):
            return await self._database.write(work)


def own(owner: str, client: str) -> tuple[Any, Any]:
    """Return the conditions for a front end's rows."""
    return client_settings.c.owner == owner, client_settings.c.client == client


def read_part(connection: Connection, owner: str, client: str, part: str) -> dict[str, Any]:
    """Return one part, in a transaction that somebody else began."""
    found: dict[str, Any] | None = connection.execute(
        select(client_settings.c["values"]).where(*own(owner, client), client_settings.c.part == part)
    ).scalar()
    return found or {}


def write_part(
    connection: Connection, owner: str, client: str, part: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep one part as these values, in a transaction that somebody else began. Raises as `Clients.put`."""
    kept = {name: value for name, value in values.items() if value is not None}
    check(part, kept)
    if not kept:
        connection.execute(delete(client_settings).where(*own(owner, client), client_settings.c.part == part))
        return {}
    others = connection.execute(
        select(func.count(client_settings.c.client.distinct())).where(
            client_settings.c.owner == owner, client_settings.c.client != client
        )
    ).scalar()
    if (others or 0) >= MAX_CLIENTS:
        raise Conflict(f"{MAX_CLIENTS} front ends are set already. Reset one that you no longer use.")
    key = {"owner": owner, "client": client, "part": part}
    upsert(connection, client_settings, key, {"values": kept, "updated_at": now()})
    return kept
