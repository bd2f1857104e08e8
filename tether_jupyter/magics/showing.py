"""One question, asked and shown while it is answered."""

from __future__ import annotations

import time
from typing import Any

from tether_jupyter.core.events import kind
from tether_jupyter.errors import TetherError
from tether_jupyter.magics.answer import DEMO, Answer
from tether_jupyter.magics.loading import LoadWatch
from tether_jupyter.magics.output import NotebookOutput, Output, TerminalOutput
from tether_jupyter.magics.reader import Reader
from tether_jupyter.magics.session import Session

HEALTH_SECONDS = 0.2


def show(session: Session, request: dict[str, Any], answer: Answer, *, stream: bool) -> None:
    """Ask, and show the answer as it is written, or once it is whole.

    Raises
    ------
    TetherError, KeyboardInterrupt
        It failed, or was interrupted; what was written of it is shown, and stays in `answer`.
    """
    output: Output = (
        NotebookOutput(session.shell.display_pub, answer) if session.in_kernel else TerminalOutput(answer)
    )
    try:
        if stream:
            _stream(session, request, answer, output)
        else:
            _whole(session, request, answer, output)
    except KeyboardInterrupt:
        answer.outcome = "Stopped by you"
        session.client.close()
        _describe(session, answer, patience=0)
        output.close()
        raise
    except TetherError:
        answer.outcome = "incomplete"
        _describe(session, answer, patience=0)
        output.close(failed=True)
        raise
    _describe(session, answer, patience=HEALTH_SECONDS)
    answer.settle()
    output.close()


def leave(session: Session, request: dict[str, Any], answer: Answer) -> None:
    """Ask, and leave once the server has taken the question: it goes on there by itself."""
    stream = session.client.stream(**request, background=True)
    try:
        for event in stream:
            answer.take(event)
            if kind(event) == "meta":
                break
    finally:
        stream.abort()
        stream.close()
    answer.outcome = "under way in the background: `%tether history` shows it when it is there"
    _describe(session, answer, patience=0)
    output: Output = (
        NotebookOutput(session.shell.display_pub, answer) if session.in_kernel else TerminalOutput(answer)
    )
    output.close()


def _stream(session: Session, request: dict[str, Any], answer: Answer, output: Output) -> None:
    stream = session.client.stream(**request)
    reader: Reader | None = None
    try:
        stream.open()
        reader = Reader(stream)
        watch = LoadWatch(session.client, answer)
        while not answer.ended:
            event = reader.next(output.wait())
            if event is None:
                watch.glance(time.monotonic())
                output.tick()
            elif text := answer.take(event):
                output.write(text)
            elif "meta" in event:
                session.origin(answer.label)
        reader.finish()
    except BaseException:
        if reader is not None:
            reader.abort()
        stream.abort()
        raise


def _whole(session: Session, request: dict[str, Any], answer: Answer, output: Output) -> None:
    reply = session.client.chat(**request)
    meta = {"id": reply.id, "conversation_id": reply.conversation_id, "model": reply.model}
    answer.take({"meta": {**meta, "context": reply.context}})
    if reply.usage:
        answer.take({"usage": reply.usage})
    if reply.text:
        output.write(answer.take({"delta": reply.text}))
    answer.take({"done": True, "finish_reason": reply.finish_reason})


def _describe(session: Session, answer: Answer, *, patience: float) -> None:
    """Fill in where the answer came from, as far as that is known."""
    if not answer.meta:
        return
    origin = session.origin(answer.label)
    answer.place, answer.demo = origin.learn(patience)
    answer.name = origin.name
    if answer.demo and not session.told:
        session.told = True
        answer.notice = DEMO
