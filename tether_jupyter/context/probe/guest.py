"""In a kernel, as a guest of its shell: one request answered, and what the asking itself disturbs put right.

A request to a subshell of ipykernel says "busy" and then "idle" although the cell goes on, takes the running
cell's place as the parent of what threads print, and makes IPython's `post_execute` callbacks run: the one of
matplotlib's inline backend shows and closes figures that the cell still draws.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
import weakref
from typing import Any

from .failure import error
from .progress import request_of, running, stack
from .safe import LEVELS, class_name
from .survey import look

EVENTS = ("pre_execute", "post_execute")


class Answer:
    """What goes back: IPython shows it as JSON, whatever formatters somebody set for strings."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text}


def answer(request: str) -> Answer:
    """Do what a request says; an error is told as one.

    Parameters
    ----------
    request:
        JSON: ``{"do": "look" | "running" | "error", "level", "names", "max_bytes", "seconds", "until"}``.
        After `until`, in seconds since 1970, nobody waits any more, and nothing is done.
    """
    begun = time.thread_time()
    try:
        found = done(json.loads(request))
    except Exception as reason:  # noqa: BLE001 - an error here must not become the kernel's last error
        found = {"failed": class_name(type(reason))}
    found["work"] = round(time.thread_time() - begun, 5)
    return Answer(json.dumps(found))


def done(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request says."""
    shell = shell_of()
    if threading.current_thread() is not threading.main_thread():
        keep_quiet(shell)
        after_this(shell)
    if time.time() > request.get("until", float("inf")):
        return {"late": True}
    level = request.get("level")
    level = level if level in LEVELS else "schema"
    if request["do"] == "running":
        return {"found": running(shell, level)}
    if request["do"] == "error":
        return {"found": error(shell, level)}
    namespace = getattr(shell, "user_ns", None) or sys.modules["__main__"].__dict__
    hidden = getattr(shell, "user_ns_hidden", None)
    options = {key: request[key] for key in ("limit", "max_bytes", "seconds") if key in request}
    return {"found": look(namespace, request.get("names"), level=level, hidden=hidden, **options)}


def shell_of() -> Any:
    """Return IPython's shell if there is one."""
    core = sys.modules.get("IPython.core.interactiveshell")
    shell = getattr(core, "InteractiveShell", None)
    return shell.instance() if shell is not None and shell.initialized() else None


def settle() -> None:
    """Make this thread ours, before the first question."""
    try:
        keep_quiet(shell_of())
    except Exception:  # noqa: BLE001 - an error here must not become the kernel's last error
        return


def keep_quiet(shell: Any) -> None:
    """Let IPython's events of this thread, a subshell that is ours alone, reach no callback."""
    events = getattr(shell, "events", None)
    if events is None:
        return
    trigger = events.trigger
    # Another server's probe may have been here before.
    ours = getattr(trigger, "tether_threads", None)
    if ours is None:
        ours = weakref.WeakSet()

        def ours_apart(event: str, *args: Any, **kwargs: Any) -> None:
            if event not in EVENTS or threading.current_thread() not in ours:
                trigger(event, *args, **kwargs)

        ours_apart.tether_threads = ours  # type: ignore[attr-defined]
        events.trigger = ours_apart
    ours.add(threading.current_thread())


def after_this(shell: Any) -> None:
    """Put right what this request disturbs, as soon as its "idle" is out."""
    kernel = getattr(shell, "kernel", None)
    payloads: Any = getattr(shell, "payload_manager", None)
    # A payload is the running cell's; the reply to this request takes it along.
    taken = list(payloads.read_payload()) if payloads is not None else []

    def put_right() -> None:
        try:
            tell_who_runs()
        except (AttributeError, TypeError):
            return  # another version's kernel, which keeps its running cell elsewhere

    def tell_who_runs() -> None:
        lock = getattr(kernel, "_main_asyncio_lock", None)
        if kernel is None or lock is None or not lock.locked():
            return
        places = stack(shell)
        parent, ident = request_of(places), ident_of(places)
        if not parent:
            return
        for payload in taken:
            payloads.write_payload(payload, single=False)
        kernel.set_parent(ident, parent, channel="shell")
        kernel._publish_status("busy", "shell", parent=parent)
        if not lock.locked():
            # It ended in between, and its "idle" came before this "busy".
            kernel._publish_status("idle", "shell", parent=parent)

    try:
        asyncio.get_running_loop().call_soon(put_right)
    except RuntimeError:
        return  # no loop, so no subshell


def ident_of(places: list[Any]) -> Any:
    """Return the address that the running cell's reply goes to."""
    for place in places:
        if place.code.co_name == "execute_request" and place.frame is not None:
            return place.frame.f_locals.get("ident", b"")
    return b""
