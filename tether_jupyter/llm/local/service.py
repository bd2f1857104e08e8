"""The backend `local`: a GGUF model in a worker process, started when it is needed and again when it dies."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Message, Prompt, Sampling, text_of
from tether_jupyter.errors import (
    InvalidRequest,
    ModelNotReady,
    NotFound,
    TetherError,
    from_payload,
)
from tether_jupyter.llm.local import bindings, demo, gguf, grammar, limits, pipe, probe
from tether_jupyter.llm.local.breaker import Breaker
from tether_jupyter.llm.local.inbox import Inbox
from tether_jupyter.llm.local.process import WorkerProcess
from tether_jupyter.llm.service import LLMService

if TYPE_CHECKING:
    from tether_jupyter.settings import LocalLLM, Settings

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
COUNTS = ("prompt_tokens", "cached_tokens", "completion_tokens", "tokens_per_s")
PING_SECONDS = 1.0
SILENCE_SECONDS = 15.0
STATUS_SECONDS = 1.0


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
        self.path = Path(settings.model_path).expanduser().absolute() if settings.model_path else demo.PATH
        self.model_name = self.path.stem
        self.breaker = Breaker()
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
        with self._starting:
            worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.stop)

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
        return worker

    def _load_message(self, header: gguf.Header) -> dict[str, Any]:
        settings = self.settings
        return {
            "model_path": str(self.path),
            "context_length": settings.context_length,
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
        self._check_model(prompt.model)
        figures = checked(sampling)
        message = {
            "op": "generate",
            "conversation": prompt.conversation_id,
            "messages": plain(prompt.messages),
            "sampling": figures,
        }
        began = time.perf_counter()
        worker = await self._ready()
        if self._is_demo(self.header()):
            # It knows one answer to each question, and a second choice would only be a wrong one.
            figures["temperature"] = 0.0
        id, inbox = worker.open(message)
        ended = False
        first: float | None = None
        try:
            while not ended:
                reply = await self._next(worker, inbox)
                kind = reply["event"]
                if kind == "delta":
                    first = first or time.perf_counter()
                    yield events.delta(str(reply["text"]))
                elif kind == "queued":
                    yield events.queued(int(reply["position"]))
                elif kind == "error":
                    ended = True
                    raise from_payload(reply["error"])
                elif kind == "done":
                    ended = True
                    counts = {name: reply["usage"].get(name) for name in COUNTS}
                    ttft = round((first - began) * 1000, 1) if first else None
                    yield events.usage(**counts, cost_usd=0.0, ttft_ms=ttft)
                    yield events.done(reply["finish_reason"])
        finally:
            worker.close(id)
            if not ended:
                worker.send({"op": "cancel", "id": id})

    async def _next(self, worker: WorkerProcess, inbox: Inbox) -> dict[str, Any]:
        """Return the next reply. A worker that is silent for too long is killed, which ends the wait."""
        while (reply := await inbox.get(PING_SECONDS)) is None:
            worker.watch(PING_SECONDS, SILENCE_SECONDS)
        return reply

    def _check_model(self, name: str | None) -> None:
        """Refuse a model that is not here. The name is compared, and never becomes a path."""
        if name not in (None, self.model_name):
            raise NotFound(
                f"There is no local model called {str(name)[:80]!r}. "
                f"This server runs {self.model_name!r}; ask for that, or for no model."
            )

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


def checked(sampling: Sampling) -> dict[str, Any]:
    """Return the figures as the pipe takes them, so that a bad one is refused before a model is loaded.

    Raises
    ------
    InvalidRequest
        A figure or a schema is one that the worker would refuse, or is no JSON.
    """
    figures = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    try:
        grammar.from_response_format(limits.checked(figures).response_format)
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
