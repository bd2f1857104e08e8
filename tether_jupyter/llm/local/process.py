"""The server's side of one worker process: start it, talk to it, notice its end."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import IO, Any

from tether_jupyter.errors import EngineCrashed, ModelNotReady, TetherError, from_payload
from tether_jupyter.llm.local import environment, pipe, replies
from tether_jupyter.llm.local.excuses import Excuses
from tether_jupyter.llm.local.inbox import Inbox, wake
from tether_jupyter.llm.local.intake import Intake

log = logging.getLogger("tether.local")

LOG_LINES = 40
LOG_LINE_BYTES = 2000
GRACE_SECONDS = 3.0
LAST_WORDS_SECONDS = 0.2
MAX_LINE = 1 << 22
OUT_OF_MEMORY = "This often means that the machine has too little memory for the model."
HUNG = "The model hung and was stopped. It starts again by itself: ask once more."
BROKEN = "The model's process broke and was stopped. It starts again by itself: ask once more."
STARVED = 0.8
"""The share of a time without a core from which on a silent worker is not blamed."""
LOADING = 1 << 20
"""Replies that a request may get while it is not known how long an answer can be."""
MORE_REPLIES = 4096
"""Those that a request may get besides the tokens of a whole context: vectors, places in the queue."""


class WorkerProcess:
    """A worker from its start to its end. Its methods may be called from any thread and any event loop.

    Parameters
    ----------
    load:
        The fields of the pipe's `load`.
    crashed:
        Is told, in a few words, when the process ended and nobody had asked it to.
    """

    def __init__(self, load: pipe.Message, crashed: Callable[[str], None]) -> None:
        self.ready: Future[pipe.Message] = Future()
        self.dead = False
        self.progress = 0.0
        """How much of the model is loaded, from 0 to 1."""
        self.heard = time.monotonic()
        self._looked = -math.inf
        self._missed = 0
        self._pinged = -math.inf
        self._excuses: Excuses | None = None
        self._intake: Intake | None = None
        self._most = LOADING
        self._flood = replies.Flood()
        self._crashed = crashed
        self._failure: TetherError | None = None
        self._inboxes: dict[str, Inbox] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._stopping = False
        self.send({"op": "load", "version": pipe.VERSION, **load})
        # The worker dies with the thread that started it, so this one stays until the worker's end.
        self._thread = threading.Thread(target=self._run, name="tether-worker", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process's number, once it is started."""
        return self._process.pid if self._process else None

    def send(self, message: pipe.Message) -> None:
        """Send a message without waiting; one to a dead worker goes nowhere."""
        self._outgoing.put(pipe.encode(message))

    def open(self, message: pipe.Message) -> tuple[str, Inbox]:
        """Send a message under a new id, and return the id and where the replies arrive.

        Raises
        ------
        ValueError, TypeError, RecursionError
            The message is no JSON.
        TetherError
            The worker is dead already.
        """
        id, inbox = f"r{next(self._numbers)}", Inbox(self._most)
        data = pipe.encode({**message, "id": id})
        with self._lock:
            if self.dead:
                raise self._failure or EngineCrashed()
            self._inboxes[id] = inbox
        if self._intake is not None:
            self._intake.lend(inbox.loop)
        self._outgoing.put(data)
        return id, inbox

    def close(self, id: str) -> None:
        """Take no more replies under an id."""
        with self._lock:
            self._inboxes.pop(id, None)

    def watch(self, interval: float, patience: int) -> None:
        """Ping a worker that is silent; kill one that owes a pong for `patience` looks in time.

        Whoever waits calls this every `interval` seconds of silence; however many wait, there is one ping. A
        look that comes late itself counts for nothing, nor does one before which the worker got no core for
        most of the time, or waited for a disk: then this machine is too busy to blame the worker.
        """
        now = time.monotonic()
        since = now - self._looked
        if since < interval * 0.9:
            return
        self._looked = now
        if self._excuses is None and self.pid is not None:
            self._excuses = Excuses(self.pid)
        excused = self._excuses.look(now) if self._excuses else 0.0
        if self._pinged > self.heard:
            self._missed += since < interval * 1.5 and excused < STARVED * since
            if self._missed >= patience:
                self.kill(EngineCrashed(HUNG))
        else:
            self._missed = 0
            self._pinged = now
            self.send({"op": "ping"})

    def kill(self, reason: TetherError) -> None:
        """End the process at once; `reason` is what everybody who waits for it is told."""
        self._failure = self._failure or reason
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()

    def stop(self) -> None:
        """End the process, kindly first. Blocks until it is gone."""
        self._stopping = True
        self._failure = self._failure or ModelNotReady(
            "The model was unloaded before the answer was complete. Ask again."
        )
        self._outgoing.put(None)
        self._thread.join(GRACE_SECONDS)
        if self._thread.is_alive():
            self.kill(self._failure)
            self._thread.join(GRACE_SECONDS)

    # -- the threads

    def _run(self) -> None:
        how = "it could not be watched"
        try:
            how = self._serve()
        except OSError as reason:
            log.error("The worker process cannot be started: %s", reason)
            self._failure = ModelNotReady("The model's process cannot be started; the server's log says why.")
        finally:
            self._end(how)

    def _serve(self) -> str:
        """Start the process, pass on what it says, and return how it ended."""
        self._process = process = subprocess.Popen(
            environment.python_command("tether_jupyter.llm.local.worker"),
            env=environment.child_environment(),
            cwd=os.sep,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Otherwise Ctrl+C in the server's terminal would reach it, too.
        )
        if self._failure is not None:  # Somebody has lost patience before there was anything to kill.
            process.kill()
        writer = threading.Thread(target=self._write, args=(process.stdin,), daemon=True)
        errors = threading.Thread(target=self._listen, args=(process.stderr,), daemon=True)
        writer.start()
        errors.start()
        broken = None
        try:
            self._intake = Intake(fileno(process.stdout), self._receive_all, MAX_LINE)
            self._intake.read()
            process.wait(LAST_WORDS_SECONDS)  # Its end closes the pipe a moment before it can be seen.
        except (pipe.PipeError, OSError) as reason:
            broken = f"it was stopped because it did not keep to the protocol: {reason}"
        except subprocess.TimeoutExpired:
            broken = "it was stopped because it had closed its pipe"
        finally:
            process.kill()  # Whoever has closed this pipe has nothing left to do.
            code = process.wait()
            self._outgoing.put(None)
            errors.join(LAST_WORDS_SECONDS)
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        if self._failure is not None and self._failure.message == HUNG:
            return "it hung"
        if broken is None or self._stopping:
            return describe(code)
        log.error("The worker process is of no use: %s.", broken)
        self._failure = self._failure or EngineCrashed(BROKEN)
        return broken

    def _write(self, stream: Any) -> None:
        while (data := self._outgoing.get()) is not None:
            try:
                pipe.write(stream.fileno(), data)
            except OSError:
                break
        with contextlib.suppress(OSError):
            stream.close()

    def _listen(self, stream: Any) -> None:
        """Keep the last lines of standard error: what llama.cpp says before it ends."""
        held = b""
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(stream.fileno(), pipe.READ_SIZE):
                *lines, held = (held + data).rsplit(b"\n", LOG_LINES + 1)
                held = held[-LOG_LINE_BYTES:]
                self._lines.extend(map(printable, lines[-LOG_LINES:]))
        if held:
            self._lines.append(printable(held))

    def _receive_all(self, messages: list[pipe.Message]) -> None:
        """Act on what came together."""
        self.heard = time.monotonic()
        self._flood.count(len(messages))
        filled: list[Inbox] = []
        try:
            for message in messages:
                self._receive(message, filled)
        finally:
            wake(filled)

    def _receive(self, message: pipe.Message, filled: list[Inbox]) -> None:
        replies.check(message)
        event = message["event"]
        if event == "ready":
            self.progress = 1.0
            self._most = 2 * message["context_length"] + MORE_REPLIES
            settle(self.ready, message)
        elif event == "loading":
            self.progress = float(message["progress"])
        elif event == "pong":
            if float(message["overdue"]) > 0:
                self.kill(EngineCrashed(HUNG))
        elif event == "failed":
            self._failure = self._failure or from_payload(message["error"])
        elif (inbox := self._inboxes.get(str(message.get("id")))) is not None:
            inbox.put(message)
            filled.append(inbox)
        else:
            self._flood.stray()

    def _end(self, how: str) -> None:
        """Tell everybody. The order matters: whoever learns of the end may ask for a new worker at once."""
        failure = self._failure
        if failure is None or isinstance(failure, EngineCrashed):
            self._crashed(how)
            hint = OUT_OF_MEMORY if "SIGKILL" in how else None
            failure = self._failure = failure or EngineCrashed(hint=hint)
        if not self._stopping:
            tail = "\n".join(self._lines)
            log.warning("The worker process ended: %s. Its last words:\n%s", how, tail or "(none)")
        with self._lock:
            self.dead = True
            inboxes, self._inboxes = list(self._inboxes.values()), {}
        settle(self.ready, failure)
        for inbox in inboxes:
            inbox.end(failure)
        wake(inboxes)


def printable(line: bytes) -> str:
    """Return a line for the log: native code may print a file's bytes, which may be escape sequences."""
    text = line[:LOG_LINE_BYTES].decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)


def fileno(stream: IO[bytes] | None) -> int:
    """Return the descriptor of a pipe to a process."""
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream.fileno()


def settle(future: Future[pipe.Message], outcome: pipe.Message | TetherError) -> None:
    """Give a future its outcome, if it has none yet."""
    with contextlib.suppress(InvalidStateError):
        if isinstance(outcome, TetherError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def describe(code: int) -> str:
    """Return how a process ended, in a few words."""
    if code >= 0:
        return f"it ended with status {code}"
    try:
        return f"it was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was killed by signal {-code}"
