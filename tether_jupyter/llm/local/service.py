"""The backend `local`: a GGUF model in a worker process, started when it is needed and again when it dies."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Message, Prompt, Sampling, text_of
from tether_jupyter.errors import (
    Conflict,
    InvalidRequest,
    ModelNotReady,
    NotFound,
    TetherError,
)
from tether_jupyter.llm.local import bindings, constraint, demo, gguf, limits, pipe, probe
from tether_jupyter.llm.local.answers import answer, vectors
from tether_jupyter.llm.local.breaker import Breaker
from tether_jupyter.llm.local.process import WorkerProcess
from tether_jupyter.llm.local.room import Room
from tether_jupyter.llm.models.shelf import Shelf, size_of, spelled
from tether_jupyter.llm.service import LLMService, printable

if TYPE_CHECKING:
    from tether_jupyter.settings import LocalLLM, Settings

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
STATUS_SECONDS = 1.0
MAX_TEXTS = 2048
ENGINE = (
    "slots",
    "running",
    "waiting",
    "conversations",
    "kv_bytes",
    "kv_tokens",
    "parked_bytes",
    "weight_bytes",
    "tokens_per_s",
    "prompt_tokens_per_s",
    "infill",
)
"""What health and the models tell of the engine."""

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

    def __init__(self, settings: LocalLLM) -> None:
        self.settings = settings
        # About half of a window, at three characters a token; the model's own length is not read yet.
        self.file_room = 3 * (settings.context_length or CONTEXT) // 2
        self.shelf = Shelf(settings.models_dir)
        self.usual = Path(settings.model_path).expanduser().absolute() if settings.model_path else demo.PATH
        self.path = self.usual
        self.model_name = spelled(self.path.name)[0]
        self.breaker = Breaker()
        self.room = Room(settings.max_waiting)
        self._swapping = False
        self._idle: asyncio.TimerHandle | None = None
        self._unloading: asyncio.Task[None] | None = None
        self._worker: WorkerProcess | None = None
        self._starting = threading.Lock()
        self._headers: dict[tuple[int, int], gguf.Header] = {}
        self._probe: dict[str, Any] | None = None
        self._probing = threading.Lock()
        self._failure: str | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> LocalService:
        """Build the service. Nothing is read and nothing is started yet."""
        return cls(settings.local)

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

        Raises
        ------
        NotFound
            There is none of that name.
        Conflict
            Answers are being written with another model.
        ModelNotReady
            It cannot be loaded. The one before is back in its place, and is loaded by the next question.
        """
        path = await asyncio.to_thread(self._find, name)
        if self._swapping:
            raise Conflict("Another model is being loaded. Wait for it, then load again.")
        if path != self.path and self.room.total:
            raise Conflict(
                f"{self.model_name!r} is writing {self.room.total} answers. "
                "Stop them, or wait, then load again."
            )
        before, self._swapping = self.path, True
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

    def _find(self, name: str | None) -> Path:
        """Return the file of a model: the shelf's, the settings' or the demo model's."""
        if name is None:
            return self.usual
        for path in (self.path, self.usual, demo.PATH):
            if name == spelled(path.name)[0]:
                return path
        return self.shelf.path(name)

    def _choose(self, path: Path) -> None:
        self.path, self.model_name = path, spelled(path.name)[0]
        self.breaker, self._failure, self._headers = Breaker(), None, {}

    def _rest(self) -> None:
        """Let the model go when nobody asks for it any more."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self.settings.unload_after and not self.room.total and self.is_ready():
            self._idle = asyncio.get_running_loop().call_later(self.settings.unload_after, self._unload_idle)

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
        header = await asyncio.to_thread(self.header)
        with self._starting:
            worker = self._worker
            if worker is None or worker.dead:
                self.breaker.check()
                worker = self._worker = WorkerProcess(self._load_message(header), self.breaker.record)
        loaded = asyncio.wrap_future(worker.ready)
        loaded.add_done_callback(lambda done: done.cancelled() or done.exception())
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
        self._failure = None
        self.room.slots = int(worker.ready.result()["slots"])
        return worker

    def _load_message(self, header: gguf.Header) -> dict[str, Any]:
        settings = self.settings
        return {
            "model_path": str(self.path),
            "context_length": settings.context_length,
            "slots": settings.slots,
            "parking": settings.parking,
            "speculation": settings.speculation,
            "facts": {
                "weights": sum(size_of(file) for file in self._files()),
                "kv": header.kv_bytes,
                "layers": header.block_count,
                "trained": header.context_length,
            },
            "n_batch": settings.n_batch,
            "n_gpu_layers": settings.n_gpu_layers,
            "n_threads": settings.n_threads,
            "use_mmap": settings.use_mmap,
            "chat_template": header.chat_template,
            "max_tokens": header.max_tokens,
            "unsure_below": header.unsure_below,
            "unsure_start": header.unsure_start,
            "template_seconds": settings.template_seconds,
            "template_memory": settings.template_memory,
        }

    def _files(self) -> list[Path]:
        """Return the files that the model consists of: more than one where it is split."""
        name, _, count = spelled(self.path.name)
        if count == 1:
            return [self.path]
        return [self.path.with_name(f"{name}-{n:05d}-of-{count:05d}.gguf") for n in range(1, count + 1)]

    def header(self) -> gguf.Header:
        """Return what the model file says of itself, read anew when the file has changed.

        Raises
        ------
        ModelNotReady
            There is no such file, or it is no model.
        """
        try:
            status = self.path.stat()
            key = (status.st_mtime_ns, status.st_size)
            if key not in self._headers:
                self._headers = {key: gguf.read_header(self.path)}
            return self._headers[key]
        except FileNotFoundError:
            raise ModelNotReady(
                f"There is no model file {self.path.name!r} where `LocalLLM.model_path` points. "
                "Correct the path, or leave it empty for the demo model."
            ) from None
        except OSError as reason:
            raise ModelNotReady(
                f"The model file {self.path.name!r} cannot be read: {os.strerror(reason.errno or 0)}."
            ) from reason
        except gguf.GGUFError as reason:
            raise ModelNotReady(
                f"{self.path.name!r} is no model that can be loaded: {reason}. Choose another GGUF file."
            ) from reason

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
                if self._is_demo(self.header()):
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

    def check_model(self, name: str | None) -> None:
        """Refuse a model that is not loaded here; say so where it is on the shelf."""
        if name in (None, self.model_name):
            return
        shown = printable(str(name))
        try:
            self.shelf.path(str(name))
        except TetherError:
            raise NotFound(
                f"There is no local model called {shown!r}. "
                f"This server runs {self.model_name!r}; ask for that, or for no model."
            ) from None
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
        problem, header = None, None
        try:
            header = await asyncio.to_thread(self.header)
        except ModelNotReady as reason:
            problem = reason.message
        if not bindings.installed():
            problem = bindings.MISSING
        worker = self._running()
        if worker is not None:
            facts = {**worker.ready.result(), **await self._status(worker)}
        else:
            facts = await asyncio.to_thread(self._probed) if problem != bindings.MISSING else {}
            problem = problem or facts.get("problem") or self.breaker.problem() or self._failure
        layers = facts.get("layers", header.block_count if header else None)
        trained = header.context_length if header else 0
        engine = {name: facts[name] for name in ENGINE if name in facts}
        if self._worker is not None and not self._worker.dead:
            engine["progress"] = self._worker.progress
        planned = min(self.settings.context_length or trained, trained)
        return {
            "ready": worker is not None,
            "problem": problem if worker is None else None,
            "demo": self._is_demo(header),
            "gpu": {
                "offload": bool(facts.get("offload", False)),
                "devices": facts.get("devices", []),
                "layers": layers,
                "layers_on_gpu": facts.get("layers_on_gpu", 0),
            },
            "context_length": facts.get("context_length", planned or None),
            "max_tokens": header.max_tokens if header else None,
            "architecture": header.architecture if header else None,
            "threads": facts.get("threads"),
            "size": header.size if header else None,
            "engine": engine,
        }

    def _is_demo(self, header: gguf.Header | None) -> bool:
        return self.path == demo.PATH or bool(header and header.demo)

    async def _status(self, worker: WorkerProcess) -> dict[str, Any]:
        """Return the worker's present figures, or nothing when it is too busy to tell."""
        try:
            id, inbox = worker.open({"op": "status"})
        except TetherError:
            return {}
        try:
            return await inbox.get(STATUS_SECONDS) or {}
        except TetherError:
            return {}
        finally:
            worker.close(id)

    def _probed(self) -> dict[str, Any]:
        """Return what the probe says, asked once. What failed is asked again the next time."""
        with self._probing:
            if self._probe is None or "problem" in self._probe:
                self._probe = probe.ask()
            return self._probe


async def figures(sampling: Sampling) -> dict[str, Any]:
    """Return the figures as `checked` does; beside the loop where a schema is to be read."""
    if sampling.response_format is None:
        return checked(sampling)
    return await asyncio.to_thread(checked, sampling)


def checked(sampling: Sampling) -> dict[str, Any]:
    """Return the figures as the pipe takes them, so that a bad one is refused before a model is loaded.

    Raises
    ------
    InvalidRequest
        A figure or a schema is one that the worker would refuse, or is no JSON.
    """
    figures = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    try:
        constraint.check(limits.checked(figures).response_format)
        pipe.encode(figures)
    except (ValueError, TypeError, RecursionError) as reason:
        raise InvalidRequest("The request holds a figure or a schema that is no JSON.") from reason
    return figures


def plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages whose content is text, as chat templates take it.

    Raises
    ------
    InvalidRequest
        There is none, or one has a role that models do not know, or holds what is no text.
    """
    if not messages:
        raise InvalidRequest("There is no message to answer.")
    texts = []
    for message in messages:
        role, content = ROLES.get(str(message["role"])), message["content"]
        if role is None:
            raise InvalidRequest("A message's role must be `system`, `user`, `assistant` or `tool`.")
        if not isinstance(content, str):
            parts = content if isinstance(content, list) else []
            if any(not isinstance(part, dict) or part.get("type", "text") != "text" for part in parts):
                raise InvalidRequest(
                    "This model reads text only: it cannot see images or other files. "
                    "Leave them out, or choose a model that sees."
                )
        texts.append({"role": role, "content": text_of(content)})
    return texts
