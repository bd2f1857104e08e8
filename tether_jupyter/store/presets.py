"""Named settings of front ends, of which one may be active: it lies over what the front end is set to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Row, and_, delete, func, insert, select, update

from tether_jupyter.core.history import now
from tether_jupyter.core.layers import Preset
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store.clients import read_part, write_part
from tether_jupyter.store.database import Database
from tether_jupyter.store.keys import in_turn
from tether_jupyter.store.resolve import look, missing, resolver
from tether_jupyter.store.tables import presets
from tether_jupyter.store.values import check, preset_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_PRESETS = 100
"""Presets of one front end of one owner."""

Result = TypeVar("Result")


class Presets:
    """Presets of front ends. Every call names the owner, and sees nothing of anybody else's.

    Raises
    ------
    InvalidRequest
        A name is none, or values hold what settings may not.
    NotFound
        The front end has no preset of that name; the message names those that it has.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._resolver = resolver(database)

    async def all(self, owner: str, client: str) -> list[Preset]:
        """Return a front end's presets by name."""
        query = (
            select(presets).where(*own(owner, client)).order_by(func.lower(presets.c.name), presets.c.name)
        )
        return await self._database.read(lambda connection: [*map(of, connection.execute(query))])

    async def get(self, owner: str, client: str, name: str) -> Preset:
        """Return one preset."""
        wanted = preset_name(name)
        return await self._database.read(lambda connection: find(connection, owner, client, wanted))

    async def create(
        self, owner: str, client: str, name: str, values: Mapping[str, Any] | None = None
    ) -> Preset:
        """Make a preset of these values, or of what is in force for the front end now.

        What is in force is the active preset over the front end's settings. The server's own settings are
        left out, for they may change.

        Raises
        ------
        Conflict
            There is one of that name, or there are too many.
        """
        wanted = preset_name(name)

        def work(connection: Connection) -> Preset:
            if exists(connection, owner, client, wanted):
                raise Conflict(f"There is a preset `{wanted}` already. Choose another name, or replace it.")
            return save(connection, owner, client, wanted, current(connection, owner, client, values))

        return await self._change(owner, client, work)

    async def put(
        self,
        owner: str,
        client: str,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        rename: str | None = None,
    ) -> tuple[Preset, bool]:
        """Replace a preset's values, or make it; return it and whether it is new.

        Parameters
        ----------
        values:
            As for `create`.
        rename:
            Its name from now on. Then it must be there already.
        """
        wanted, becomes = preset_name(name), preset_name(rename if rename is not None else name)

        def work(connection: Connection) -> tuple[Preset, bool]:
            there = exists(connection, owner, client, wanted)
            kept = current(connection, owner, client, values)
            if becomes != wanted:
                find(connection, owner, client, wanted)
                if exists(connection, owner, client, becomes):
                    raise Conflict(f"There is a preset `{becomes}` already. Choose another name.")
                connection.execute(update(presets).where(*own(owner, client, wanted)).values(name=becomes))
            return save(connection, owner, client, becomes, kept), not there

        return await self._change(owner, client, work)

    async def delete(self, owner: str, client: str, name: str) -> None:
        """Remove a preset. If it was the active one, none is."""
        wanted = preset_name(name)

        def work(connection: Connection) -> None:
            find(connection, owner, client, wanted)
            connection.execute(delete(presets).where(*own(owner, client, wanted)))

        await self._change(owner, client, work)

    async def apply(self, owner: str, client: str, name: str) -> dict[str, Any]:
        """Copy a preset's values over the front end's `llm` settings, and return those."""
        wanted = preset_name(name)

        def work(connection: Connection) -> dict[str, Any]:
            values = find(connection, owner, client, wanted).values
            before = read_part(connection, owner, client, "llm")
            return write_part(connection, owner, client, "llm", {**before, **values})

        return await self._change(owner, client, work)

    async def activate(self, owner: str, client: str, name: str) -> Preset:
        """Let a preset lie over the front end's settings, in place of any other."""
        return await self._set_active(owner, client, name, on=True)

    async def deactivate(self, owner: str, client: str, name: str) -> Preset:
        """Let a preset no longer lie over the front end's settings."""
        return await self._set_active(owner, client, name, on=False)

    async def add_all(
        self, owner: str, client: str, added: Iterable[tuple[str, Mapping[str, Any]]], *, replace: bool
    ) -> list[Preset]:
        """Keep several presets, all or none.

        Parameters
        ----------
        added:
            Names and values. Of two with the same name, the later one stays.
        replace:
            Whether one that is there already gets the new values.

        Raises
        ------
        Conflict
            Some are there already, or there would be too many.
        """
        wanted = {preset_name(name): values for name, values in added}

        def work(connection: Connection) -> list[Preset]:
            taken = [name for name in wanted if exists(connection, owner, client, name)]
            if taken and not replace:
                named = ", ".join(f"`{name}`" for name in taken[:20])
                raise Conflict(f"There are presets {named} already. Send `replace: true` to replace them.")
            return [save(connection, owner, client, name, values) for name, values in wanted.items()]

        return await self._change(owner, client, work)

    async def _set_active(self, owner: str, client: str, name: str, *, on: bool) -> Preset:
        wanted = preset_name(name)

        def work(connection: Connection) -> Preset:
            find(connection, owner, client, wanted)
            others = and_(*own(owner, client), presets.c.active, presets.c.name != wanted)
            if on:
                connection.execute(update(presets).where(others).values(active=False))
            connection.execute(update(presets).where(*own(owner, client, wanted)).values(active=on))
            return find(connection, owner, client, wanted)

        return await self._change(owner, client, work)

    async def _change(self, owner: str, client: str, work: Callable[[Connection], Result]) -> Result:
        def alone(connection: Connection) -> Result:
            in_turn(connection, owner)
            return work(connection)

        with self._resolver.changing(owner, client):
            return await self._database.write(alone)


def own(owner: str, client: str, name: str | None = None) -> tuple[Any, ...]:
    """Return the conditions for a front end's presets, or for one of them."""
    conditions = (presets.c.owner == owner, presets.c.client == client)
    return conditions if name is None else (*conditions, presets.c.name == name)


def find(connection: Connection, owner: str, client: str, name: str) -> Preset:
    """Return a preset, in a transaction that somebody else began."""
    row = connection.execute(select(presets).where(*own(owner, client, name))).one_or_none()
    if row is None:
        query = select(presets.c.name).where(*own(owner, client)).order_by(presets.c.name)
        raise NotFound(missing(client, name, list(connection.execute(query).scalars())))
    return of(row)


def of(row: Row[Any]) -> Preset:
    """Return the preset that a row holds."""
    return Preset(**{name: row._mapping[presets.c[name]] for name in Preset.__slots__})


def exists(connection: Connection, owner: str, client: str, name: str) -> bool:
    """Return whether there is a preset of that name."""
    return connection.execute(select(presets.c.name).where(*own(owner, client, name))).first() is not None


def current(
    connection: Connection, owner: str, client: str, values: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return the values that were sent, else those that are in force for the front end."""
    return look(connection, owner, client, None).kept() if values is None else values


def save(connection: Connection, owner: str, client: str, name: str, values: Mapping[str, Any]) -> Preset:
    """Make a preset, or give it these values; whether it is active stays."""
    kept = {field: value for field, value in values.items() if value is not None}
    check("llm", kept)
    moment = now()
    if exists(connection, owner, client, name):
        change = update(presets).where(*own(owner, client, name))
        connection.execute(change.values({"values": kept, "updated_at": moment}))
        return find(connection, owner, client, name)
    count = connection.execute(select(func.count()).select_from(presets).where(*own(owner, client))).scalar()
    if (count or 0) >= MAX_PRESETS:
        raise Conflict(f"`{client}` has {MAX_PRESETS} presets already. Delete one that you no longer use.")
    row = {"owner": owner, "client": client, "name": name, "values": kept, "active": False}
    connection.execute(insert(presets).values({**row, "created_at": moment, "updated_at": moment}))
    return find(connection, owner, client, name)
