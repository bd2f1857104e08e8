"""One kernel's line: its control and shell channels, and a subshell of its own where the kernel has such."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import time
from typing import Any

from tether_jupyter.context.sources import asking, making, packed

REPLY = 256 * 1024
# What zmq itself refuses to take in.
FRAME = 1024 * 1024
PARTING = 0.3
FEATURE = "kernel subshells"


class Trouble(Exception):
    """A kernel gave no answer. `problem` is one of :data:`tether_jupyter.context.kernels.NOTES`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def new_context() -> Any:
    """Return a zmq context whose sockets take in no large message, and hold up no closing."""
    import zmq
    import zmq.asyncio

    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, FRAME)
    context.setsockopt(zmq.LINGER, 0)
    return context


class Link:
    """Sockets to one run of a kernel.

    Parameters
    ----------
    client:
        jupyter_client's for this kernel, on :func:`new_context`; its channels are not started.

    Raises
    ------
    Trouble
        `remote`: the kernel is behind a gateway, or its ports are not known.
    """

    def __init__(self, client: Any) -> None:
        from jupyter_client.connect import ConnectionFileMixin

        if not isinstance(client, ConnectionFileMixin) or not (client.shell_port and client.control_port):
            raise Trouble("remote")
        self.lock = asyncio.Lock()
        self._session = client.session.clone()
        self._control = client.connect_control()
        self._shell = client.connect_shell()
        self._info: dict[str, Any] | None = None
        self._subshell: str | None = None
        self._creating: str | None = None
        self._made = False

    async def ask(self, request: dict[str, Any], idle: bool, until: float) -> dict[str, Any]:
        """Return the probe's answer: `{"found", "work"}`.

        Parameters
        ----------
        idle:
            Whether the main shell is free, as far as is known.
        until:
            When to give up, in seconds since 1970.

        Raises
        ------
        Trouble
            There is none: `foreign`, `busy`, `garbled`.
        TimeoutError
            Nothing came in time.
        """
        info = await self._kernel_info(until)
        if info.get("language_info", {}).get("name") != "python":
            raise Trouble("foreign")
        if FEATURE not in info.get("supported_features", ()):
            if not idle:
                raise Trouble("busy")
            return await self._look({**request, "until": until}, None, until)
        for fresh in (False, True):
            subshell = await self._own_subshell(until, fresh)
            try:
                return await self._look({**request, "until": until}, subshell, until)
            except Trouble as trouble:
                if trouble.problem != "unknown subshell" or fresh:
                    raise
        raise Trouble("garbled")

    async def _look(self, request: dict[str, Any], subshell: str | None, until: float) -> dict[str, Any]:
        """Ask the probe, and bring it into the kernel first where it is not there."""
        # Packed once, which takes a while.
        await asyncio.to_thread(packed)
        for _ in range(2):
            expressions = {"answer": asking(request)}
            code = ""
            if not self._made and subshell is not None:
                # Code comes before IPython's callbacks, which the probe keeps away from a subshell.
                code = making(quiet=True)
            elif not self._made:
                expressions = {"make": making(), **expressions}
            content = {
                "code": code,
                "silent": True,
                "store_history": False,
                "user_expressions": expressions,
                "allow_stdin": False,
                "stop_on_error": False,
            }
            reply = await self._request(self._shell, "execute_request", content, until, subshell)
            if reply.get("status") == "error" and "subshell" in str(reply.get("evalue", "")).lower():
                raise Trouble("unknown subshell")
            if reply.get("status") == "aborted":
                raise Trouble("busy")
            answer = answer_of(reply)
            self._made = answer is not None
            if answer is not None:
                return answer
        raise Trouble("garbled")

    async def _kernel_info(self, until: float) -> dict[str, Any]:
        """Return what the kernel says of itself, on the control channel: a cell does not block that."""
        if self._info is None:
            self._info = await self._request(self._control, "kernel_info_request", {}, until)
        return self._info

    async def _own_subshell(self, until: float, fresh: bool) -> str:
        """Return the id of the subshell that is ours, made when it is first needed."""
        if self._subshell is None or fresh:
            self._made = False
            # One that was asked for and came too late is waited for: another one would stay for nothing.
            if self._creating is None:
                self._creating = await self._send(self._control, "create_subshell_request", {}, until)
            reply = await self._reply(self._control, self._creating, until)
            self._creating = None
            made = reply.get("subshell_id")
            if not isinstance(made, str):
                raise Trouble("garbled")
            self._subshell = made
        return self._subshell

    async def _request(
        self, socket: Any, kind: str, content: dict[str, Any], until: float, subshell: str | None = None
    ) -> dict[str, Any]:
        """Send a message and return the content of its reply, as :meth:`_reply` does."""
        sent = await self._send(socket, kind, content, until, subshell)
        return await self._reply(socket, sent, until)

    async def _send(
        self, socket: Any, kind: str, content: dict[str, Any], until: float, subshell: str | None = None
    ) -> str:
        """Send a message and return its id."""
        message = self._session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        await wait(socket.send_multipart(self._session.serialize(message)), until)
        return str(message["header"]["msg_id"])

    async def _reply(self, socket: Any, sent: str, until: float) -> dict[str, Any]:
        """Return the content of the reply to a message.

        Raises
        ------
        Trouble
            `garbled`: the reply is too long, or no message.
        TimeoutError
            There was none in time.
        """
        while True:
            parts = await wait(socket.recv_multipart(), until)
            if sum(map(len, parts)) > REPLY:
                raise Trouble("garbled")
            try:
                _, frames = self._session.feed_identities(parts)
                found = self._session.deserialize(frames)
                if found["parent_header"].get("msg_id") != sent:
                    continue  # the late answer to an earlier question
                answer = found["content"]
            except Exception as reason:
                raise Trouble("garbled") from reason
            if not isinstance(answer, dict):
                raise Trouble("garbled")
            return answer

    async def close(self, alive: bool = True) -> None:
        """Give the subshell back, and close the sockets."""
        if alive and self._subshell is not None:
            with contextlib.suppress(TimeoutError, Trouble):
                content = {"subshell_id": self._subshell}
                await self._request(self._control, "delete_subshell_request", content, time.time() + PARTING)
        self._subshell = None
        self._control.close(0)
        self._shell.close(0)


async def wait(what: Any, until: float) -> Any:
    """Return what comes of a socket's future, in time.

    Raises
    ------
    TimeoutError
        Nothing comes, or the socket is closed.
    """
    import zmq

    try:
        return await asyncio.wait_for(what, max(0.0, until - time.time()))
    except zmq.ZMQError as reason:
        raise TimeoutError from reason
    except asyncio.CancelledError:
        # A socket that is closed meanwhile cancels who waits for it; nobody asked the task to end.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise TimeoutError from None


def answer_of(reply: dict[str, Any]) -> dict[str, Any] | None:
    """Return the probe's answer from the kernel's reply; `None` if the probe is not in the kernel.

    Raises
    ------
    Trouble
        It is something else.
    """
    try:
        told = reply["user_expressions"]["answer"]["data"]["text/plain"]
        if told == "None":
            return None
        if not isinstance(told, str):
            raise TypeError(told)
        if told[:1] in "'\"":
            # A shell without IPython's display shows the text as Python writes it.
            told = ast.literal_eval(told)
        found = json.loads(told)
    except (KeyError, TypeError, ValueError, SyntaxError, RecursionError):
        raise Trouble("garbled") from None
    if not isinstance(found, dict) or not ("found" in found or "late" in found):
        raise Trouble("garbled")
    if not isinstance(found.get("found", {}), dict | None) or not isinstance(found.get("work"), int | float):
        raise Trouble("garbled")
    return found
