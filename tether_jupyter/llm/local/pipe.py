"""The protocol between the server and the worker that runs a model. Version 3.

JSON lines, UTF-8, over the worker's standard input and a private copy of its standard output. A message is
one object; a line holds one, or a list of some. The server's messages name themselves by `op`, the worker's
by `event`; both sides ignore fields that they do not know, and end the connection on a line that is no
message. Whatever belongs to a request carries its `id`, chosen by the server and used once, so any number of
requests can be under way.

Server to worker

========== =========================================================================================
`load`     First, once. `version`; `model_path`; `context_length` (of one conversation), `slots` (0: as
           many as fit), `n_batch`, `n_gpu_layers`, `n_threads` (0: the worker chooses); `use_mmap`;
           `facts` (`weights`, `kv` and `state` in bytes, `layers`, `trained`), by which it sees whether
           the model fits; `parking` (MiB for conversations without a slot); `speculation`;
           `chat_template` (text or null); `max_tokens` (the model's own ceiling on an answer, or null);
           `unsure_below` (percent) and `unsure_start`: an answer whose first token is less likely begins
           with this text instead; `template_seconds`; `template_memory` (MiB).
`generate` `id`; `conversation` (text or null: whose prefix this is); `caller` (text or null); `batch`
           (nobody waits for it); `messages`: list of `{"role", "content"}`, both texts; `sampling`: the
           fields of `core.prompt.Sampling`.
`infill`   The same with `prefix` and `suffix` (texts) instead of `messages`, and `low` (it gives way to
           people's answers) instead of `batch`.
`embed`    `id`; `texts`: what to turn into vectors.
`count`    `id`; `texts`: whose tokens to count.
`cancel`   `id`. The answer ends with `done` and `cancelled`, within one step. Unknown ids are ignored.
`status`   `id`. Asks for `status`.
`ping`     Asks for `pong`. Answered even in the middle of a step.
========== =========================================================================================

The end of the server's stream means: end now.

Worker to server

========== =========================================================================================
`loading`  `progress`: from 0 to 1, now and then before `ready`.
`ready`    Once, when the model is loaded. `version`, `context_length`, `slots`, `kv_bytes`,
           `weight_bytes`, `layers`, `layers_on_gpu`, `offload`, `devices`, `threads`, `vocabulary` (its
           size), `infill` (whether the model has tokens for it).
`failed`   Instead of `ready`, and last: `error`, the wire form of a `TetherError`.
`queued`   `id`, `position`: 1 is next. Again whenever it changes.
`delta`    `id`, `text`: never empty, always whole code points.
`thinking` As `delta`: what the model thinks before it answers.
`vectors`  `id`, `vectors`: one list of numbers for each of the next texts; then more, or `done`.
`counts`   `id`, `counts`: a number of tokens for each text; then `done`.
`done`     `id`, `finish_reason` (`stop`, `length`, `cancelled`), `usage`: `prompt_tokens`,
           `cached_tokens`, `completion_tokens`, `tokens_per_s` (null where nothing was computed).
           Nothing with this id follows.
`error`    `id`, `error`: the wire form of a `TetherError`. Nothing with this id follows.
`status`   `id`, `devices`, `waiting` (requests in the queue), `running` (requests being answered),
           `slots`, `conversations` (that are remembered), `kv_bytes`, `kv_tokens`, `parked_bytes`, and
           the figures of `engine.pace`.
`pong`     `overdue`: by how many seconds the present step is later than can be explained; below 0 for not;
           `steps`: how many were computed so far.
========== =========================================================================================
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

VERSION = 4
MAX_LINE = 1 << 26
READ_SIZE = 1 << 16

Message = dict[str, Any]


class PipeError(Exception):
    """What came through the pipe is not this protocol."""


ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def encode(messages: Message | list[Message]) -> bytes:
    """Return the line of a message, or of some. Pure ASCII: no lone surrogate can fail to be encoded."""
    return ENCODER.encode(messages).encode("ascii") + b"\n"


class Decoder:
    """Cut a stream of bytes into messages."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.max_line = max_line
        self.held = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes and return the messages that are whole now.

        Raises
        ------
        PipeError
            A line is too long, or holds something else than JSON objects.
        """
        self.held += data
        lines = self.held.split(b"\n") if b"\n" in data else [self.held]
        self.held = lines.pop()
        if len(self.held) > self.max_line:
            raise PipeError("a line is too long")
        return [message for line in lines for message in self.messages(line)]

    @staticmethod
    def messages(line: bytes | bytearray) -> list[Message]:
        """Return the messages that a line holds."""
        found = parsed(line)
        messages = found if isinstance(found, list) else [found]
        if not messages or not all(isinstance(message, dict) for message in messages):
            raise PipeError("a line is no object")
        return messages


def decode(line: bytes) -> Message:
    """Return the one message that a line holds.

    Raises
    ------
    PipeError
        It holds something else.
    """
    message = parsed(line)
    if not isinstance(message, dict):
        raise PipeError("a line is no object")
    return message


def parsed(line: bytes | bytearray) -> Any:
    """Return the JSON of a line."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as reason:
        raise PipeError("a line is no JSON") from reason


def read(descriptor: int, max_line: int = MAX_LINE) -> Iterator[list[Message]]:
    """Yield messages as they come, in lists of those that came together, until the stream ends."""
    decoder = Decoder(max_line)
    while data := os.read(descriptor, READ_SIZE):
        if messages := decoder.feed(data):
            yield messages


def write(descriptor: int, data: bytes) -> None:
    """Write all of it; blocks while the pipe is full."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def claim_standard_streams() -> tuple[int, int]:
    """Take standard input and output of a child process for the protocol.

    Return private descriptors of both. Whatever else reads standard input finds it empty, and what native
    code prints goes to standard error, so that nothing can get in between two messages.
    """
    sys.stdout.flush()
    incoming, outgoing = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return incoming, outgoing


class Sender:
    """The worker's writing end, for any of its threads."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.lock = threading.Lock()

    def send(self, event: str, **fields: Any) -> None:
        """Send an event."""
        self.send_all([{"event": event, **fields}])

    def send_all(self, events: list[Message]) -> None:
        """Send events, each with its `event`, in one go. A server that is gone ends this process."""
        # One line for all of a step: making it and reading it takes a quarter of the time that eight would.
        data = encode(events if len(events) > 1 else events[0])
        try:
            with self.lock:
                write(self.descriptor, data)
        except OSError:
            os._exit(0)
