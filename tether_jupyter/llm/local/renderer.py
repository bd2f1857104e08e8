"""The worker's side of the template process: ask, wait so long and no longer, kill, start again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from typing import Any

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local import environment, pipe
from tether_jupyter.llm.local.template import CHATML, MAX_PROMPT, MAX_REASON

START_SECONDS = 60.0
MAX_REPLY = 6 * MAX_PROMPT + 1024  # A code point takes up to six characters of JSON.


class Renderer:
    """Render conversations with one model's chat template, in a process of its own.

    Parameters
    ----------
    template:
        Jinja source; `None` for ChatML.
    seconds:
        How long one rendering may take.
    memory:
        MiB that the process may take beyond what it begins with.
    variables:
        What the template may use besides the messages, such as `bos_token`.
    """

    def __init__(
        self, template: str | None, *, seconds: float, memory: int, variables: dict[str, Any]
    ) -> None:
        self.seconds = seconds
        self.setup = {"template": template or CHATML, "memory": memory, "variables": variables}
        self.process = TemplateProcess()

    def render(self, messages: list[dict[str, str]]) -> str:
        """Return the prompt for a conversation.

        A template that refuses a system message gets it at the head of the first user message.

        Raises
        ------
        InvalidRequest
            The template refuses the conversation, breaks, or takes too much time or memory.
        """
        reply = self._ask(messages)
        if "refused" in reply and any(m["role"] == "system" for m in messages):
            reply = self._ask(without_system(messages))
        if isinstance(text := reply.get("text"), str):
            return text
        reason = str(reply.get("refused") or reply.get("failed"))[:MAX_REASON].rstrip(".")
        if "refused" in reply:
            raise InvalidRequest(f"The model's chat template refuses this conversation: {reason}.")
        raise InvalidRequest(
            f"The model's chat template cannot be used: {reason}.",
            hint="The template is part of the GGUF file. Use another file of this model.",
        )

    def close(self) -> None:
        """End the process."""
        self.process.end()

    def _ask(self, messages: list[dict[str, str]]) -> pipe.Message:
        """Return the reply of a process that is ready; leave one that is able to answer the next time."""
        try:
            if not self.process.ready:
                self.process.ask(self.setup, START_SECONDS)
                self.process.ready = True
            return self.process.ask({"messages": messages}, self.seconds)
        except TimeoutError:
            reply = {"failed": f"it takes more than {self.seconds:g} seconds"}
        except (OSError, EOFError, pipe.PipeError):
            reply = {"failed": "it ended its process, as too little memory does"}
        self.process.end()
        self.process = TemplateProcess()
        return reply


class TemplateProcess:
    """One run of `template.py`, which starts while nobody waits for it."""

    def __init__(self) -> None:
        self.ready = False
        self.process = subprocess.Popen(
            environment.python_command("tether_jupyter.llm.local.template"),
            env=environment.child_environment(),
            cwd=os.sep,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Not the worker's: what outlives the worker for a moment must hold none of its pipes open.
            stderr=subprocess.DEVNULL,
        )

    def ask(self, message: pipe.Message, seconds: float) -> pipe.Message:
        """Send a message and return the reply.

        Raises
        ------
        TimeoutError
            The time is over; the process was killed.
        EOFError, OSError
            The process ended by itself.
        """
        incoming, outgoing = self.process.stdout, self.process.stdin
        if incoming is None or outgoing is None:
            raise EOFError
        late = threading.Event()

        def end() -> None:
            late.set()
            self.process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            pipe.write(outgoing.fileno(), pipe.encode(message))
            line = incoming.readline(MAX_REPLY)
            if not line.endswith(b"\n"):
                raise EOFError
            return pipe.decode(line)
        except (OSError, EOFError):
            if late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def end(self) -> None:
        """Kill the process, and leave no zombie."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


def without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the conversation with its system messages at the head of the first user message."""
    system = [m["content"] for m in messages if m["role"] == "system"]
    rest = [dict(m) for m in messages if m["role"] != "system"]
    first = next((m for m in rest if m["role"] == "user"), None)
    if first is not None:
        first["content"] = "\n\n".join([*system, first["content"]])
    return rest
