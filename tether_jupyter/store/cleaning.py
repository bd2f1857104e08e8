"""What goes of the uploads: those that nobody used, and files that no row refers to any more."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tether_jupyter.core.frames import frames
from tether_jupyter.core.history import now
from tether_jupyter.errors import TetherError
from tether_jupyter.store.blobs import Blobs
from tether_jupyter.store.database import Database
from tether_jupyter.store.place import Place, referred

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("tether.store")

UNUSED_HOURS = 24
TIDY_SECONDS = 3600.0


class Cleaning:
    """Removes uploads and files, while others may be adding the same ones.

    Parameters
    ----------
    blobs:
        Where the files are kept.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self.database = database
        self.blobs = blobs
        self.place = Place(database, blobs)
        self._tidied = float("-inf")
        self._tidying: asyncio.Task[None] | None = None

    async def clean(self) -> dict[str, int]:
        """Remove what nobody needs: unused uploads of yesterday, files without a row, broken-off arrivals.

        Files go only from a place that is this database's alone; see `store/place.py`.

        Returns
        -------
        dict
            How many of each: `uploads`, `files`, `arrivals`.
        """

        def remove(connection: Connection) -> list[str]:
            from sqlalchemy import delete, exists, select

            from tether_jupyter.store.tables import project_files, uploads

            in_project = exists().where(
                project_files.c.owner == uploads.c.owner, project_files.c.upload_id == uploads.c.id
            )
            old = uploads.c.created_at < now() - timedelta(hours=UNUSED_HOURS)
            unused = (uploads.c.used_at.is_(None), old, ~in_project)
            digests = list(connection.execute(select(uploads.c.sha256).where(*unused)).scalars())
            connection.execute(delete(uploads).where(*unused))
            return digests

        removed = await self.database.write(remove)
        arrivals = await asyncio.to_thread(self.blobs.sweep, UNUSED_HOURS * 3600.0)
        for aside, digest in await asyncio.to_thread(lambda: list(self.blobs.waiting())):
            await self._settle(aside, digest)
        files = 0
        if await self.place.is_own(removed):
            for digest in dict.fromkeys([*removed, *await self.place.old_strays()]):
                files += await self.drop(digest)
        return {"uploads": len(removed), "files": files, "arrivals": arrivals}

    async def drop(self, digest: str) -> bool:
        """Remove a file that no row of anyone refers to; return whether it is gone.

        Where other databases keep files too it stays: an equal file may be theirs.

        Somebody may be uploading the same file right now. It is set aside first: a row that comes before the
        second look brings it back, and one that comes after it finds that it is missing, and puts it again.
        """
        if await self._referred([digest]) or not await self.place.is_own([digest]):
            return False
        aside = await asyncio.to_thread(self.blobs.set_aside, digest)
        return aside is not None and await self._settle(aside, digest)

    async def _settle(self, aside: Path, digest: str) -> bool:
        """Let a file go that was set aside, or put it back; return whether it is gone."""
        if await self._referred([digest]) or not await self.place.is_own([digest]):
            await asyncio.to_thread(self.blobs.put_back, aside)
            return False
        await asyncio.to_thread(self.blobs.let_go, aside)
        return True

    async def _referred(self, digests: Sequence[str]) -> set[str]:
        """Return which of some files a row refers to, whoever's it is."""
        return await self.database.read(lambda connection: referred(connection, digests))

    def soon(self) -> None:
        """Clean aside, once an hour at most: whoever uploads pays for the room that uploads take."""
        if time.monotonic() - self._tidied < TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        self._tidying = asyncio.ensure_future(self._tidy())

    async def _tidy(self) -> None:
        try:
            await self.clean()
        except TetherError as reason:
            log.warning("old uploads cannot be removed now: %s", reason.message)
        except Exception as reason:  # noqa: BLE001 - nobody waits for this task
            log.error("old uploads cannot be removed: %s", frames(reason))

    async def close(self) -> None:
        """Stop cleaning. What it has begun is finished the next time."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
