"""Attachments: a file in, by a form or out of the workspace; what is known of it, and itself, out."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tornado import web

from tether_jupyter.core.attached import IMAGES, Upload
from tether_jupyter.core.sizes import human
from tether_jupyter.errors import Forbidden, InvalidRequest, NotFound, RateLimited, TetherError, TooLarge
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import ID
from tether_jupyter.server.multipart import Form

MAX_FILES = 16
WHOLE_FORM = 4
"""All files of one form together, as a multiple of the largest one file."""
FORM_OVERHEAD = 1 << 18
MAX_JSON = 1 << 16
AT_ONCE = 8
"""Forms that one user may be sending at the same time: each takes room on the disk before it is looked at."""
MAX_PATH = 4096
PIECE = 1 << 18


class UploadsHandler(TetherHandler):
    """`GET uploads`, `POST uploads`."""

    form: Form[Any] | None = None
    posting = False
    counted: str | None = None

    @property
    def max_body_size(self) -> int:  # type: ignore[override]  # it depends on what is sent
        """A form's size is its files'; JSON is short here."""
        largest = self.services.settings.tether.max_upload_size
        return WHOLE_FORM * largest + FORM_OVERHEAD if self.is_form else MAX_JSON

    @property
    def is_form(self) -> bool:
        kind = self.request.headers.get("Content-Type", "").split(";")[0].strip().lower()
        return self.request.method == "POST" and kind == "multipart/form-data"

    async def prepare(self) -> None:  # type: ignore[override]  # as in the base
        await super().prepare()
        if not self.is_form or self.current_user is None:
            return
        under_way = self.under_way
        if under_way.get(self.owner, 0) >= AT_ONCE:
            raise RateLimited(
                f"You are sending {AT_ONCE} uploads already. Wait for one of them, and send this one again.",
                retry_after=1.0,
            )
        self.counted = self.owner
        under_way[self.owner] = under_way.get(self.owner, 0) + 1
        self.form = Form(
            self.request.headers.get("Content-Type", ""),
            self.services.uploads.blobs.receive,
            max_file=self.services.uploads.limits.file,
            max_files=MAX_FILES,
        )

    @property
    def under_way(self) -> dict[str, int]:
        """How many forms each owner is sending."""
        counts: dict[str, int] = self.settings.setdefault("tether_uploads_under_way", {})
        return counts

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:  # type: ignore[override]
        """Write a form to disk as it comes, up to the limit; gather JSON as elsewhere."""
        if self.form is None:
            super().data_received(chunk)
            return None
        self._received += len(chunk)
        if self._received > self._size_limit:
            self.form.refusal = self._too_large()
        if self.form.refusal is not None:
            return None
        return asyncio.to_thread(self.form.feed, chunk)

    def on_finish(self) -> None:
        super().on_finish()
        self.let_go()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if not self.posting:  # What is being kept is let go when that ends.
            self.let_go()

    def let_go(self) -> None:
        """Remove what was written of the form, and make room for the next one."""
        if self.counted is not None:
            self.under_way[self.counted] -= 1
            if not self.under_way[self.counted]:
                del self.under_way[self.counted]
            self.counted = None
        form, self.form = self.form, None
        if form is not None:
            asyncio.get_running_loop().run_in_executor(None, form.discard)

    async def get(self) -> None:
        limit, before = self.get_query_argument("limit", "100"), self.get_query_argument("before", "")
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= 500:
            raise InvalidRequest("`limit` must be a number from 1 to 500.")
        found = await self.services.uploads.page(self.owner, limit=int(limit), before=before or None)
        self.answer(
            {
                "uploads": [upload.payload() for upload in found],
                "bytes": await self.services.uploads.used(self.owner),
                "max_bytes": self.services.uploads.limits.owner,
            }
        )

    async def post(self) -> None:
        self.posting = True
        if self.form is not None:
            files = await asyncio.to_thread(self.form.files)
            added = await self.add(files)
        else:
            added = [await self.add_from_workspace(self.read_path())]
        self.answer({"uploads": [upload.payload() for upload in added]}, status=201)

    async def add(self, files: list[tuple[str, Any]]) -> list[Upload]:
        """Keep all files of a form, or none."""
        for name, file in files:
            await self.services.uploads.check(self.owner, file, name)
        added: list[Upload] = []
        try:
            for name, file in files:
                added.append(await self.services.uploads.add(self.owner, file, name))
        except TetherError:
            for upload in added:
                await self.services.uploads.delete(self.owner, upload.id)
            raise
        return added

    # -- a file of the workspace

    def read_path(self) -> str:
        """Return the `path` of a JSON body."""
        fields = self.read_body()
        for field in fields:
            if field != "path":
                raise InvalidRequest(f"Unknown field `{field[:100]}`.")
        path = fields.get("path")
        if not isinstance(path, str) or not 0 < len(path.strip("/ ")) <= MAX_PATH:
            raise InvalidRequest("`path` must be a file's path in the workspace, such as `data/table.csv`.")
        # JupyterLab puts a drive before the path of some files; Jupyter's own contents do not.
        return path.partition(":")[2] if path.startswith("RTC:") else path

    async def add_from_workspace(self, path: str) -> Upload:
        """Copy a file out of Jupyter's contents, by Jupyter's own rules of what may be seen."""
        arrived = self.services.uploads.blobs.receive()
        try:
            data = await self.read_workspace(path)
            await asyncio.to_thread(arrived.write, data)
            return await self.services.uploads.add(self.owner, arrived, path)
        finally:
            await asyncio.to_thread(arrived.discard)

    async def read_workspace(self, path: str) -> bytes:
        """Return a file's bytes."""
        from jupyter_server.utils import ensure_async

        allowed = self.authorizer.is_authorized(self, self.current_user, "read", "contents")
        if not await ensure_async(allowed):
            raise Forbidden("This account may not read the workspace. Ask whoever runs the server.")
        manager = self.contents_manager
        missing = NotFound(f"There is no file `{path[:200]}` in the workspace. Check its path.")
        try:
            if not manager.allow_hidden and await ensure_async(manager.is_hidden(path)):  # type: ignore[no-untyped-call]
                raise missing
            await asyncio.to_thread(stays_inside, manager, path)
            model = await self.from_manager(path, content=False)
            most = self.services.uploads.limits.file
            if (model.get("size") or 0) > most:
                raise TooLarge(f"`{path[:200]}` is larger than {human(most)}. Attach a part of it.")
            model = await self.from_manager(path, content=True)
        except web.HTTPError as reason:
            if reason.status_code == 403:
                raise Forbidden(f"The server may not read `{path[:200]}`. Check its permissions.") from None
            if reason.status_code == 404:
                raise missing from None
            raise InvalidRequest(f"`{path[:200]}` is no file that can be read. Name a file.") from None
        except (OSError, RuntimeError, ValueError):  # Too long a name, or links that go in a circle.
            raise missing from None
        try:
            return await asyncio.to_thread(base64.b64decode, model.get("content") or "")
        except (binascii.Error, TypeError, ValueError):
            raise InvalidRequest(f"`{path[:200]}` cannot be read here. Upload it instead.") from None

    async def from_manager(self, path: str, *, content: bool) -> dict[str, Any]:
        """Ask Jupyter's contents manager for a file.

        One of the old kind blocks, as it does for Jupyter itself: its events need this thread's loop.
        """
        from jupyter_server.utils import ensure_async

        manager: Any = self.contents_manager
        asked = manager.get(path, content=content, type="file", format="base64")
        model: dict[str, Any] = await ensure_async(asked)
        return model


class UploadHandler(TetherHandler):
    """`GET uploads/{id}`, `DELETE uploads/{id}`."""

    async def get(self, upload_id: str) -> None:
        self.answer((await self.services.uploads.get(self.owner, upload_id)).payload())

    async def delete(self, upload_id: str) -> None:
        await self.services.uploads.delete(self.owner, upload_id)
        self.answer({"id": upload_id, "deleted": True})


class ContentHandler(TetherHandler):
    """`GET uploads/{id}/content`: the file as it came, which the browser must not run or show as a page."""

    @property
    def content_security_policy(self) -> str:
        return f"{super().content_security_policy}; sandbox"

    async def get(self, upload_id: str) -> None:
        upload, file = await self.services.uploads.content(self.owner, upload_id)
        try:
            kind = upload.media_type
            if upload.encoding is not None:
                kind = f"{kind}; charset={upload.encoding.removesuffix('-sig')}"
            self.set_header("Content-Length", str(upload.size))
            self.set_header("Content-Disposition", disposition(upload))
            self.set_header("X-Content-Type-Options", "nosniff")
            self.set_header("Cross-Origin-Resource-Policy", "same-origin")
            self.set_header("Content-Type", kind)
            left = upload.size
            while left and (piece := await asyncio.to_thread(file.read, min(PIECE, left))):
                left -= len(piece)
                self.write(piece)
                await self.flush()
            if left:
                # The length was announced: whoever reads must not take this for the whole file.
                self.log.error("tether: the file of the upload %s is cut off", upload.id)
                self.detach_broken()
                return
            self.finish(set_content_type=kind)
        finally:
            await asyncio.to_thread(file.close)

    def detach_broken(self) -> None:
        """Close the connection in the middle of an answer."""
        self.detach().close()


def disposition(upload: Upload) -> str:
    """Return how a browser treats an upload: pictures without scripts may be shown, all else is saved."""
    way = "inline" if upload.media_type in IMAGES else "attachment"
    return f"{way}; filename*=UTF-8''{quote(upload.name, safe='')}"


def stays_inside(manager: Any, path: str) -> None:
    """Raise `Forbidden` where a link leads out of the folder that a file-based manager serves. Blocking.

    Jupyter follows links. A workspace that came from somebody else can hold one to this user's keys, and what
    is attached leaves this machine.
    """
    root, place = getattr(manager, "root_dir", None), getattr(manager, "_get_os_path", None)
    if not isinstance(root, str) or place is None:
        return
    if not Path(place(path.strip("/"))).resolve().is_relative_to(Path(root).resolve()):
        raise Forbidden(
            f"`{path[:200]}` is a link to a place outside of the workspace. Upload the file itself."
        )


handlers = [
    (r"/tether/uploads", UploadsHandler),
    (rf"/tether/uploads/{ID}", UploadHandler),
    (rf"/tether/uploads/{ID}/content", ContentHandler),
]
