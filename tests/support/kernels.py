"""Real kernels in a test's own process tree, driven as a notebook drives them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

PATIENCE = 30.0
PRESSES = 4


@dataclass
class Ran:
    """What one cell did: its reply, and every message it published, with the second it arrived."""

    reply: dict[str, Any]
    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    idle_at: float = 0.0

    @property
    def displays(self) -> list[dict[str, Any]]:
        """The contents of the display and of its updates, in order."""
        kinds = ("display_data", "update_display_data")
        return [m["content"] for _, m in self.messages if m["msg_type"] in kinds]

    @property
    def markdown(self) -> str:
        """What the cell's display shows at last."""
        return str(self.displays[-1]["data"]["text/markdown"])

    @property
    def metadata(self) -> dict[str, Any]:
        """What the saved output says about the question."""
        found: dict[str, Any] = self.displays[-1]["metadata"]["tether"]
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The content of the error message."""
        return next(m["content"] for _, m in self.messages if m["msg_type"] == "error")

    @property
    def printed(self) -> str:
        """What went to stdout and stderr."""
        return "".join(m["content"]["text"] for _, m in self.messages if m["msg_type"] == "stream")


class Kernel:
    """A kernel as a notebook has it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.interrupting = False
        self.pressed = 0.0
        self.manager = KernelManager()
        # The server that starts a kernel puts the kernel's id into this name.
        self.manager.connection_file = str(folder / f"kernel-{uuid4()}.json")
        self.manager.start_kernel(env={**os.environ, **environment})
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(PATIENCE)

    @property
    def id(self) -> str:
        """The id in the connection file's name."""
        return Path(self.manager.connection_file).stem.removeprefix("kernel-")

    def start(self, code: str) -> str:
        """Begin to run a cell."""
        return str(self.client.execute(code, store_history=True))

    def finish(self, request: str, until: Callable[[dict[str, Any]], bool] | None = None) -> Ran:
        """Collect a cell's messages until it is idle, or until `until(message)` says so."""
        ran = Ran({})
        while True:
            message = self._next()
            if message["parent_header"].get("msg_id") != request:
                continue
            ran.messages.append((time.time(), message))
            if until is not None and until(message):
                return ran
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                ran.idle_at = time.time()
                break
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == request:
                ran.reply = reply["content"]
                return ran

    def _next(self) -> dict[str, Any]:
        """Return the next message. ipykernel loses an interrupt now and then, of any cell: press again."""
        for _ in range(PRESSES if self.interrupting else 0):
            if time.monotonic() - self.pressed > PATIENCE / PRESSES:
                # What was lost may have been lost in the middle of an answer, which goes on and on.
                self._press()
            try:
                return dict(self.client.get_iopub_msg(timeout=PATIENCE / PRESSES))
            except Empty:
                continue
        return dict(self.client.get_iopub_msg(timeout=PATIENCE))

    def _press(self) -> None:
        self.pressed = time.monotonic()
        self.manager.interrupt_kernel()

    def interrupt(self, request: str) -> Ran:
        """Press the stop button, and collect the cell's messages until it is idle."""
        self.interrupting = True
        try:
            self._press()
            return self.finish(request)
        finally:
            self.interrupting = False

    def run(self, code: str) -> Ran:
        """Run a cell to its end."""
        return self.finish(self.start(code))

    def value(self, expression: str) -> str:
        """Return the `repr` of an expression in the kernel."""
        request = self.client.execute("", user_expressions={"it": expression})
        ran = self.finish(request)
        found = ran.reply["user_expressions"]["it"]
        return str(found["data"]["text/plain"] if found["status"] == "ok" else found["evalue"])

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def text_arrives(message: dict[str, Any]) -> bool:
    """Say whether a message shows a piece of an answer."""
    return message["msg_type"] in ("display_data", "update_display_data")
