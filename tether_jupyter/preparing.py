"""What a server does aside, once somebody looks at it, so that its first question need not wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from tether_jupyter.core.frames import frames
from tether_jupyter.errors import TetherError

if TYPE_CHECKING:
    from tether_jupyter.llm.registry import Backends
    from tether_jupyter.llm.service import LLMService
    from tether_jupyter.settings import Settings
    from tether_jupyter.store.database import Database

log = logging.getLogger("tether")

FIRST_NEEDED = (
    *("tether_jupyter.core.request", "tether_jupyter.seeing"),
    *("tether_jupyter.store.clients", "tether_jupyter.store.notebooks", "tether_jupyter.store.threads"),
    *("tether_jupyter.context.budget", "tether_jupyter.context.room"),
    *("tether_jupyter.context.tracebacks", "tether_jupyter.context.variables"),
)
"""Modules that a server starts without, and that its first question needs."""
NEXT_NEEDED = ("tether_jupyter.llm.models.library", "tether_jupyter.llm.local.service")
"""What the list of models needs, which the sidebar asks for while somebody types."""
PREPARING_SECONDS = 5.0
"""How long a server that ends waits for what prepares it."""


class Preparation:
    """Gets a server ready for its first question, once.

    Parameters
    ----------
    settings:
        The settings in force.
    backends:
        Who answers: the usual one of them prepares itself.
    database:
        Where questions are kept.
    """

    def __init__(self, settings: Settings, backends: Backends, database: Database) -> None:
        self._settings = settings.tether
        self._backends = backends
        self._database = database
        self._work: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Begin in a thread, unless that was done before."""
        if self._work is None:
            service = None
            with contextlib.suppress(TetherError):
                service = self._backends.get()
            self._work = asyncio.get_running_loop().run_in_executor(None, self._prepare, service)

    async def end(self) -> None:
        """Wait for the end of what was begun, but not for ever."""
        if self._work is not None:
            # What somebody's own backend waits for must not keep answers from being stored.
            await asyncio.wait([self._work], timeout=PREPARING_SECONDS)

    def _prepare(self, service: LLMService | None) -> None:
        """Import what any question needs, rehearse its storing, and have a backend prepare itself.

        What fails here fails again where it is needed, and is told there.
        """
        import_all(FIRST_NEEDED)
        steps: list[Callable[[], None]] = [partial(import_all, NEXT_NEEDED)]
        if self._settings.keep_history:
            from tether_jupyter.store.rehearsal import rehearse

            steps.insert(0, partial(rehearse, self._database))
        if service is not None:
            steps.append(service.prepare)
        for step in steps:
            try:
                step()
            except Exception as reason:  # noqa: BLE001 - a database or a user's own backend may raise anything
                log.debug("not everything is ready for a first question: %s", frames(reason))
        if self._settings.collector_threshold:
            # Python's collector need not look at what lives as long as the server.
            gc.freeze()


def import_all(modules: Sequence[str]) -> None:
    """Import modules; one that is not installed is reported when it is needed, not here."""
    for module in modules:
        with contextlib.suppress(ImportError):
            import_module(module)
