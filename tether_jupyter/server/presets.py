"""Presets: named settings of a front end, kept, applied, made active, carried elsewhere."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from tether_jupyter.server.base import TetherHandler, flag
from tether_jupyter.server.chat import ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tether_jupyter.core.layers import Preset

NAME = r"([^/]+)"
"""A preset's name, percent-encoded."""


class PresetsDoor(TetherHandler):
    """What the doors of presets share."""

    def answer_presets(self, found: Sequence[Preset]) -> None:
        """Send presets, and which one is active."""
        active = next((preset.name for preset in found if preset.active), None)
        self.answer({"presets": [preset.payload() for preset in found], "active": active})

    def wants_download(self) -> bool:
        """Return whether a file is asked for."""
        return flag(self.get_query_argument("download", "false"), "download")

    def download(self, found: Sequence[Preset], name: str) -> None:
        """Send presets as a file that `POST presets/import` takes."""
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "preset"
        self.set_header(
            "Content-Disposition",
            f"attachment; filename=\"{plain}.json\"; filename*=UTF-8''{quote(name, safe='')}.json",
        )
        self.set_header("X-Content-Type-Options", "nosniff")
        entries = [{"name": preset.name, "values": preset.values} for preset in found]
        self.finish(json.dumps({"presets": entries}, ensure_ascii=False, indent=2) + "\n")


class PresetsHandler(PresetsDoor):
    """`GET` and `POST clients/{id}/presets`."""

    async def get(self, client: str) -> None:
        download = self.wants_download()
        found = await self.services.presets.all(self.owner, client)
        if download:
            self.download(found, f"presets-{client}")
        else:
            self.answer_presets(found)

    async def post(self, client: str) -> None:
        from tether_jupyter.server.client_forms import NewPreset, preset_values, read

        body = read(NewPreset, self.read_body())
        made = await self.services.presets.create(self.owner, client, body.name, preset_values(body))
        self.answer(made.payload(), 201)


class ImportHandler(PresetsDoor):
    """`POST clients/{id}/presets/import`."""

    async def post(self, client: str) -> None:
        from tether_jupyter.server.client_forms import PresetImport, read, settings_of

        body = read(PresetImport, self.read_body())
        added = [(entry.name, settings_of(entry.values)) for entry in body.presets]
        await self.services.presets.add_all(self.owner, client, added, replace=body.replace)
        self.answer_presets(await self.services.presets.all(self.owner, client))


class PresetHandler(PresetsDoor):
    """`GET`, `PUT` and `DELETE clients/{id}/presets/{name}`."""

    async def get(self, client: str, name: str) -> None:
        download = self.wants_download()
        found = await self.services.presets.get(self.owner, client, name)
        if download:
            self.download([found], found.name)
        else:
            self.answer(found.payload())

    async def put(self, client: str, name: str) -> None:
        from tether_jupyter.server.client_forms import ChangedPreset, preset_values, read

        body = read(ChangedPreset, self.read_body())
        kept, new = await self.services.presets.put(
            self.owner, client, name, preset_values(body), rename=body.name
        )
        self.answer(kept.payload(), 201 if new else 200)

    async def delete(self, client: str, name: str) -> None:
        await self.services.presets.delete(self.owner, client, name)
        self.answer({"name": name, "deleted": True})


class ApplyHandler(PresetsDoor):
    """`POST clients/{id}/presets/{name}/apply`: copy its values into the settings."""

    async def post(self, client: str, name: str) -> None:
        self.answer(await self.services.presets.apply(self.owner, client, name))


class ActiveHandler(PresetsDoor):
    """`POST` and `DELETE clients/{id}/presets/{name}/set-active`."""

    async def post(self, client: str, name: str) -> None:
        self.answer((await self.services.presets.activate(self.owner, client, name)).payload())

    async def delete(self, client: str, name: str) -> None:
        self.answer((await self.services.presets.deactivate(self.owner, client, name)).payload())


handlers = [
    (rf"/tether/clients/{ID}/presets", PresetsHandler),
    (rf"/tether/clients/{ID}/presets/import", ImportHandler),
    (rf"/tether/clients/{ID}/presets/{NAME}", PresetHandler),
    (rf"/tether/clients/{ID}/presets/{NAME}/apply", ApplyHandler),
    (rf"/tether/clients/{ID}/presets/{NAME}/set-active", ActiveHandler),
]
