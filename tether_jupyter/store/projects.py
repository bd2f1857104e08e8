"""Projects: groups of conversations, with files of their own that go into every question's context."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.history import new_id, now
from tether_jupyter.errors import NotFound
from tether_jupyter.store.rows import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tether_jupyter.store.database import Database

NO_PROJECT = "There is no such project here."
NO_FILE = "There is no such upload here. Upload the file first."
MOST_LISTED = 1000


@dataclass(slots=True)
class Project:
    """A project's own facts. `files` are the ids of uploads."""

    id: str
    owner: str
    name: str
    description: str = ""
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    deleted_at: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "files": self.files,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "deleted_at": self.deleted_at.isoformat() if self.deleted_at else None,
            "metadata": self.data,
        }


COLUMNS = tuple(name for name in Project.__slots__ if name != "files")


class Projects:
    """Keeps projects. Every call names the owner, and sees nothing of anybody else's."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def create(
        self, owner: str, name: str, description: str = "", data: dict[str, Any] | None = None
    ) -> Project:
        """Begin a project."""
        made = Project(new_id("p"), owner, name, description, data=data or {})

        def work(connection: Connection) -> None:
            from tether_jupyter.store.tables import projects as table

            values = {column: clean(getattr(made, column)) for column in COLUMNS}
            connection.execute(table.insert().values(**values))

        await self.database.write(work)
        return made

    async def get(self, owner: str, project_id: str) -> Project:
        """Return a project, a deleted one as well. Raises `NotFound`."""
        return await self.database.read(lambda connection: need(connection, owner, project_id))

    async def all(self, owner: str, *, deleted: bool = False) -> list[Project]:
        """Return the owner's projects, by name."""

        def work(connection: Connection) -> list[Project]:
            from sqlalchemy import func, select

            from tether_jupyter.store.tables import project_files
            from tether_jupyter.store.tables import projects as table

            gone = table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None)
            query = select(table).where(table.c.owner == owner, gone)
            rows = connection.execute(query.order_by(func.lower(table.c.name)).limit(MOST_LISTED))
            found = {row.id: of_row(row) for row in rows}
            files = select(project_files).where(project_files.c.owner == owner)
            for row in connection.execute(files.order_by(project_files.c.added_at)):
                if row.project_id in found:
                    found[row.project_id].files.append(row.upload_id)
            return list(found.values())

        return await self.database.read(work)

    async def change(self, owner: str, project_id: str, **changes: Any) -> Project:
        """Set `name`, `description`, `data`, `files` (ids of uploads) or `deleted` (a bool).

        A deleted project leaves its conversations where they are, and takes them back when it is restored.
        """

        def work(connection: Connection) -> Project:
            from tether_jupyter.store.tables import projects as table

            need(connection, owner, project_id)
            values = {name: clean(value) for name, value in changes.items()}
            if "files" in values:
                set_files(connection, owner, project_id, values.pop("files"))
            if "deleted" in values:
                values["deleted_at"] = now() if values.pop("deleted") else None
            mine = (table.c.owner == owner) & (table.c.id == project_id)
            connection.execute(table.update().where(mine).values(**values, updated_at=now()))
            return need(connection, owner, project_id)

        return await self.database.write(work)

    async def files(self, owner: str, project_id: str) -> list[str]:
        """Return the uploads that go into the context of a project's questions; none of a deleted one's."""
        found = await self.get(owner, project_id)
        return [] if found.deleted_at else found.files


def of_row(row: Any) -> Project:
    """Return the project that a row holds, without its files."""
    return Project(**{column: row._mapping[column] for column in COLUMNS})


def need(connection: Connection, owner: str, project_id: str) -> Project:
    """Return the owner's project; raise `NotFound` where it is not there."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import project_files
    from tether_jupyter.store.tables import projects as table

    row = connection.execute(select(table).where(table.c.owner == owner, table.c.id == project_id)).first()
    if row is None:
        raise NotFound(NO_PROJECT)
    found = of_row(row)
    mine = (project_files.c.owner == owner) & (project_files.c.project_id == project_id)
    query = select(project_files.c.upload_id).where(mine).order_by(project_files.c.added_at)
    found.files = list(connection.execute(query).scalars())
    return found


def set_files(connection: Connection, owner: str, project_id: str, files: list[str]) -> None:
    """Make these uploads the project's files."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import project_files as table
    from tether_jupyter.store.tables import uploads
    from tether_jupyter.store.upload_rows import mark_used

    known = select(uploads.c.id).where(uploads.c.owner == owner, uploads.c.id.in_(files))
    if set(files) - set(connection.execute(known).scalars()):
        raise NotFound(NO_FILE)
    mark_used(connection, owner, files)
    connection.execute(table.delete().where(table.c.owner == owner, table.c.project_id == project_id))
    for upload_id in dict.fromkeys(files):
        row = {"owner": owner, "project_id": project_id, "upload_id": upload_id, "added_at": now()}
        connection.execute(table.insert().values(**row))
