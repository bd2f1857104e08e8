"""Settings of front ends: four parts, reset, and which value is in force and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tether_jupyter.core.layers import CLIENT, DEFAULT, InForce
from tether_jupyter.errors import TetherError
from tether_jupyter.server.base import TetherHandler, flag
from tether_jupyter.server.chat import ID

if TYPE_CHECKING:
    from tether_jupyter.services import Services

MODEL_TRAITS = {"local": "LocalLLM.model_path", "openai": "OpenAILLM.model"}
TRAITS = {
    "system": "system_prompt",
    "temperature": "default_temperature",
    "max_tokens": "default_max_tokens",
}


class ClientHandler(TetherHandler):
    """`GET clients/{id}`: all four parts, and the active preset."""

    async def get(self, client: str) -> None:
        parts, active = await self.services.clients.all(self.owner, client)
        self.answer({"client_id": client, **parts, "active_preset": active})


class PartHandler(TetherHandler):
    """`GET`, `PUT` and `PATCH clients/{id}/{part}`."""

    part: ClassVar[str]

    async def get(self, client: str) -> None:
        effective = flag(self.get_query_argument("effective", "false"), "effective")
        if not effective:
            self.answer(await self.services.clients.get(self.owner, client, self.part))
        elif self.part == "llm":
            layers = await self.services.clients.in_force(self.owner, client)
            found = layers.in_force(server=of_server(self.services))
            self.answer({name: each.payload() for name, each in found.items()})
        else:
            values = await self.services.clients.get(self.owner, client, self.part)
            self.answer({name: InForce(each, CLIENT).payload() for name, each in values.items()})

    async def put(self, client: str) -> None:
        values = self.read_part()
        self.answer(await self.services.clients.put(self.owner, client, self.part, values))

    async def patch(self, client: str) -> None:
        values = self.read_part()
        self.answer(await self.services.clients.merge(self.owner, client, self.part, values))

    def read_part(self) -> dict[str, Any]:
        """Return the values in the body, `None` for those that are null."""
        if self.part != "llm":
            return self.read_body()
        from tether_jupyter.server.client_forms import read_settings

        return read_settings(self.read_body())


class LlmHandler(PartHandler):
    """What a model is asked with."""

    part = "llm"


class TtsHandler(PartHandler):
    """How answers are spoken."""

    part = "tts"


class SttHandler(PartHandler):
    """How questions are heard."""

    part = "stt"


class UiHandler(PartHandler):
    """How a front end looks."""

    part = "ui"


class ResetHandler(TetherHandler):
    """`POST clients/{id}/{part}/reset`: as if it had never been set."""

    part: ClassVar[str]

    async def post(self, client: str) -> None:
        await self.services.clients.reset(self.owner, client, self.part)
        self.answer({})


class LlmResetHandler(ResetHandler):
    part = "llm"


class TtsResetHandler(ResetHandler):
    part = "tts"


class SttResetHandler(ResetHandler):
    part = "stt"


class UiResetHandler(ResetHandler):
    part = "ui"


def of_server(services: Services) -> dict[str, InForce]:
    """Return what the server is set to, each with where it has it from.

    Of what is missing here, a model has its own idea.
    """
    settings = services.settings
    found = {
        name: InForce(getattr(settings.tether, trait), settings.sources.get(f"Tether.{trait}", DEFAULT))
        for name, trait in TRAITS.items()
    }
    backend = services.backends.default
    chosen = settings.sources.get("Tether.backend", DEFAULT)
    try:
        model = f"{backend}:{services.backends.get().model_name}"
    except TetherError:
        model = backend  # There is no such backend, which health says as well.
    source = settings.sources.get(MODEL_TRAITS.get(backend, "Tether.backend"), chosen)
    return {**found, "model": InForce(model, source), "tools": InForce("off", DEFAULT)}


handlers = [
    (rf"/tether/clients/{ID}", ClientHandler),
    (rf"/tether/clients/{ID}/llm", LlmHandler),
    (rf"/tether/clients/{ID}/tts", TtsHandler),
    (rf"/tether/clients/{ID}/stt", SttHandler),
    (rf"/tether/clients/{ID}/ui", UiHandler),
    (rf"/tether/clients/{ID}/llm/reset", LlmResetHandler),
    (rf"/tether/clients/{ID}/tts/reset", TtsResetHandler),
    (rf"/tether/clients/{ID}/stt/reset", SttResetHandler),
    (rf"/tether/clients/{ID}/ui/reset", UiResetHandler),
]
