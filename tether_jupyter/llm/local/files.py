"""The model files of a service: the one in use, and another that somebody asks about before it is loaded."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tether_jupyter.errors import TetherError
from tether_jupyter.llm.local import fitting
from tether_jupyter.llm.local.model_file import ModelFile
from tether_jupyter.llm.models.shelf import Shelf

if TYPE_CHECKING:
    from tether_jupyter.settings import LocalLLM


class Files:
    """What model files say of their models, without loading any.

    Parameters
    ----------
    settings:
        Where the model is and how long its window may be.
    shelf:
        Where the other models are.
    """

    def __init__(self, settings: LocalLLM, shelf: Shelf) -> None:
        self._settings = settings
        self._shelf = shelf
        self.used = ModelFile(settings, shelf)
        self._other: ModelFile | None = None

    def use(self, path: Path) -> None:
        """Have another file in use from now on."""
        self.used = ModelFile(self._settings, self._shelf, path)

    def answers(self, name: str | None) -> bool:
        """Return whether a model of this name is the one in use; `None` asks for no other."""
        return name in (None, self.used.name)

    def has(self, name: str | None) -> bool:
        """Return whether there is a model of this name on this machine."""
        try:
            self.used.find(name)
        except TetherError:
            return False
        return True

    async def look(self, name: str | None) -> None:
        """Read a model file's header: without it nobody knows how long its window can be."""
        with suppress(TetherError):
            if self.answers(name):
                if self.used.known is None:
                    await asyncio.to_thread(self.used.header)
            else:
                path = await asyncio.to_thread(self.used.find, name)
                if self._other is None or self._other.path != path:
                    self._other = ModelFile(self._settings, self._shelf, path)
                await asyncio.to_thread(self._other.header)

    def window(self, name: str | None) -> int | None:
        """Return the tokens of a model's window: what is set, and what its file says if that was read."""
        file = self._of(name)
        trained = file.known.context_length if file is not None and file.known else 0
        return min(filter(None, (self._settings.context_length, trained)), default=None)

    def reserved(self, most: int, window: int, name: str | None) -> int:
        """Return the tokens of a window that a model's engine keeps free; see `fitting.kept_free`."""
        file = self._of(name)
        demo = file is not None and file.is_demo(file.known)
        return fitting.kept_free(most, window, file.known if file else None, demo)

    def _of(self, name: str | None) -> ModelFile | None:
        """Return a model's file, where it is in use or has been looked at."""
        if self.answers(name):
            return self.used
        return self._other if self._other is not None and self._other.name == name else None
