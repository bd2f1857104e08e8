"""Rows of uploads, what they may be called, and what is said of those that are not there or too large."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from tether_jupyter.core.attached import Upload
from tether_jupyter.core.history import now
from tether_jupyter.core.sizes import human
from tether_jupyter.errors import NotFound, TooLarge

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_NAME = 255


def mark_used(connection: Connection, owner: str, ids: Sequence[str]) -> None:
    """Note, inside a write, that uploads are needed: they are not removed for being unused."""
    from sqlalchemy import update

    from tether_jupyter.store.tables import uploads

    chosen = (uploads.c.owner == owner, uploads.c.id.in_(list(ids)))
    connection.execute(update(uploads).where(*chosen).values(used_at=now()))


def columns() -> list[Any]:
    """Return all columns but the text, which may be long."""
    from tether_jupyter.store.tables import uploads

    return [column for column in uploads.c if column.name not in ("owner", "text")]


def read_whole(
    connection: Connection, owner: str, ids: Sequence[str]
) -> dict[str, tuple[Upload, str | None]]:
    """Return those of an owner's uploads that are there, by id, each with what a model reads of it."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import uploads

    query = select(*columns(), uploads.c.text).where(uploads.c.owner == owner, uploads.c.id.in_(list(ids)))
    return {row.id: (upload_of(row), row.text) for row in connection.execute(query)}


def upload_of(row: Any) -> Upload:
    """Return the upload that a row holds."""
    data = row.data
    return Upload(
        id=row.id,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        created_at=row.created_at,
        used_at=row.used_at,
        problem=row.problem,
        encoding=data.get("encoding"),
        characters=data.get("characters"),
        facts=data.get("facts"),
    )


def missing(upload_id: str) -> NotFound:
    return NotFound(f"There is no upload with the id `{upload_id[:64]}`. Upload the file again.")


def raise_missing(upload_id: str) -> NoReturn:
    raise missing(upload_id)


def too_large(name: str, most: int) -> TooLarge:
    return TooLarge(
        f"`{name}` is larger than {human(most)}, the most that one file may have here. Send a part of it."
    )


def too_many(name: str, used: int, most: int) -> TooLarge:
    if most == 0:
        return TooLarge("This server takes no uploads: whoever runs it has switched them off.")
    return TooLarge(
        f"There is no room for `{name}`: your uploads have {human(used)} of {human(most)}. Delete some first."
    )


def clean_name(name: str) -> str:
    """Return a name to show: no folders, nothing invisible, at most 255 bytes, never empty."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    # Control characters, direction marks and joiners, halves of code points, and line separators.
    kept = (" " if c in "\t\n" else c for c in base if unicodedata.category(c)[0] != "C" or c in "\t\n")
    base = " ".join("".join(kept).split()).rstrip(" .")
    if not base:
        return "file"
    stem, dot, suffix = base.rpartition(".")
    if not stem or len(suffix.encode()) > 32:
        stem, dot, suffix = base, "", ""
    room = MAX_NAME - len(f"{dot}{suffix}".encode())
    return f"{stem.encode()[:room].decode('utf-8', 'ignore')}{dot}{suffix}"
