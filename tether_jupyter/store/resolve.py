"""What a turn finds set, from memory: a question waits for no disk unless something has changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import false, null, or_, select

from tether_jupyter.core.layers import Layers
from tether_jupyter.errors import NotFound
from tether_jupyter.store.database import Database
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.tables import client_settings, presets
from tether_jupyter.store.values import preset_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("tether.store")

MAX_KEPT = 256
FRESH_SECONDS = 10.0
"""How long what is kept counts without a look: another server may write into the same database."""
MAX_NAMED = 20
"""Presets that a message names."""

NOTHING = Layers()
Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """Layers, and when they were read, in seconds of a monotonic clock."""

    layers: Layers
    read_at: float


class Chosen(NamedTuple):
    """A preset that counts."""

    name: str
    values: dict[str, Any]


class Resolver:
    """Keeps the layers of the front ends that asked most recently."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._reading: dict[Key, asyncio.Task[Layers]] = {}
        self._out_of_order = False

    async def for_request(
        self, database: Database, owner: str, client: str, preset: str | None = None
    ) -> Layers:
        """Return what is set for a front end and the preset that a request names.

        What this server itself changes counts at once, what another one changes within `FRESH_SECONDS`.
        While the database cannot be read, what was read last counts, and nothing where there was nothing.

        Raises
        ------
        InvalidRequest
            No preset can have that name.
        NotFound
            The front end has no preset of that name; the message names those that it has.
        StoreFailed
            A preset is named and cannot be read: an answer without it is not what was asked for.
        """
        key = (owner, client, None if preset is None else preset_name(preset))
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            if time.monotonic() - kept.read_at < FRESH_SECONDS:
                return kept.layers
        reading = self._reading.get(key)
        if reading is None:
            # Those that ask at the same moment share one look, and none that leaves takes it from the others.
            reading = asyncio.create_task(self._read(database, key), name="tether-settings")
            self._reading[key] = reading
            reading.add_done_callback(lambda done: self._read_ended(key, done))
        try:
            return await asyncio.shield(reading)
        except StoreFailed as reason:
            if kept is not None:
                return kept.layers
            if preset is not None:
                raise StoreFailed(
                    f"The preset `{preset}` cannot be read now. Ask without it, or try again in a moment.",
                    cause=reason.cause,
                ) from None
            if not self._out_of_order:
                self._out_of_order = True
                log.warning("settings of front ends cannot be read: questions are asked without them")
            return NOTHING

    @contextlib.contextmanager
    def changing(self, owner: str, client: str) -> Iterator[None]:
        """Surround a change: what was read before it, or meanwhile, is forgotten at its end."""
        try:
            yield
        finally:
            for key in [key for key in self._kept if key[:2] == (owner, client)]:
                del self._kept[key]
            for key in [key for key in self._reading if key[:2] == (owner, client)]:
                del self._reading[key]

    async def _read(self, database: Database, key: Key) -> Layers:
        started = time.monotonic()
        layers = await database.read(lambda connection: look(connection, *key))
        self._out_of_order = False
        if self._reading.get(key) is asyncio.current_task():
            self._kept[key] = Kept(layers, started)
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return layers

    def _read_ended(self, key: Key, done: asyncio.Task[Layers]) -> None:
        if self._reading.get(key) is done:
            del self._reading[key]
        if not done.cancelled():
            done.exception()  # Whoever asked may have left; then nobody else takes it.


# A resolver holds no database, or neither could ever go.
RESOLVERS: WeakKeyDictionary[Database, Resolver] = WeakKeyDictionary()


def resolver(database: Database) -> Resolver:
    """Return a database's resolver, the same for all that change what it reads."""
    found = RESOLVERS.get(database)
    if found is None:
        found = RESOLVERS[database] = Resolver()
    return found


def look(connection: Connection, owner: str, client: str, preset: str | None) -> Layers:
    """Read a front end's settings, its active preset and the named one, in one question to the database."""
    mine = (presets.c.owner == owner, presets.c.client == client)
    settings = select(null().label("name"), false().label("active"), client_settings.c["values"]).where(
        client_settings.c.owner == owner,
        client_settings.c.client == client,
        client_settings.c.part == "llm",
    )
    chosen = select(presets.c.name, presets.c.active, presets.c["values"]).where(
        *mine, or_(presets.c.active, presets.c.name == preset)
    )
    own: dict[str, Any] = {}
    active = named = None
    for name, is_active, values in connection.execute(settings.union_all(chosen)):
        if name is None:
            own = values
        if is_active:
            active = Chosen(name, values)
        if name is not None and name == preset:
            named = Chosen(name, values)
    if preset is not None and named is None:
        query = select(presets.c.name).where(*mine).order_by(presets.c.name).limit(MAX_NAMED + 1)
        raise NotFound(missing(client, preset, list(connection.execute(query).scalars())))
    counts = named or active
    return Layers(
        client=own,
        active=active.values if active else None,
        named=named.values if named else None,
        preset=counts.name if counts else None,
    )


def missing(client: str, preset: str, names: list[str]) -> str:
    """Return what to say where there is no such preset."""
    there = ", ".join(f"`{name}`" for name in names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
    advice = f"There are {there}." if names else "It has none yet: make one with `POST presets`."
    return f"`{client}` has no preset `{preset}`. {advice}"
