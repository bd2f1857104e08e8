"""Which servers write into a database right now: what a dead one left unfinished will never be complete."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tether_jupyter.core.history import now
from tether_jupyter.errors import TetherError
from tether_jupyter.store.failures import StoreFailed, told

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tether_jupyter.store.database import Database

BEAT_SECONDS = 30.0
"""How often a server that writes says that it lives."""
SILENCE_SECONDS = 120.0
"""After how long a silent server on another machine is taken for dead."""


class Presence:
    """This server's sign of life in the database.

    A server on this machine is known by its process; one on another machine by how long it has been silent.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.id = f"{socket.gethostname()[:60]}/{os.getpid()}/{started(os.getpid())}/{secrets.token_hex(4)}"
        self._said = 0.0

    async def announce(self) -> None:
        """Say, now and then, that this server lives, and end what dead ones have left."""
        if self._said and time.monotonic() - self._said < BEAT_SECONDS:
            return
        first = not self._said
        self._said = time.monotonic()
        try:
            await self.database.write(self._beat)
        except BaseException:
            self._said = 0.0 if first else self._said
            raise

    async def leave(self) -> None:
        """Say goodbye: whatever this server was writing has ended."""
        if self._said:
            with contextlib.suppress(TetherError):  # A database that is gone learns it from the silence.
                await self.database.write(self._go)

    def _beat(self, connection: Connection) -> None:
        from tether_jupyter.store.tables import servers

        mine = servers.c.id == self.id
        if not connection.execute(servers.update().where(mine).values(seen_at=now())).rowcount:
            connection.execute(servers.insert().values(id=self.id, seen_at=now()))
        sweep(connection)

    def _go(self, connection: Connection) -> None:
        from tether_jupyter.store.tables import servers

        connection.execute(servers.delete().where(servers.c.id == self.id))
        sweep(connection)


def prepare(engine: Engine, url: str) -> None:
    """Make a database ready for use: its tables as they are now, and nothing under way that nobody writes."""
    from tether_jupyter.store.schema import bring_up_to_date

    bring_up_to_date(engine, url)
    try:
        told(sweep_now, engine)
    except StoreFailed as reason:  # On a full disk, say: what was said can be read all the same.
        if reason.cause == "damaged":
            raise


def sweep_now(engine: Engine) -> None:
    """Sweep in a transaction of its own."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        sweep(connection)


def sweep(connection: Connection) -> None:
    """Mark what dead servers were writing as interrupted, with the text that there is."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import messages, servers

    alive = []
    for server in connection.execute(select(servers)):
        if lives(server.id) is True or (
            lives(server.id) is None and server.seen_at > now() - timedelta(seconds=SILENCE_SECONDS)
        ):
            alive.append(server.id)
        else:
            connection.execute(servers.delete().where(servers.c.id == server.id))
    connection.execute(
        messages.update()
        .where(messages.c.status == "running", messages.c.server.not_in(alive))
        .values(status="interrupted", server=None)
    )


def lives(server: str) -> bool | None:
    """Return whether the server with an id lives; `None` where that cannot be seen from here."""
    host, _, rest = server.partition("/")
    pid, _, rest = rest.partition("/")
    start = rest.partition("/")[0]
    if host != socket.gethostname()[:60] or not pid.isdigit() or not start:
        return None
    return started(int(pid)) == start


def started(pid: int) -> str:
    """Return when a process was started, in a form to compare; empty where it is gone, or nobody tells."""
    if sys.platform == "win32":
        return ""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() or not exists(pid) else "alive"
    fields = stat.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in ("Z", "X") else ""


def exists(pid: int) -> bool:
    """Return whether there is a process with that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
