"""The worker process: loads one model and answers over the pipe (see `pipe.py`) until the pipe ends.

Native code may end this process at any moment; nothing here is lost by it but the answers in flight. The main
thread reads, so that it can cancel and answer pings in the middle of a step; one prepares requests, one
computes.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from typing import Any

from tether_jupyter.errors import Internal, ModelNotReady, TetherError
from tether_jupyter.llm.local import lifeline, pipe

STACK_SIZE = 512 * 2**20  # For tokenizers, see `vocabulary.MAX_PIECE`. Only what is used costs memory.
PROGRESS_SECONDS = 0.1
MEGABYTE = 1 << 20
NOT_LOADED = "The model could not be loaded: `tether doctor` and the server's log say more."


class Worker:
    """What the three threads share."""

    def __init__(self, sender: pipe.Sender) -> None:
        self.sender = sender
        self.jobs: dict[str, Any] = {}
        self.preparing: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.embedding: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.engine: Any = None
        self.answerer: Any = None
        self.weights = 0

    # -- the thread that reads

    def receive(self, message: pipe.Message) -> None:
        """Act on one message of the server."""
        operation = message.get("op")
        if operation == "load":
            self.weights = int((message.get("facts") or {}).get("weights", 0))
            self.start("engine", self.compute, message)
        elif operation in ("generate", "infill", "embed", "count"):
            self.enqueue(message)
        elif operation == "cancel":
            self.cancel(str(message.get("id")))
        elif operation == "status":
            self.status(message.get("id"))
        elif operation == "ping":
            overdue = self.engine.pace.overdue(self.weights) if self.engine else -1.0
            steps = self.engine.pace.steps if self.engine else 0
            self.sender.send("pong", overdue=round(overdue, 3), steps=steps)

    def start(self, name: str, function: Any, *arguments: Any) -> None:
        """Run a thread that may call native code which recurses."""
        threading.stack_size(STACK_SIZE)
        threading.Thread(target=function, args=arguments, name=name, daemon=True).start()
        threading.stack_size(0)

    def enqueue(self, message: pipe.Message) -> None:
        """Let a request be prepared."""
        from tether_jupyter.llm.local.engine.turn import Job

        caller, batch = str(message.get("caller") or ""), bool(message.get("batch"))
        job = Job(str(message["id"]), message, caller, batch, bool(message.get("low")))
        self.jobs[job.id] = job
        self.preparing.put(job)

    def cancel(self, id: str) -> None:
        """End a request, wherever it is."""
        job = self.jobs.get(id)
        if job is not None:
            job.cancelled = True
            if self.engine is not None:
                self.engine.cancel(job)

    def status(self, id: Any) -> None:
        """Say how things stand."""
        from tether_jupyter.llm.local.devices import devices

        figures = (
            {"devices": devices(), **self.engine.status()} if self.engine else {"waiting": 0, "running": 0}
        )
        figures["waiting"] += self.preparing.qsize()
        self.sender.send("status", id=id, **figures)

    # -- the thread that prepares

    def prepare(self) -> None:
        """Make turns of requests, one after the other."""
        from tether_jupyter.llm.local.engine.turn import NOTHING

        while True:
            job = self.preparing.get()
            try:
                if job.cancelled:
                    self.send(
                        [{"event": "done", "id": job.id, "finish_reason": "cancelled", "usage": NOTHING}]
                    )
                elif job.message["op"] == "embed":
                    self.embedding.put(job)
                elif job.message["op"] == "count":
                    counts = [self.answerer.length(text) for text in job.message["texts"]]
                    done = {"event": "done", "id": job.id, "finish_reason": "stop", "usage": NOTHING}
                    self.send([{"event": "counts", "id": job.id, "counts": counts}, done])
                else:
                    self.engine.submit(self.answerer.turn(job))
            except TetherError as reason:
                self.send([{"event": "error", "id": job.id, "error": reason.payload()}])
            except Exception:  # noqa: BLE001 - one request's failure must not end the others
                traceback.print_exc()
                self.send([{"event": "error", "id": job.id, "error": Internal().payload()}])

    def embed(self) -> None:
        """Make vectors, one request after the other, beside the answers."""
        from tether_jupyter.llm.local.engine.embedding import Embedder
        from tether_jupyter.llm.local.engine.turn import NOTHING

        embedder = Embedder(self.engine.model)
        while True:
            job = self.embedding.get()
            try:
                for vectors in embedder.vectors(job.message["texts"], job):
                    # One line for all of them would be longer than the server takes.
                    self.send([{"event": "vectors", "id": job.id, "vectors": vectors}])
            except TetherError as failure:
                self.send([{"event": "error", "id": job.id, "error": failure.payload()}])
                continue
            except Exception:  # noqa: BLE001 - one request's failure must not end the others
                traceback.print_exc()
                self.send([{"event": "error", "id": job.id, "error": Internal().payload()}])
                continue
            reason = "cancelled" if job.cancelled else "stop"
            self.send([{"event": "done", "id": job.id, "finish_reason": reason, "usage": NOTHING}])

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send events, and forget the requests that end with them."""
        for event in events:
            if event["event"] in ("done", "error"):
                self.jobs.pop(str(event["id"]), None)
        self.sender.send_all(events)

    # -- the thread that computes

    def compute(self, options: pipe.Message) -> None:
        """Load the model, then compute what comes."""
        try:
            self.load(options)
        except Exception as reason:  # noqa: BLE001 - a library of another version may raise anything
            traceback.print_exc()
            failure = reason if isinstance(reason, TetherError) else ModelNotReady(NOT_LOADED)
            self.sender.send("failed", error=failure.payload())
            os._exit(0)
        self.start("prepare", self.prepare)
        self.start("embed", self.embed)
        self.engine.run()

    def load(self, options: pipe.Message) -> None:
        """Load the model, and say so."""
        if options.get("version") != pipe.VERSION:
            raise ModelNotReady("Tether was updated while it ran. Restart the Jupyter server.")
        from dataclasses import fields

        from tether_jupyter.llm.local import bindings, memory
        from tether_jupyter.llm.local.answering import Answerer
        from tether_jupyter.llm.local.devices import devices
        from tether_jupyter.llm.local.engine.loop import Engine
        from tether_jupyter.llm.local.engine.model import Model, Options
        from tether_jupyter.llm.local.engine.plan import Facts, plan
        from tether_jupyter.llm.local.engine.sampling import Doubt
        from tether_jupyter.llm.local.renderer import Renderer

        llama = bindings.load()
        llama.llama_backend_init()
        known = {field.name for field in fields(Options)}
        wanted = Options(**{name: value for name, value in options.items() if name in known})
        offload = bool(llama.llama_supports_gpu_offload())
        fitting = plan(wanted, Facts(**options["facts"]), memory.available(), devices(), offload)
        model = Model(fitting, self.progress())
        renderer = Renderer(
            options.get("chat_template"),
            seconds=options["template_seconds"],
            memory=options["template_memory"],
            variables=model.vocabulary.template_variables(),
        )
        start = model.vocabulary.tokenize(options.get("unsure_start") or "")
        start = [token for token in start if token != model.vocabulary.bos]
        doubt = Doubt(options["unsure_below"] / 100, start[0]) if start else None
        self.answerer = Answerer(
            model, renderer, options.get("max_tokens"), doubt, speculation=options["speculation"]
        )
        self.engine = Engine(model, self.send, parking=options["parking"] * MEGABYTE)
        self.sender.send("ready", version=pipe.VERSION, **model.describe())

    def progress(self) -> Any:
        """Return what tells the server how much is loaded, now and then."""
        told = 0.0

        def tell(share: float) -> None:
            nonlocal told
            if share >= 1.0 or time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                self.sender.send("loading", progress=round(share, 3))

        return tell


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
