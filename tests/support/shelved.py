"""A backend that loads models from a shelf without computing with them."""

from __future__ import annotations

from typing import Any

from tether_jupyter.llm.models.shelf import Shelf
from tether_jupyter.llm.service import LLMService
from tether_jupyter.settings import Settings


class ShelvedService(LLMService):
    """Loads by name, and answers with the name of what is loaded."""

    service_type = "shelved"
    model_name = "none"

    def __init__(self, folder: str) -> None:
        self.shelf = Shelf(folder)
        self.loaded: str | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> ShelvedService:
        return cls(settings.local.models_dir)

    def is_ready(self) -> bool:
        return self.loaded is not None

    async def load(self, name: str | None) -> None:
        self.shelf.path(name or "")
        self.loaded = self.model_name = name or ""

    async def unload(self) -> None:
        self.loaded = None

    async def models(self) -> list[dict[str, Any]]:
        return [{"name": entry.name, "loaded": entry.name == self.loaded} for entry in self.shelf.list()]

    async def complete(self, prompt: str, *, temperature: float = 0.7, max_tokens: int | None = None) -> str:
        return f"I am {self.loaded}."
