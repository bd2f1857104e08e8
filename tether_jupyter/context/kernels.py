"""Asking a kernel, from the server: its variables, its last error, and what it runs right now.

A kernel with subshells (ipykernel 7) answers while a cell runs; any other one is asked when it is idle, and
never waited for. Whoever calls this has made sure that the kernel is the caller's own.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_jupyter.context.link import Link

log = logging.getLogger(__name__)

PATIENCE = 1.8
LINKS = 32

NOTES = {
    "gone": "The kernel is not there any more. Start it again.",
    "dead": "The kernel has ended. Restart it.",
    "starting": "The kernel is starting. Ask again in a moment.",
    "busy": "The kernel is busy and answers nobody until the cell has ended. "
    "With ipykernel 7 or later it can be asked while a cell runs.",
    "foreign": "The kernel's variables were not looked at: that works for Python alone.",
    "remote": "The kernel runs behind a gateway, where its variables cannot be looked at.",
    "silent": "The kernel did not answer in time. Ask again, or restart it if it does not react.",
    "garbled": "The kernel's answer could not be read. Restart it if that happens again.",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking a kernel.

    Parameters
    ----------
    found:
        What the probe returned; `None` where it has nothing to tell, or was not reached.
    problem:
        Why there is nothing, one of :data:`NOTES`; `None` if it was asked.
    seconds:
        From the question to its end.
    work:
        Seconds of the kernel's own time.
    """

    found: dict[str, Any] | None
    problem: str | None = None
    seconds: float = 0.0
    work: float = 0.0

    @property
    def note(self) -> str | None:
        """The problem as a sentence for people."""
        return None if self.problem is None else NOTES[self.problem]


class Kernels:
    """The kernels of a server, to be asked what is in them.

    Parameters
    ----------
    get_kernel:
        Returns jupyter_client's manager for a kernel id, or raises; `MappingKernelManager.get_kernel` is one.
    patience:
        Seconds after which a question is given up.
    """

    def __init__(self, get_kernel: Callable[[str], Any], patience: float = PATIENCE) -> None:
        self._get_kernel = get_kernel
        self._patience = patience
        self._links: OrderedDict[str, tuple[Any, Link]] = OrderedDict()
        self._context: Any = None

    async def look(
        self,
        kernel_id: str,
        names: Sequence[str] | None = None,
        level: str = "schema",
        *,
        max_bytes: int = 8192,
        limit: int = 200,
    ) -> Outcome:
        """Return the variables (`probe.look`): those named, else all of the user's own."""
        request = {"do": "look", "level": level, "max_bytes": max_bytes, "limit": limit}
        if names is not None:
            request["names"] = list(names)
        return await self._ask(kernel_id, request)

    async def running(self, kernel_id: str, level: str = "schema") -> Outcome:
        """Return what the kernel runs now (`probe.running`)."""
        return await self._ask(kernel_id, {"do": "running", "level": level})

    async def error(self, kernel_id: str, level: str = "schema") -> Outcome:
        """Return the last error (`probe.error`); `found` is `None` if there was none."""
        return await self._ask(kernel_id, {"do": "error", "level": level})

    def busy(self, kernel_id: str) -> bool:
        """Return whether the kernel runs something, as far as its server has heard."""
        try:
            return getattr(self._get_kernel(kernel_id), "execution_state", None) == "busy"
        except Exception:  # noqa: BLE001 - what it raises for a kernel that is gone is the manager's own choice
            return False

    @property
    def open(self) -> int:
        """How many kernels there is a line to."""
        return len(self._links)

    async def forget(self, kernel_id: str, *, alive: bool = True) -> None:
        """Let go of a kernel, whose subshell goes too."""
        _, link = self._links.pop(kernel_id, (None, None))
        if link is not None:
            await link.close(alive=alive)

    async def forget_the_gone(self) -> None:
        """Let go of kernels that ended: an open line would knock at a port that is another's by now."""
        for kernel_id in list(self._links):
            try:
                await self._manager(kernel_id)
            except Exception:  # noqa: BLE001 - what it raises for a kernel that is gone is the manager's own choice
                await self.forget(kernel_id, alive=False)

    async def close(self) -> None:
        """Let go of all kernels."""
        links = [link for _, link in self._links.values()]
        self._links.clear()
        await asyncio.gather(*(link.close() for link in links))
        if self._context is not None:
            self._context.term()
            self._context = None

    async def _ask(self, kernel_id: str, request: dict[str, Any]) -> Outcome:
        """Ask a kernel, within the patience. Whatever goes wrong is an outcome."""
        from tether_jupyter.context.link import Trouble

        begun = time.perf_counter()
        problem: str | None = None
        idle = True
        answer: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self._patience):
                manager = await self._manager(kernel_id)
                state = getattr(manager, "execution_state", "idle")
                if state in ("starting", "restarting", "autorestarting"):
                    raise Trouble("starting")
                idle = state != "busy"
                link = await self._link(kernel_id, manager)
                async with link.lock:
                    until = time.time() + self._patience - (time.perf_counter() - begun)
                    answer = await link.ask(request, idle, until)
        except Trouble as trouble:
            problem = trouble.problem if trouble.problem in NOTES else "garbled"
            if problem in ("gone", "dead"):
                await self.forget(kernel_id, alive=False)
        except TimeoutError:
            problem = "silent" if idle else "busy"
        except Exception as reason:  # noqa: BLE001 - managers of other makers raise what they like
            log.warning("A kernel could not be asked: %s", type(reason).__name__)
            problem = "silent"
        if answer.get("late"):
            problem = "busy"
        seconds = time.perf_counter() - begun
        return Outcome(answer.get("found"), problem, seconds, answer.get("work", 0.0))

    async def _manager(self, kernel_id: str) -> Any:
        """Return a kernel's manager.

        Raises
        ------
        Trouble
            `gone` or `dead`.
        """
        from tether_jupyter.context.link import Trouble

        try:
            manager = self._get_kernel(kernel_id)
        except Exception as reason:
            # What it raises is the manager's own choice: KeyError, or HTTP's 404.
            raise Trouble("gone") from reason
        alive = manager.is_alive()
        if inspect.isawaitable(alive):
            alive = await alive
        if not alive:
            raise Trouble("dead")
        return manager

    async def _link(self, kernel_id: str, manager: Any) -> Link:
        """Return the line to a kernel; a new one if it was restarted since."""
        from tether_jupyter.context.link import Link, new_context

        run = (id(manager), getattr(getattr(manager, "provisioner", None), "pid", None))
        known, link = self._links.get(kernel_id, (None, None))
        if link is not None and known == run:
            self._links.move_to_end(kernel_id)
            return link
        if link is not None:
            del self._links[kernel_id]
            await link.close(alive=False)
        await self.forget_the_gone()
        self._context = self._context or new_context()
        link = Link(manager.client(context=self._context))
        self._links[kernel_id] = (run, link)
        while len(self._links) > LINKS:
            _, (_, oldest) = self._links.popitem(last=False)
            await oldest.close()
        return link
