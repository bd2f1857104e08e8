"""Projects: groups of conversations, with files of their own."""

from __future__ import annotations

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import ID


class ProjectsHandler(TetherHandler):
    """`GET projects?deleted=` and `POST projects`."""

    async def get(self) -> None:
        deleted = self.get_query_argument("deleted", "false")
        if deleted not in ("true", "false"):
            raise InvalidRequest("`deleted` must be `true` or `false`.")
        found = await self.services.projects.all(self.owner, deleted=deleted == "true")
        self.answer({"projects": [project.payload() for project in found]})

    async def post(self) -> None:
        from tether_jupyter.server.history_forms import NewProject, read

        asked = read(NewProject, self.read_body())
        made = await self.services.projects.create(self.owner, asked.name, asked.description, asked.metadata)
        self.answer(made.payload(), 201)


class ProjectHandler(TetherHandler):
    """`GET`, `PATCH` and `DELETE projects/{id}`."""

    async def get(self, project_id: str) -> None:
        self.answer((await self.services.projects.get(self.owner, project_id)).payload())

    async def patch(self, project_id: str) -> None:
        from tether_jupyter.server.history_forms import ProjectChange, read

        changes = read(ProjectChange, self.read_body()).changes()
        self.answer((await self.services.projects.change(self.owner, project_id, **changes)).payload())

    async def delete(self, project_id: str) -> None:
        found = await self.services.projects.change(self.owner, project_id, deleted=True)
        self.answer(found.payload())


handlers = [
    (r"/tether/projects", ProjectsHandler),
    (rf"/tether/projects/{ID}", ProjectHandler),
]
