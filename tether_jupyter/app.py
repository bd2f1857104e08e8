"""TetherApp: settings in, services built, doors mounted, on one screen."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_config_dir
from jupyter_server import CallContext
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import ensure_async
from tornado.web import HTTPError
from traitlets import default

from tether_jupyter.errors import TetherError
from tether_jupyter.server import unready
from tether_jupyter.server.base import owner_of
from tether_jupyter.server.routes import ROUTES
from tether_jupyter.services import Services
from tether_jupyter.settings import LocalLLM, MockLLM, OpenAILLM, Settings, Tether, load

if TYPE_CHECKING:
    from tether_jupyter.context.reading import Notebook

# Of the contract's variables, those that later work will read.
LATER = ("JWT_SECRET",)

CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"


def root_of(contents: Any) -> str | None:
    """Return the folder that notebooks' paths begin at; `None` where they lie elsewhere than on this disk."""
    return os.path.realpath(contents.root_dir) if hasattr(contents, "_get_os_path") else None


class TetherApp(ExtensionApp):
    """The server extension, and `jupyter tether`, which serves it without JupyterLab."""

    name = "tether"
    description = "The assistant that belongs to the notebook."
    extension_url = "/tether/health"
    load_other_extensions = False
    classes = [Tether, LocalLLM, OpenAILLM, MockLLM]  # noqa: RUF012 - as Jupyter declares it
    services: Services
    bad_setting: TetherError | None = None
    """Why there are no services."""

    def _link_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Meet the server, before it has begun, and set aside what was imported for it and for Tether.

        All of it lives as long as the server. A full collection of Python's garbage walks through all of it,
        and what Tether adds would make one more of them fall into the start: a twentieth of its time.
        """
        super()._link_jupyter_server_extension(serverapp)
        with contextlib.suppress(TetherError):  # `initialize_settings` tells it.
            if self.read_settings().tether.collector_threshold:
                gc.freeze()

    def read_settings(self) -> Settings:
        """Return the settings in force."""
        return load(self.config, config_dir=jupyter_config_dir())

    def initialize_settings(self) -> None:
        """Read the settings and build the services, or find out why that cannot be."""
        logging.getLogger("tether").parent = self.log
        try:
            self.build()
        except TetherError as reason:
            if isinstance(self.serverapp, TetherServer):
                sys.exit(f"tether: {reason.message}")  # Without Tether it would serve nothing.
            self.bad_setting = reason
            self.log.error("tether: %s %s", reason.message, reason.hint or unready.ADVICE)

    def build(self) -> None:
        """Read the settings and build the services: nothing is loaded, started or reached for."""
        settings = self.read_settings()
        for name in LATER:
            if settings.secret(name):
                self.log.warning("tether: %s is set, and nothing here uses it yet.", name)
        self.services = Services(
            settings, self.find_notebook, root_of(self.settings.get("contents_manager")), self, self.at_work
        )
        self.settings["tether_services"] = self.services
        if self.serverapp is not None:
            logger: Any = self.serverapp.event_logger
            logger.add_listener(schema_id=CONTENTS_EVENTS, listener=self.follow)

    def initialize_handlers(self) -> None:
        """Mount the doors."""
        self.handlers.extend(unready.routes(self.bad_setting) if self.bad_setting else ROUTES)

    def at_work(self) -> None:
        """Tell Jupyter that somebody is served: a server that is idle for long may be stopped."""
        if self.serverapp is not None:
            self.serverapp.web_app.settings["api_last_activity"] = datetime.now(UTC)

    async def find_notebook(self, kernel_id: str) -> str | None:
        """Return the path of the notebook that a kernel runs for."""
        for session in await self.settings["session_manager"].list_sessions():
            if (session.get("kernel") or {}).get("id") == kernel_id:
                return str(session["path"])
        return None

    @property
    def kernel_manager(self) -> Any:
        """Jupyter's manager of kernels; `None` for a server without them."""
        return self.settings.get("kernel_manager")

    async def find_kernel(self, path: str) -> str | None:
        """Return the id of the kernel that runs for a notebook."""
        for session in await self.settings["session_manager"].list_sessions():
            if session.get("path") == path:
                return str((session.get("kernel") or {}).get("id") or "") or None
        return None

    async def read_notebook(self, path: str) -> Notebook | None:
        """Return a notebook as it was last saved."""
        from tether_jupyter.context.reading import Notebook, read

        contents: Any = self.settings["contents_manager"]
        locate = getattr(contents, "_get_os_path", None)
        try:
            if not contents.allow_hidden and await ensure_async(contents.is_hidden(path)):
                return None
            if locate is not None and path.endswith(".ipynb"):
                return await asyncio.to_thread(lambda: read(Path(locate(path))))
            # Elsewhere than on this disk, or a text that its manager reads as a notebook.
            found = await ensure_async(contents.get(path, type="notebook"))
        except (OSError, HTTPError):
            return None
        return Notebook(found["content"])

    async def follow(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        """Follow a notebook that was renamed in Jupyter, and let go of one that was deleted."""
        old, path = data.get("source_path"), data.get("path")
        # Events do not say whose they are: they come in the context of the request that made them.
        handler = CallContext.get(CallContext.JUPYTER_HANDLER)
        by = owner_of(handler) if handler is not None else None
        with contextlib.suppress(TetherError):  # One that was renamed is found by its file, then.
            if data.get("action") == "rename" and old and path:
                await self.services.renamed(old.strip("/"), path.strip("/"), by)
            elif data.get("action") == "delete" and path:
                await self.services.deleted(path.strip("/"), by)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Let a thousand callers knock at once: Tornado's own backlog is 128."""
        for socket in getattr(serverapp.http_server, "_sockets", {}).values():
            socket.listen(4096)

    async def stop_extension(self) -> None:
        """End what runs, so that no process and no upstream outlives the server.

        Jupyter does not end where an extension fails to: then Ctrl+C and SIGTERM are without effect.
        """
        services: Services | None = getattr(self, "services", None)
        if services is None:
            return  # They could not be built.
        try:
            await services.close()
        except (Exception, asyncio.CancelledError) as reason:  # noqa: BLE001 - see above
            frames = traceback.extract_tb(reason.__traceback__)
            where = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
            self.log.error("tether: not all of it ended as it should: %s, %s", type(reason).__name__, where)


class TetherServer(ServerApp):
    """The server of `jupyter tether`: Tether's own variables say where it listens, where no setting does."""

    port_env = "TETHER_PORT"
    port_default_value = 8000

    @default("ip")
    def _default_ip(self) -> str:
        return variable("TETHER_HOST", "127.0.0.1")

    @default("port")
    def _default_port(self) -> int:
        text = variable(self.port_env, str(self.port_default_value))
        if not text.isdigit():
            sys.exit(f"{self.port_env} must be a port's number, and is {text!r}.")
        return int(text)


def variable(name: str, otherwise: str) -> str:
    """Return a variable of the environment, or of the `.env` beside Jupyter's settings; blank is unset."""
    from tether_jupyter.settings import read_dotenv

    told = os.environ.get(name, "").strip()
    return told or read_dotenv(Path(jupyter_config_dir()) / ".env").get(name, "").strip() or otherwise


def main() -> None:
    """Serve Tether by itself, as `jupyter tether`."""
    TetherApp.serverapp_class = TetherServer
    TetherApp.serverapp_config = {"open_browser": False}
    try:
        TetherApp.launch_instance()  # type: ignore[no-untyped-call]  # Jupyter's own
    except TetherError as reason:
        # Settings that cannot be read.
        sys.exit(f"tether: {reason.message}")
