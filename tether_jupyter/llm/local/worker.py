"""The worker process: loads one model and answers over the pipe (see `pipe.py`) until the pipe ends.

Native code may end this process at any moment; nothing here is lost by it but the answers in flight. The main
thread reads, so that it can cancel and answer pings in the middle of a step; the other one computes.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections import deque
from typing import Any

from tether_jupyter.errors import Internal, ModelNotReady, TetherError
from tether_jupyter.llm.local import lifeline, pipe

STACK_SIZE = 512 * 2**20  # For tokenizers, see `vocabulary.MAX_PIECE`. Only what is used costs memory.


class Worker:
    """The queue between the two threads."""

    def __init__(self, sender: pipe.Sender) -> None:
        self.send = sender.send
        self.waiting: deque[Any] = deque()
        self.running: Any = None
        self.changed = threading.Condition()
        self.engine: Any = None

    # -- the thread that reads

    def receive(self, message: pipe.Message) -> None:
        """Act on one message of the server."""
        operation = message.get("op")
        if operation == "load":
            threading.stack_size(STACK_SIZE)
            threading.Thread(target=self.compute, args=(message,), name="engine", daemon=True).start()
            threading.stack_size(0)
        elif operation == "generate":
            self.enqueue(message)
        elif operation == "cancel":
            self.cancel(message.get("id"))
        elif operation == "status":
            self.status(message.get("id"))
        elif operation == "ping":
            self.send("pong", steps=self.engine.steps if self.engine else 0)

    def enqueue(self, message: pipe.Message) -> None:
        """Put a request at the end of the queue."""
        from tether_jupyter.llm.local.answering import Job

        job = Job(str(message["id"]), message["messages"], message["sampling"])
        with self.changed:
            self.waiting.append(job)
            if self.running or len(self.waiting) > 1:
                self.send("queued", id=job.id, position=len(self.waiting))
            self.changed.notify()

    def cancel(self, id: Any) -> None:
        """End a request, wherever it is."""
        with self.changed:
            if self.running and self.running.id == id:
                self.running.cancelled = True
                self.engine.abort()
                return
            job = next((job for job in self.waiting if job.id == id), None)
            if job is None:
                return
            self.waiting.remove(job)
            self.send("done", id=job.id, finish_reason="cancelled", usage=NOTHING)
            self.tell_positions()

    def status(self, id: Any) -> None:
        """Say how things stand."""
        from tether_jupyter.llm.local.devices import devices

        with self.changed:
            waiting, running = len(self.waiting), int(self.running is not None)
        found, steps = (devices(), self.engine.steps) if self.engine else ([], 0)
        self.send("status", id=id, devices=found, waiting=waiting, running=running, steps=steps)

    def tell_positions(self) -> None:
        """Tell those who wait where they stand now."""
        for position, job in enumerate(self.waiting, 1):
            self.send("queued", id=job.id, position=position)

    # -- the thread that computes

    def compute(self, options: pipe.Message) -> None:
        """Load the model, then answer one request after the other."""
        try:
            answerer = self.load(options)
        except TetherError as reason:
            traceback.print_exc()
            self.send("failed", error=reason.payload())
            os._exit(0)
        while True:
            with self.changed:
                self.running = None
                while not self.waiting:
                    self.changed.wait()
                job = self.running = self.waiting.popleft()
                self.tell_positions()
            try:
                answerer.answer(job)
            except TetherError as reason:
                self.send("error", id=job.id, error=reason.payload())
            except Exception:  # noqa: BLE001 - one request's failure must not end the others
                traceback.print_exc()
                self.send("error", id=job.id, error=Internal().payload())

    def load(self, options: pipe.Message) -> Any:
        """Load the model, say so, and return what answers."""
        from dataclasses import fields

        if options.get("version") != pipe.VERSION:
            raise ModelNotReady("Tether was updated while it ran. Restart the Jupyter server.")
        from tether_jupyter.llm.local.answering import Answerer
        from tether_jupyter.llm.local.engine import Engine, Options
        from tether_jupyter.llm.local.renderer import Renderer
        from tether_jupyter.llm.local.sampling import Doubt

        known = {field.name for field in fields(Options)}
        engine = Engine(Options(**{name: value for name, value in options.items() if name in known}))
        renderer = Renderer(
            options.get("chat_template"),
            seconds=options["template_seconds"],
            memory=options["template_memory"],
            variables=engine.vocabulary.template_variables(),
        )
        self.engine = engine
        self.send("ready", version=pipe.VERSION, **engine.describe())
        start = engine.vocabulary.tokenize(options.get("unsure_start") or "")
        start = [token for token in start if token != engine.vocabulary.bos]
        doubt = Doubt(options["unsure_below"] / 100, start[0]) if start else None
        return Answerer(engine, renderer, options.get("max_tokens"), self.send, doubt)


NOTHING = {"prompt_tokens": 0, "cached_tokens": 0, "completion_tokens": 0, "tokens_per_s": None}


def main() -> None:
    """Serve the pipe on standard input and output."""
    lifeline.die_with_parent()
    lifeline.go_first()
    lifeline.leave_no_core()
    incoming, outgoing = pipe.claim_standard_streams()
    worker = Worker(pipe.Sender(outgoing))
    try:
        for messages in pipe.read(incoming):
            for message in messages:
                worker.receive(message)
    except pipe.PipeError as reason:
        sys.stderr.write(f"{reason}\n")
        os._exit(2)
    os._exit(0)  # The engine may be in the middle of a step, and nothing here needs to be put away.


if __name__ == "__main__":
    main()
