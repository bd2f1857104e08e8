"""A worker that breaks on demand: `fault:KIND` as a question makes it break a few steps into the answer.

Run as a program it is the worker, with `llama_decode` replaced. A word on its command line is a fault of its
start. The faults are real ones: machine code that never ends, aborts inside native calls, system limits.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tether_jupyter.llm.local import bindings, environment, pipe, worker

STEPS = 6
"""The step of an answer in which the fault comes, so that the speed is known by then."""
BRANCHES = {"x86_64": b"\xeb\xfe", "aarch64": b"\0\0\0\x14", "arm64": b"\0\0\0\x14"}
"""The machine code that jumps to itself."""
LIBC = ctypes.CDLL(None)
MEGABYTE = 1 << 20


class Fault:
    """Which fault is to come, and what it needs to know."""

    def __init__(self) -> None:
        self.kind = ""
        self.id = ""
        self.steps = 0
        self.sender: Any = None

    def arm(self, message: dict[str, Any]) -> None:
        """See whether a question asks for a fault."""
        text = str(message.get("messages", [{}])[-1].get("content", ""))
        if text.startswith("fault:"):
            self.kind, self.id, self.steps = text.removeprefix("fault:"), message["id"], 0

    def step(self) -> None:
        """Break, if it is time."""
        self.steps += 1
        if self.kind and self.steps >= STEPS:
            kind, self.kind = self.kind, ""
            FAULTS[kind](self)

    def write(self, *lines: bytes) -> None:
        """Write to the pipe, with nothing checked."""
        for line in lines:
            pipe.write(self.sender.descriptor, line)

    def repeat(self, line: bytes) -> None:
        """Write a line for ever."""
        block = line * (pipe.READ_SIZE // len(line) + 1)
        while True:
            self.write(block)


def endless() -> int:
    """Return the address of a function in machine code that never ends."""
    global page  # It must outlive this call.
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(BRANCHES[platform.machine()])
    return ctypes.addressof(ctypes.c_char.from_buffer(page))


page: mmap.mmap


def fill(limit: int) -> list[Any]:
    """Take memory until there is none left."""
    taken: list[Any] = []
    size = 64 * MEGABYTE
    limit_memory(limit)
    while size > 4096:
        try:
            taken.append(ctypes.create_string_buffer(size))
        except MemoryError:
            size //= 2
    return taken


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def event(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def full_memory(fault: Fault) -> None:
    """Let the step run while there is no memory to be had, natively as in Python."""
    keep.append(fill(256 * MEGABYTE))
    LIBC.malloc.restype = ctypes.c_void_p
    while LIBC.malloc(ctypes.c_size_t(16)):
        pass


keep: list[Any] = []

FAULTS: dict[str, Callable[[Fault], Any]] = {
    "abort": lambda _: LIBC.abort(),
    "null": lambda _: LIBC.strlen(None),
    "exit": lambda _: os._exit(3),
    "busy": lambda _: ctypes.CFUNCTYPE(None)(endless())(),
    "busy-holding-python": lambda _: ctypes.PYFUNCTYPE(None)(endless())(),
    "sleep": lambda _: LIBC.sleep(10**6),
    "python-error": lambda _: fail(),
    "memory-error": lambda _: fill(256 * MEGABYTE) and fail(MemoryError()),
    "memory": full_memory,
    "garbage": lambda f: f.repeat(b"\x80garbage\xff"),
    "noise": lambda f: f.repeat(os.urandom(4096)),
    "no-object": lambda f: f.write(b"[1]\n"),
    "deep": lambda f: f.write(b'{"event":' + b"[" * MEGABYTE + b"\n"),
    "endless-line": lambda f: f.repeat(b"x" * 4096),
    "huge-line": lambda f: f.write(b'{"event":"delta","text":"', *[b"x" * MEGABYTE] * 100),
    "closed-pipe": lambda f: (os.close(f.sender.descriptor), LIBC.pause()),
    "half-message": lambda f: (f.write(b'{"event":"del'), os._exit(0)),
    "unknown-ids": lambda f: f.repeat(event(event="delta", id="r999999", text="boo")),
    "pongs": lambda f: f.repeat(event(event="pong", overdue=-1)),
    "endless-deltas": lambda f: f.repeat(event(event="delta", id=f.id, text="more and more ")),
    "large-deltas": lambda f: f.repeat(event(event="delta", id=f.id, text="x" * MEGABYTE)),
    "wrong-fields": lambda f: f.write(event(event="done", id=f.id, finish_reason=["stop"], usage=7)),
    "no-text": lambda f: f.write(event(event="delta", id=f.id)),
    "infinite-pong": lambda f: f.write(b'{"event":"pong","overdue":1e999}\n'),
    "wrong-error": lambda f: f.write(event(event="error", id=f.id, error="oh")),
    "loud": lambda _: shout(),
}
"""What breaks, by name."""


def fail(reason: Exception | None = None) -> None:
    raise reason or RuntimeError("a fault was asked for")


def shout() -> None:
    """Fill standard error for ever."""
    while True:
        os.write(2, b"\x1b[2J" + b"llama\n" * 10_000)


def install(fault: Fault) -> None:
    """Put the fault into this process's worker."""
    load, enqueue, decode = bindings.load, worker.Worker.enqueue, None

    def broken_load() -> Any:
        nonlocal decode
        llama = load()
        if decode is None:
            decode = llama.llama_decode

            def broken_decode(context: Any, batch: Any) -> int:
                fault.step()
                return int(decode(context, batch))

            llama.llama_decode = broken_decode
        return llama

    def armed_enqueue(self: worker.Worker, message: pipe.Message) -> None:
        fault.sender = self.sender
        fault.arm(message)
        enqueue(self, message)

    bindings.load = broken_load
    worker.Worker.enqueue = armed_enqueue  # type: ignore[method-assign]


def command(*start: str) -> Callable[[str], list[str]]:
    """Return what stands in for `environment.python_command`: the worker is this one, the rest as ever."""
    usual = environment.python_command

    def python_command(module: str) -> list[str]:
        return [*usual(__name__), *start] if module == worker.__name__ else usual(module)

    return python_command


STARTS: dict[str, Callable[[], Any]] = {
    "start-abort": LIBC.abort,
    "start-null": lambda: LIBC.strlen(None),
    "start-exit": lambda: os._exit(1),
    "start-memory": lambda: limit_memory(8 * MEGABYTE),
    "start-little-memory": lambda: limit_memory(96 * MEGABYTE),
    "start-garbage": lambda: pipe.write(1, b"\x80\n"),
    "start-closed": lambda: (os.close(1), LIBC.pause()),
    "start-wrong-ready": lambda: pipe.write(1, event(event="ready", slots="many")),
}
"""What breaks before the model is loaded, by name."""


if __name__ == "__main__":
    install(Fault())
    for word in sys.argv[1:]:
        STARTS[word]()
    worker.main()
