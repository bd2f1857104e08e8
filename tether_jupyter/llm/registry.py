"""Which backends there are, by name, entry point or `module:Class`, and the ones that are awake."""

from __future__ import annotations

import asyncio
import importlib
import logging
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from tether_jupyter.core.frames import frames
from tether_jupyter.errors import ModelNotReady, TetherError
from tether_jupyter.llm.service import LLMService, printable
from tether_jupyter.settings import Settings

log = logging.getLogger("tether")

ENTRY_POINTS = "tether_jupyter.backends"

BUILT_IN = {
    "local": "tether_jupyter.llm.local.service:LocalService",
    "openai": "tether_jupyter.llm.openai:OpenAIService",
    "mock": "tether_jupyter.llm.mock:MockService",
}


def find_class(name: str) -> type[LLMService]:
    """Return the class that a backend's name stands for.

    A class that has the members of an `LLMService` becomes one, with the defaults for the rest. Any class but
    the built-in ones that has something to initialise is not ready before, whatever it says itself.

    Raises
    ------
    ModelNotReady
        There is no such backend, and the message lists those there are; or it cannot be imported.
    """
    target = BUILT_IN.get(name) or installed().get(name) or (name if ":" in name else "")
    if not target:
        there = ", ".join([*BUILT_IN, *installed()])
        raise ModelNotReady(
            f"There is no backend `{printable(name)}`. There are: {there}. "
            "Correct `c.Tether.backend` or TETHER_LLM_BACKEND."
        )
    module, _, attribute = target.partition(":")
    try:
        cls: Any = getattr(importlib.import_module(module), attribute)
    except Exception as reason:
        log.error("the backend %s cannot be imported: %s", printable(name), frames(reason))
        raise ModelNotReady(
            f"The backend `{printable(name)}` cannot be imported ({type(reason).__name__}). Check "
            "`c.Tether.backend` and that its package is installed; the server's log says where it failed."
        ) from reason
    if name in BUILT_IN:
        return cls  # type: ignore[no-any-return]
    if not callable(getattr(cls, "complete", None)):
        raise ModelNotReady(f"The backend `{printable(name)}` has no `complete`: see `LLMService`.")
    bases = (cls,) if isinstance(cls, type) and issubclass(cls, LLMService) else (cls, LLMService)
    prepares = getattr(cls, "initialize", LLMService.initialize) is not LLMService.initialize
    adopted: type[LLMService] = type(cls.__name__, (Own, *bases), {"_is_initialized": not prepares})
    return adopted


class Own(LLMService):
    """Stands before a class of somebody's own, which may know nothing of itself before it is initialised."""

    _is_initialized = False

    async def initialize(self) -> None:
        await super().initialize()
        self._is_initialized = True

    async def cleanup(self) -> None:
        self._is_initialized = type(self)._is_initialized
        await super().cleanup()

    def is_ready(self) -> bool:
        return self._is_initialized and super().is_ready()


@cache
def installed() -> dict[str, str]:
    """Return the backends that installed packages bring, by name."""
    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


class Backends:
    """The backends of a server, each built when it is first asked for and woken before it answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.default = settings.tether.backend
        self._services: dict[str, LLMService] = {}
        self._awake: set[str] = set()
        self._locks: dict[str, asyncio.Lock] = {}

    def split(self, model: str | None) -> tuple[str, str | None]:
        """Return the backend and the model that a request's `model` names.

        `openai:gpt-4o-mini` names both. Only what stands before the first colon can be a backend, and only
        where there is one of that name: `llama3:8b` is a model.
        """
        if model is None:
            return self.default, None
        before, colon, after = model.partition(":")
        if colon and (before in BUILT_IN or before == self.default or before in installed()):
            return before, after or None
        if model in BUILT_IN or model == self.default:
            return model, None
        return self.default, model

    def get(self, name: str | None = None) -> LLMService:
        """Return a backend, built but perhaps not awake; the configured one where none is named."""
        name = name or self.default
        if name not in self._services:
            cls = find_class(name)
            try:
                self._services[name] = cls.from_settings(self.settings)
            except TetherError:
                raise
            except Exception as reason:
                raise not_started(name, reason) from reason
        return self._services[name]

    async def wake(self, name: str) -> LLMService:
        """Return a backend that has been initialised, once."""
        service = self.get(name)
        if name not in self._awake:
            async with self._locks.setdefault(name, asyncio.Lock()):
                if name not in self._awake:
                    try:
                        await service.initialize()
                    except TetherError:
                        raise
                    except Exception as reason:
                        raise not_started(name, reason) from reason
                    self._awake.add(name)
        return service

    async def load(self, name: str, model: str | None) -> LLMService:
        """Get a model of a backend ready, in place of the one that is, and return the backend."""
        service = self.get(name)
        # Without the lock: a load of another model is refused at once, and does not wait for the first.
        await service.load(model)
        self._awake.add(name)
        return service

    async def unload(self, name: str) -> LLMService:
        """Let a backend give back what it holds, and return it; the next question wakes it anew."""
        service = self.get(name)
        async with self._locks.setdefault(name, asyncio.Lock()):
            await service.unload()
            self._awake.discard(name)
        return service

    async def close(self) -> None:
        """Put every backend back to sleep, the one included that is only waking."""
        for name, service in self._services.items():
            try:
                await service.cleanup()
            except Exception as reason:  # noqa: BLE001 - one that fails must not keep the others awake
                log.error("the backend %s was not put to sleep: %s", printable(name), frames(reason))
        self._awake.clear()


def not_started(name: str, reason: Exception) -> ModelNotReady:
    """Return the error for a backend that failed, and write to the log where it did."""
    log.error("the backend %s did not start: %s", printable(name), frames(reason))
    return ModelNotReady(
        f"The backend `{printable(name)}` did not start ({type(reason).__name__}). "
        "The server's log says where it failed."
    )
