"""The backend `local`: a GGUF model in a worker process, started when it is needed and again when it dies."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import (
    Conflict,
    InvalidRequest,
    ModelNotReady,
    NotFound,
    TetherError,
)
from tether_jupyter.llm.local import bindings, demo, state
from tether_jupyter.llm.local.answers import answer, counts, vectors
from tether_jupyter.llm.local.breaker import Breaker
from tether_jupyter.llm.local.checking import figures, plain
from tether_jupyter.llm.local.files import Files
from tether_jupyter.llm.local.probe import Machine
from tether_jupyter.llm.local.process import WorkerProcess
from tether_jupyter.llm.local.room import Room
from tether_jupyter.llm.local.swap import Swap
from tether_jupyter.llm.models.shelf import Shelf
from tether_jupyter.llm.service import LLMService, printable

if TYPE_CHECKING:
    from tether_jupyter.llm.local import gguf
    from tether_jupyter.llm.local.model_file import ModelFile
    from tether_jupyter.settings import LocalLLM, Settings

MAX_TEXTS = 2048
CONTEXT = 4096
"""Tokens of a window that is not set, for guesses."""


class LocalService(LLMService):
    """Answers with one model of this machine.

    Parameters
    ----------
    settings:
        Where the model is and how to run it.
    """

    service_type = "local"
    leaves = False

    def __init__(self, settings: LocalLLM) -> None:
        self.settings = settings
        # About half of a window, at three characters a token; the model's own length is not read yet.
        self.file_room = 3 * (settings.context_length or CONTEXT) // 2
        self.shelf = Shelf(settings.models_dir)
        self.files = Files(settings, self.shelf)
        self.model_name = self.file.name
        self.breaker = Breaker()
        self.room = Room(settings.max_waiting)
        self._swapping = False
        self._swap: Swap | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._unloading: asyncio.Task[None] | None = None
        self._worker: WorkerProcess | None = None
        self._starting = threading.Lock()
        self._machine = Machine()
        self._failure: str | None = None
        # Of the file that the worker has loaded: it answers on where the file is gone or another by now.
        self._loaded: gguf.Header | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> LocalService:
        """Build the service. Nothing is read and nothing is started yet."""
        return cls(settings.local)

    @property
    def file(self) -> ModelFile:
        """The file of the model that answers."""
        return self.files.used

    # -- life

    async def initialize(self) -> None:
        """Start the worker and wait until the model is loaded. Any number of callers share one start.

        Raises
        ------
        ModelNotReady
            The model cannot be loaded, took too long, or crashed too often lately.
        EngineCrashed
            The worker died while it loaded.
        """
        await self._ready()

    async def cleanup(self) -> None:
        """End the worker, which gives back its memory and the GPU. Answers in flight fail."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        with self._starting:
            worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.stop)

    async def load(self, name: str | None) -> None:
        """Load a model of the shelf, in place of the one that is; `None` for the one of the settings.

        Any number of callers share one load of a model.

        Raises
        ------
        NotFound
            There is none of that name.
        Conflict
            Another model is being loaded, or answers are being written with another.
        ModelNotReady
            It cannot be loaded. The one before is back in its place, and is loaded by the next question.
        """
        path = await asyncio.to_thread(self.file.find, name)
        while self._swap and self._swap.ending:
            await asyncio.wait([self._swap.task])
        if self._swap is None or self._swap.task.done():
            self._swap = Swap(path, self._exchange(path))
        elif path != self._swap.path:
            raise Conflict("Another model is being loaded. Wait for it, then load again.")
        await self._swap.wait()

    async def _exchange(self, path: Path) -> None:
        """Load a file in place of the one that is, or put that one back."""
        if path != self.file.path and self.room.total:
            raise Conflict(
                f"{self.model_name!r} is writing {self.room.total} answers. "
                "Stop them, or wait, then load again."
            )
        before, self._swapping = self.file.path, True
        try:
            if path != before:
                self._choose(path)
                await self.cleanup()
            await self._ready()
        except TetherError:
            if path != before:
                self._choose(before)
                await self.cleanup()
            raise
        finally:
            self._swapping = False
        self._rest()

    def _choose(self, path: Path) -> None:
        self.files.use(path)
        self.model_name = self.file.name
        self.breaker, self._failure = Breaker(), None

    def _rest(self) -> None:
        """Let the model go when nobody asks for it any more."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self.settings.unload_after and not self.room.total and self.is_ready():
            self._idle = asyncio.get_running_loop().call_later(self.settings.unload_after, self._unload_idle)

    def _was_loaded(self, loaded: asyncio.Future[Any]) -> None:
        # Whoever asked may have gone by now: nobody else would see that the model is let go.
        if not loaded.cancelled() and loaded.exception() is None:
            self._failure = None
            self.room.slots = int(loaded.result()["slots"])
            self._rest()

    def _unload_idle(self) -> None:
        self._idle = None
        if not self.room.total:
            self._unloading = asyncio.get_running_loop().create_task(self.cleanup())

    def check_room(self, caller: str | None) -> None:
        """Raise `RateLimited` where a question of this caller would not be taken now."""
        self.room.check(caller)

    def is_ready(self) -> bool:
        """Return whether the model is loaded."""
        return self._running() is not None

    @property
    def pid(self) -> int | None:
        """The worker's process number, for tests and tools; `None` without a worker."""
        return self._worker.pid if self._worker is not None and not self._worker.dead else None

    def _running(self) -> WorkerProcess | None:
        """Return the worker, if it is up and has loaded the model."""
        worker = self._worker
        if worker is None or worker.dead or not worker.ready.done() or worker.ready.exception():
            return None
        return worker

    async def _ready(self) -> WorkerProcess:
        """Return a worker that has loaded the model; start one where there is none."""
        if worker := self._running():
            return worker
        header = await asyncio.to_thread(self.file.header)
        with self._starting:
            worker = self._worker
            if worker is None or worker.dead:
                self.breaker.check()
                worker = self._worker = WorkerProcess(self.file.load_message(header), self.breaker.record)
                self._loaded = header
        loaded = asyncio.wrap_future(worker.ready)
        loaded.add_done_callback(self._was_loaded)
        try:
            await asyncio.wait_for(asyncio.shield(loaded), self.settings.start_timeout)
        except TimeoutError:
            late = ModelNotReady(
                f"The model was not loaded after {self.settings.start_timeout:g} seconds. "
                "Try again, or raise `LocalLLM.start_timeout`."
            )
            worker.kill(late)
            raise late from None
        except ModelNotReady as reason:
            self._failure = reason.message
            raise
        return worker

    # -- answers

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        """Yield the events of one answer; see `LLMService.stream`.

        Raises
        ------
        NotFound
            Another model was asked for than the one that is here.
        InvalidRequest, ContextOverflow
            The model cannot answer this; nothing was computed.
        ModelNotReady, EngineCrashed
            There is no model to answer, or it died.
        """
        self.check_model(prompt.model)
        message = {
            "op": "generate",
            "conversation": prompt.conversation_id,
            "caller": prompt.caller,
            "batch": prompt.batch,
            "messages": plain(prompt.messages),
            "sampling": await figures(sampling),
        }
        async with aclosing(self._answer(message, prompt.caller)) as stream:
            async for event in stream:
                yield event

    async def infill(
        self,
        prefix: str,
        suffix: str,
        sampling: Sampling,
        *,
        conversation: str | None = None,
        caller: str | None = None,
        low: bool = False,
    ) -> AsyncIterator[Event]:
        """Yield the events of what goes between two texts; from a model without the tokens for it, of what
        goes on from the first one.

        Raises
        ------
        TetherError
            As `stream` does.
        """
        message = {
            "op": "infill",
            "conversation": conversation,
            "caller": caller,
            "low": low,
            "prefix": prefix,
            "suffix": suffix,
            "sampling": await figures(sampling),
        }
        async with aclosing(self._answer(message, caller)) as stream:
            async for event in stream:
                yield event

    async def _answer(self, message: dict[str, Any], caller: str | None) -> AsyncGenerator[Event, None]:
        began = time.perf_counter()
        try:
            with self.room.taken(caller):
                worker = await self._ready()
                if self.file.is_demo(self._loaded):
                    # It knows one answer to each question, and a second choice would only be a wrong one.
                    message["sampling"]["temperature"] = 0.0
                async with aclosing(answer(worker, message, began)) as stream:
                    async for event in stream:
                        yield event
        finally:
            self._rest()

    async def embed(self, texts: Sequence[str], *, caller: str | None = None) -> list[list[float]]:
        """Return a vector of length 1 for each text: the mean of what the model makes of its tokens.

        Raises
        ------
        InvalidRequest
            There are no texts, or too many.
        ContextOverflow
            A text is longer than the context.
        ModelNotReady, EngineCrashed
            There is no model to ask, or it died.
        """
        if not texts or len(texts) > MAX_TEXTS or not all(isinstance(text, str) and text for text in texts):
            raise InvalidRequest(f"Send 1 to {MAX_TEXTS} texts, none of them empty.")
        try:
            with self.room.taken(caller):
                return await vectors(await self._ready(), list(texts))
        finally:
            self._rest()

    @property
    def window(self) -> int | None:  # type: ignore[override]  # a property for what others know at once
        """Tokens of the model's window; before it is loaded, those that are set."""
        worker = self._running()
        loaded = worker.ready.result()["context_length"] if worker is not None else 0
        return int(loaded) or self.files.window(None)

    def window_of(self, name: str | None) -> int | None:
        """Return the tokens of a model's window; of one that is not loaded, what is set and its file says."""
        return self.window if self.files.answers(name) else self.files.window(name)

    async def look(self, name: str | None = None) -> None:
        """Read a model file's header; see `Files.look`."""
        await self.files.look(name)

    def reserved(self, most: int, window: int | None, name: str | None = None) -> int:
        """Return the tokens that the engine keeps free for an answer, and for what a template adds."""
        return self.files.reserved(most, window, name) if window else most

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has; about how many, while no model is loaded."""
        worker = self._running()
        if worker is None or not texts:
            if self.file.path == demo.PATH:
                return [demo.guess(text) for text in texts]
            return await super().count(texts)
        return await counts(worker, list(texts))

    def loads(self, name: str | None) -> bool:
        """Return whether a question for a model has it loaded: it is here, and no other one is at work."""
        idle = not self._swapping and not self.room.total
        return idle and not self.files.answers(name) and self.files.has(name)

    def check_model(self, name: str | None) -> None:
        """Refuse a model that is not loaded here; say so where it is on the shelf."""
        if self.files.answers(name):
            return
        shown = printable(str(name))
        if not self.files.has(name):
            raise NotFound(
                f"There is no local model called {shown!r}. "
                f"This server runs {self.model_name!r}; ask for that, or for no model."
            )
        if self._swapping or self.room.total:
            doing = "is being loaded" if self._swapping else f"is writing {self.room.total} answers"
            raise Conflict(
                f"{shown!r} is on this machine, but {self.model_name!r} {doing}. "
                "Ask again when that is over, or ask the one that is there."
            )
        raise NotFound(
            f"{shown!r} is on this machine, but {self.model_name!r} is the one that answers. "
            "Load it first, with `POST models/load`."
        )

    async def models(self) -> list[dict[str, Any]]:
        """Return the model in use, and how its engine does."""
        state = await self.describe()
        return [
            {
                "name": self.model_name,
                "loaded": state["ready"],
                "size": state["size"],
                "context_length": state["context_length"],
                "architecture": state["architecture"],
                "problem": state["problem"],
                "engine": state["engine"],
            }
        ]

    # -- health

    async def describe(self) -> dict[str, Any]:
        """Return what health tells: the model, whether it is ready, what stands in its way, the GPU."""
        header, problem = await asyncio.to_thread(state.read, self.file)
        worker = self._running()
        if worker is not None:
            facts, problem = {**worker.ready.result(), **await state.figures(worker)}, None
        else:
            facts = await asyncio.to_thread(self._machine.told) if problem != bindings.MISSING else {}
            problem = problem or facts.get("problem") or self.breaker.problem() or self._failure
        return {
            "ready": worker is not None,
            "problem": problem,
            "demo": self.file.is_demo(header),
            **state.told(header, facts, self.settings.context_length),
            "engine": state.engine(facts, self._worker),
        }
