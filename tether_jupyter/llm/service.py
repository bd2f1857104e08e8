"""What a backend is. Write five members, or subclass `LLMService` and write `complete` alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from tether_jupyter.settings import Settings


class LLMService:
    """A source of answers.

    A subclass needs only :meth:`complete`. One that can stream overrides :meth:`stream`; the default calls
    :meth:`complete` and sends the answer in one piece.
    """

    service_type: str = "custom"
    model_name: str = "custom"

    #: Whether a request may name another model than `model_name`.
    takes_models: bool = False

    #: Whether the model takes images, as OpenAI's `image_url` content parts.
    vision: bool = False
    #: Characters of attached files that the model's window has room for.
    file_room: int = 60_000
    #: Tokens of the model's window, where they are known.
    window: int | None = None
    #: Whether questions leave this machine. True unless a backend says otherwise: then less is shown to it.
    leaves: bool = True

    #: Modules that the first question needs, imported aside when somebody looks at Tether's health.
    heavy_modules: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> LLMService:
        """Build the service. Nothing heavy may happen here: that is for :meth:`initialize`."""
        return cls()

    def prepare(self) -> None:
        """Do, aside in a thread, what the first question would otherwise wait for.

        Called once, when somebody looks at Tether's health. It must reach for no network and load no model:
        nobody has asked anything yet.
        """
        for module in self.heavy_modules:
            import_module(module)

    async def initialize(self) -> None:
        """Get ready to answer. Called before the first question, and again after :meth:`cleanup`."""

    async def cleanup(self) -> None:
        """Give back everything: memory, processes, connections."""

    def is_ready(self) -> bool:
        """Return whether a question would be answered without further preparation."""
        return True

    async def load(self, name: str | None) -> None:
        """Get a model ready, in place of the one that is; `None` for the usual one.

        Raises
        ------
        InvalidRequest
            This backend has no models to choose from.
        """
        if name not in (None, self.model_name):
            raise InvalidRequest(f"The backend `{self.service_type}` has no models to load.")
        await self.initialize()

    async def unload(self) -> None:
        """Give back what the model takes; the next question loads it again."""
        await self.cleanup()

    async def models(self) -> list[dict[str, Any]]:
        """Return this backend's own models: `name` and `loaded`, and what else is known of them."""
        return []

    def loads(self, name: str | None) -> bool:
        """Return whether a question for this model has it loaded first, in place of the one that is."""
        return False

    def sees(self, name: str | None) -> bool | None:
        """Return whether a model takes images; `None` where nobody knows, and it is asked."""
        return self.vision

    async def look(self, name: str | None = None) -> None:
        """Read what has to be known of a model before a question is laid out; nothing is loaded for it."""

    def window_of(self, name: str | None) -> int | None:
        """Return the tokens of a model's window, where they are known."""
        return self.window

    def reserved(self, most: int, window: int | None, name: str | None = None) -> int:
        """Return the tokens of a window that are kept free for an answer of so many tokens at most.

        Half of it goes to the question in any case: an answer that finds no room is cut, not refused.
        """
        return min(most, window // 2) if window else most

    def check_model(self, name: str | None) -> None:
        """Raise `NotFound` where a request names a model that does not answer here."""
        if name not in (None, self.model_name) and not self.takes_models:
            raise NotFound(
                f"There is no model `{printable(str(name))}` here. "
                f"This server answers with `{self.model_name}`; ask for that, or for no model."
            )

    def check_room(self, caller: str | None) -> None:
        """Raise `RateLimited` where a question of this caller would not be taken now."""

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has; unless a backend knows better, a little more than likely."""
        return [guess(text) for text in texts]

    async def embed(self, texts: Sequence[str], *, caller: str | None = None) -> list[list[float]]:
        """Return a vector for each text, of length 1.

        Raises
        ------
        InvalidRequest
            This backend makes no vectors.
        """
        raise InvalidRequest(
            f"The backend `{self.service_type}` makes no embeddings: ask the backend `local`."
        )

    def infill(
        self,
        prefix: str,
        suffix: str,
        sampling: Sampling,
        *,
        conversation: str | None = None,
        caller: str | None = None,
        low: bool = False,
    ) -> AsyncIterator[Event]:
        """Yield the events of a text that goes between two others, as `stream` does.

        With `low`, answers that somebody asked for go first, and may end this one early with `length`.

        Raises
        ------
        InvalidRequest
            This backend fills in nothing.
        """
        raise InvalidRequest(f"The backend `{self.service_type}` fills in nothing: ask the backend `local`.")

    async def complete(self, prompt: str, *, temperature: float = 0.7, max_tokens: int | None = None) -> str:
        """Return the whole answer to a text."""
        asked = Prompt([{"role": "user", "content": prompt}])
        stream = self.stream(asked, Sampling(temperature, max_tokens))
        return "".join([e["delta"] async for e in stream if events.kind(e) == "delta"])

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        """Yield `queued`, `thinking`, `delta`, `usage` and last `done`; raise a `TetherError` to fail.

        Closing the generator cancels the answer: what was started upstream must end with it.
        """
        text = await self.complete(
            prompt.as_text(), temperature=sampling.temperature, max_tokens=sampling.max_tokens
        )
        if text:
            yield events.delta(text)
        yield events.done("stop")

    async def describe(self) -> dict[str, Any]:
        """Return what health tells about this backend: at least `ready`, and `problem` where there is one.

        Keys: `ready` (bool), `problem` (str or None), `demo` (bool), `gpu` (dict or None), `place` (str,
        where questions go; "this machine" unless said), `degraded` (bool, answers but not well).
        """
        return {"ready": self.is_ready(), "problem": None, "demo": False, "gpu": None}


def guess(text: str) -> int:
    """Return about how many tokens a text has.

    Three bytes each, which English and code have more of; a digit is one of its own with many tokenizers.
    """
    digits = sum(map(text.count, "0123456789"))
    return digits - (digits - len(text.encode("utf-8", "replace"))) // 3


def printable(name: str) -> str:
    """Return a short name that is safe in a message."""
    return "".join(c for c in name[:64] if c.isprintable())
