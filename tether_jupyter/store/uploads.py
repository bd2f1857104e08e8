"""Files that were attached: what they are called, what a model reads of them, how long they stay."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

from tether_jupyter.core.attached import Attached, Upload
from tether_jupyter.core.history import new_id, now
from tether_jupyter.core.sizes import human
from tether_jupyter.errors import InvalidRequest, NotFound, TooLarge
from tether_jupyter.store.arriving import UNREACHABLE, Arriving
from tether_jupyter.store.blobs import Blobs, open_blobs
from tether_jupyter.store.cleaning import Cleaning
from tether_jupyter.store.database import Database
from tether_jupyter.store.extract import Extract, Kind, extract, kind_of
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.upload_rows import (
    clean_name,
    columns,
    mark_used,
    missing,
    raise_missing,
    read_whole,
    too_large,
    too_many,
    upload_of,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

READERS = 2
"""Files that are read at once, each in a process of its own."""
MAX_PAGE = 500
MOST_IMAGES = 20 * 2**20
"""Bytes of all images of one question."""
QUOTA_LOCK = 7246164
TRIES = 5
PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between looks for a file that should be there."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be uploaded, in bytes: one file, and all files of one owner."""

    file: int = 20 * 2**20
    owner: int = 10**9


class Places(Protocol):
    """What of the settings is needed here."""

    @property
    def data_dir(self) -> Path: ...

    @property
    def tether(self) -> Any: ...


class Uploads:
    """The uploads of all owners. Every call names the owner, and sees nothing of anybody else's.

    Parameters
    ----------
    blobs:
        Where the files themselves are kept.
    """

    def __init__(self, database: Database, blobs: Blobs, limits: Limits | None = None) -> None:
        self.database = database
        self.blobs = blobs
        self.limits = limits or Limits()
        self._readers = asyncio.Semaphore(READERS)
        self.cleaning = Cleaning(database, blobs)

    @classmethod
    def from_settings(cls, database: Database, settings: Places) -> Uploads:
        """Build the store that the settings name. Nothing is imported, made or reached yet.

        Raises
        ------
        InvalidRequest
            `Tether.uploads_url` is no address, or holds a secret.
        """
        tether = settings.tether
        limits = Limits(int(tether.max_upload_size), int(tether.max_uploads))
        return cls(database, open_blobs(str(tether.uploads_url), settings.data_dir / "files"), limits)

    # -- what comes in

    async def check(self, owner: str, arrived: Arriving, name: str) -> Kind:
        """Return what a file is, if it may be kept.

        Raises
        ------
        InvalidRequest, TooLarge
            It is empty, of a kind that is not taken, too large, or one too many.
        """
        shown = clean_name(name)
        if arrived.size == 0:
            raise InvalidRequest(f"`{shown}` is empty. Send a file with something in it.")
        if arrived.size > self.limits.file:
            raise too_large(shown, self.limits.file)
        used = await self.used(owner)
        if used + arrived.size > self.limits.owner:
            raise too_many(shown, used, self.limits.owner)

        def look() -> Kind:
            with arrived.open() as file:
                return kind_of(file, shown)

        return await asyncio.to_thread(look)

    async def add(self, owner: str, arrived: Arriving, name: str) -> Upload:
        """Keep a file that has arrived, and find out what a model can read of it.

        What cannot be read is kept all the same, and `problem` says why. The caller discards `arrived`.

        Raises
        ------
        InvalidRequest, TooLarge
            As `check`.
        StoreFailed
            The disk or the database does not take it now.
        """
        kind = await self.check(owner, arrived, name)
        found = Extract() if kind.is_image else await self._read(arrived, kind)
        upload = Upload(
            id=new_id("u"),
            name=clean_name(name),
            media_type=kind.media_type,
            size=arrived.size,
            sha256=arrived.digest,
            created_at=now(),
            problem=found.problem,
            encoding=kind.encoding,
            characters=len(found.text) if found.text else None,
            facts=found.facts,
        )
        await self.cleaning.place.enter()
        await asyncio.to_thread(self.blobs.put, arrived.path, upload.sha256)
        try:
            await self.database.write(lambda connection: self._insert(connection, owner, upload, found.text))
        except TooLarge:
            await self.cleaning.drop(upload.sha256)
            raise
        # Whoever sets the file aside from now on sees the row, and puts it back. What was set aside before
        # the row came is missing now.
        await asyncio.to_thread(self._make_sure, arrived, upload)
        self.cleaning.soon()
        return upload

    def _make_sure(self, arrived: Arriving, upload: Upload) -> None:
        """Put a file again for as long as it is not there. Blocking."""
        for _ in range(TRIES):
            if self.blobs.has(upload.sha256, upload.size):
                return
            self.blobs.put(arrived.path, upload.sha256)
        raise StoreFailed(UNREACHABLE)

    def _insert(self, connection: Connection, owner: str, upload: Upload, text: str | None) -> None:
        from sqlalchemy import func, insert, select
        from sqlalchemy import text as sql

        from tether_jupyter.store.tables import uploads

        if connection.dialect.name == "postgresql":
            # Two servers that add at once must not both find the last room.
            connection.execute(
                sql("SELECT pg_advisory_xact_lock(:lock, hashtext(:owner))"),
                {"lock": QUOTA_LOCK, "owner": owner},
            )
        total = select(func.coalesce(func.sum(uploads.c.size), 0)).where(uploads.c.owner == owner)
        used = int(connection.execute(total).scalar_one())
        if used + upload.size > self.limits.owner:
            raise too_many(upload.name, used, self.limits.owner)
        connection.execute(
            insert(uploads).values(
                owner=owner,
                id=upload.id,
                name=upload.name,
                media_type=upload.media_type,
                size=upload.size,
                sha256=upload.sha256,
                text=text,
                problem=upload.problem,
                created_at=upload.created_at,
                data={
                    "encoding": upload.encoding,
                    "characters": upload.characters,
                    "facts": upload.facts or {},
                },
            )
        )

    async def _read(self, arrived: Arriving, kind: Kind) -> Extract:
        def read() -> Extract:
            with arrived.open() as file:
                return extract(file, kind)

        async with self._readers:
            return await asyncio.to_thread(read)

    # -- what there is

    async def get(self, owner: str, upload_id: str) -> Upload:
        """Return what is known of an upload. Raises `NotFound`."""
        return (await self._rows(owner, [upload_id]))[0]

    async def page(self, owner: str, *, limit: int = 100, before: str | None = None) -> list[Upload]:
        """Return an owner's uploads, the newest first: at most `limit`, those before the upload `before`."""

        def find(connection: Connection) -> list[Upload]:
            from sqlalchemy import select, tuple_

            from tether_jupyter.store.tables import uploads

            order = (uploads.c.created_at, uploads.c.id)
            query = select(*columns()).where(uploads.c.owner == owner)
            if before is not None:
                last = select(*order).where(uploads.c.owner == owner, uploads.c.id == before)
                if (row := connection.execute(last).first()) is None:
                    raise missing(before)
                query = query.where(tuple_(*order) < tuple_(*row))
            query = query.order_by(*(column.desc() for column in order)).limit(min(limit, MAX_PAGE))
            return [upload_of(row) for row in connection.execute(query)]

        return await self.database.read(find)

    async def used(self, owner: str) -> int:
        """Return how many bytes an owner's uploads have together."""

        def add_up(connection: Connection) -> int:
            from sqlalchemy import func, select

            from tether_jupyter.store.tables import uploads

            total = select(func.coalesce(func.sum(uploads.c.size), 0)).where(uploads.c.owner == owner)
            return int(connection.execute(total).scalar_one())

        return await self.database.read(add_up)

    async def text(self, owner: str, upload_id: str) -> str | None:
        """Return what a model reads of an upload; `None` where nothing can be read. Raises `NotFound`."""

        def find(connection: Connection) -> str | None:
            from sqlalchemy import select

            from tether_jupyter.store.tables import uploads

            query = select(uploads.c.text).where(uploads.c.owner == owner, uploads.c.id == upload_id)
            if (row := connection.execute(query).first()) is None:
                raise missing(upload_id)
            return row.text  # type: ignore[no-any-return]

        return await self.database.read(find)

    async def content(self, owner: str, upload_id: str) -> tuple[Upload, IO[bytes]]:
        """Return an upload and its file, open to be read in a thread. Raises `NotFound`."""
        upload = await self.get(owner, upload_id)
        return upload, await self._patiently(lambda: self.blobs.open(upload.sha256))

    async def _patiently(self, read: Callable[[], Result]) -> Result:
        """Read a file that a row refers to: a cleaner may hold it until it has seen that row."""
        for pause in PAUSES:
            try:
                return await asyncio.to_thread(read)
            except NotFound:
                await asyncio.sleep(pause)
        return await asyncio.to_thread(read)

    async def _rows(self, owner: str, ids: Sequence[str]) -> list[Upload]:
        """Return uploads in the order of their ids."""

        def find(connection: Connection) -> list[Upload]:
            from sqlalchemy import select

            from tether_jupyter.store.tables import uploads

            query = select(*columns()).where(uploads.c.owner == owner, uploads.c.id.in_(ids))
            found = {row.id: upload_of(row) for row in connection.execute(query)}
            return [found.get(one) or raise_missing(one) for one in ids]

        return await self.database.read(find)

    # -- what a turn needs

    async def for_turn(self, owner: str, ids: Sequence[str], *, used: bool = True) -> list[Attached]:
        """Return attachments for a prompt, in the order of their ids, and note that they are used.

        `used`: `False` for a look at a prompt, after which the cleaning may still take them away.

        Raises
        ------
        NotFound
            The owner has no such upload.
        InvalidRequest
            There is nothing in one that a model could read.
        TooLarge
            The images are too large together.
        """
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return []

        def find(connection: Connection) -> list[tuple[Upload, str | None]]:
            found = read_whole(connection, owner, wanted)
            chosen = [found.get(one) or raise_missing(one) for one in wanted]
            for upload, text in chosen:
                if not upload.is_image and not text:
                    raise InvalidRequest(
                        f"`{upload.name}` cannot be attached. {upload.problem or ''}".strip()
                    )
            total = sum(upload.size for upload, _ in chosen if upload.is_image)
            if total > MOST_IMAGES:
                raise TooLarge(
                    f"The images have {human(total)} together, and {human(MOST_IMAGES)} are allowed in one "
                    "question. Leave some out, or send smaller ones."
                )
            if used:
                mark_used(connection, owner, wanted)
            return chosen

        chosen = await (self.database.write(find) if used else self.database.read(find))
        return [await self._attached(upload, text) for upload, text in chosen]

    async def still_there(self, owner: str, ids: Sequence[str], *, sees: bool) -> list[Attached]:
        """Return what there is of attachments of earlier questions, in the order of their ids.

        One that is gone or cannot be read is left out, and so are images where the model does not see them,
        or where they have more bytes together than one question may have.
        """
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return []

        def find(connection: Connection) -> list[tuple[Upload, str | None]]:
            found = read_whole(connection, owner, wanted)
            return [found[one] for one in wanted if one in found]

        attached, room = [], MOST_IMAGES
        for upload, text in await self.database.read(find):
            if upload.is_image:
                if not sees or upload.size > room:
                    continue
                room -= upload.size
            elif not text:
                continue
            with contextlib.suppress(NotFound):  # Its file is gone: the row will follow.
                attached.append(await self._attached(upload, text))
        return attached

    async def _attached(self, upload: Upload, text: str | None) -> Attached:
        if not upload.is_image:
            return Attached(upload.id, upload.name, "text", text=text or "", note=upload.problem)

        def encode() -> str:
            data = base64.b64encode(self.blobs.read(upload.sha256)).decode("ascii")
            return f"data:{upload.media_type};base64,{data}"

        return Attached(upload.id, upload.name, "image", url=await self._patiently(encode))

    # -- what goes

    async def delete(self, owner: str, upload_id: str) -> None:
        """Remove an upload, and its file where nobody else's row refers to it. Raises `NotFound`."""

        def remove(connection: Connection) -> str:
            from sqlalchemy import delete, select

            from tether_jupyter.store.tables import uploads

            mine = (uploads.c.owner == owner, uploads.c.id == upload_id)
            digest = connection.execute(select(uploads.c.sha256).where(*mine)).scalar()
            if digest is None:
                raise missing(upload_id)
            connection.execute(delete(uploads).where(*mine))
            return str(digest)

        await self.cleaning.drop(await self.database.write(remove))

    async def clean(self) -> dict[str, int]:
        """Remove what nobody needs; see `Cleaning.clean`."""
        return await self.cleaning.clean()

    async def close(self) -> None:
        """Stop cleaning. What it has begun is finished the next time."""
        await self.cleaning.close()
