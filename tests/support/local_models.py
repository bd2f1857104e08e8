"""Services with tiny models, and questions to them, for the tests of the local backend."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from traitlets.config import Config

from tether_jupyter import settings
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Message, Prompt, Sampling
from tether_jupyter.llm.local import state
from tether_jupyter.llm.local.service import LocalService


def service(path: Path | str = "", **traits: Any) -> LocalService:
    """Return a service for a model file; `traits` are those of `LocalLLM`."""
    config = Config({"LocalLLM": {"model_path": str(path), "n_threads": 1, **traits}})
    return LocalService.from_settings(settings.load(config, environment={}))


@asynccontextmanager
async def running(path: Path | str = "", **traits: Any) -> AsyncIterator[LocalService]:
    """Run a service, and end its worker."""
    local = service(path, **traits)
    try:
        yield local
    finally:
        await local.cleanup()


def question(*texts: str, model: str | None = None) -> Prompt:
    """Return a prompt of turns that alternate between user and assistant, and end with a question."""
    roles = ["user", "assistant"] * len(texts)
    return Prompt([{"role": r, "content": t} for r, t in zip(roles, texts, strict=False)], model=model)


async def ask(local: LocalService, *texts: str, **sampling: Any) -> list[Event]:
    """Return all events of an answer."""
    return [event async for event in local.stream(question(*texts), Sampling(**sampling))]


def prompt(
    *texts: str,
    system: str = "",
    conversation: str | None = None,
    caller: str | None = None,
    batch: bool = False,
) -> Prompt:
    """Return what `question` does, with a system prompt before it, and said whose it is."""
    opening: list[Message] = [{"role": "system", "content": system}] if system else []
    messages = [*opening, *question(*texts).messages]
    return Prompt(messages, conversation_id=conversation, caller=caller, batch=batch)


async def run(local: LocalService, wanted: Prompt, **sampling: Any) -> list[Event]:
    """Return all events of the answer to a prompt."""
    return [event async for event in local.stream(wanted, Sampling(**sampling))]


async def together(local: LocalService, prompts: Iterable[Prompt], **sampling: Any) -> list[list[Event]]:
    """Return all events of answers that are asked for at once."""
    return await asyncio.gather(*(run(local, wanted, **sampling) for wanted in prompts))


async def status(local: LocalService) -> dict[str, Any]:
    """Return the worker's present figures."""
    assert local._worker is not None
    return await state.figures(local._worker)


async def until(local: LocalService, **figures: int) -> dict[str, Any]:
    """Ask for the worker's figures until they are these, and return all of them."""
    while True:
        found = await status(local)
        if all(found.get(name) == value for name, value in figures.items()):
            return found


def answer(events: list[Event]) -> str:
    """Return the text of an answer."""
    return "".join(event.get("delta", "") for event in events)


def usage(events: list[Event]) -> dict[str, Any]:
    """Return the figures of an answer."""
    return next(event["usage"] for event in events if "usage" in event)


def ended(pid: int, seconds: float) -> bool:
    """Wait for the end of a process, whoever started it, and return whether it came in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that are still there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] not in "ZX":
            found.append(int(entry.parent.name))
    return found


def proc(pid: int | None, name: str) -> str:
    """Return what the kernel tells of a process under a name."""
    return Path(f"/proc/{pid}/{name}").read_text()


def open_files() -> int:
    """Return how many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))
