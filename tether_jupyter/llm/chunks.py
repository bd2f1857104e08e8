"""The stream of a chat completion, parsed from bytes: what it costs, every relayed chunk pays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.errors import TetherError, UpstreamError
from tether_jupyter.llm.refusals import refusal

FINISH_REASONS = {"stop": "stop", "length": "length", "tool_calls": "tool", "function_call": "tool"}
# Gemini says which of its filters it was.
FILTERS = {"content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii"}


class Filtered(UpstreamError):
    """The API kept the rest of an answer back: the same question would meet the same filter."""

    retryable = False


class Chunks:
    """Bytes in, events out: what a chat completion's stream says, split wherever the network splits it.

    Upstream text only ever becomes the string of a `delta` or `thinking`: it can name no event of ours.
    """

    max_line = 2**20
    max_bytes = 64 * 2**20

    def __init__(self, who: str = "The API", model: str = "", secrets: Sequence[str] = ()) -> None:
        self._who, self._model, self._secrets = who, model, secrets
        self._tail = b""
        self._bytes = 0
        self._usage: dict[str, Any] | None = None
        self._finish: str | None = None
        self._half = ""
        self.failure: TetherError | None = None
        self.started = False
        self.ended = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete.

        What goes wrong is kept in `failure`: text that came before it, in the same read, must not be lost.
        """
        out: list[Event] = []
        try:
            self._feed(data, out)
        except TetherError as reason:
            self.failure = reason
        return out

    def _feed(self, data: bytes, out: list[Event]) -> None:
        self._bytes += len(data)
        if self._bytes > self.max_bytes:
            raise UpstreamError("The answer grew too long and was cut off.")
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._line(line[5:].strip(), out)
                if self.ended:
                    break
        if len(self._tail) > self.max_line:
            raise UpstreamError(f"{self._who} sent a line without an end. Try again, or another model.")

    def _line(self, data: bytes, out: list[Event]) -> None:
        if data == b"[DONE]":
            self._end(out)
            return
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise UpstreamError(f"{self._who} sent something that is not JSON. Try again.") from None
        if not isinstance(chunk, dict):
            return
        if chunk.get("error"):
            code = chunk["error"].get("code") if isinstance(chunk["error"], dict) else None
            status = code if isinstance(code, int) else 0
            raise refusal(status, data.decode("utf-8", "replace"), self._who, self._model, self._secrets)
        if isinstance(chunk.get("usage"), dict):
            self._usage = chunk["usage"]
        choices = chunk.get("choices")
        if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
            return
        self._finish = choices[0].get("finish_reason") or self._finish
        delta = choices[0].get("delta")
        if isinstance(delta, dict):
            self._delta(delta, out)

    def _delta(self, delta: dict[str, Any], out: list[Event]) -> None:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            self.started = True
            out.append(events.thinking(whole(thought)))
        # A model that declines says so in a field of its own.
        text = delta.get("content") or delta.get("refusal")
        if isinstance(text, str) and text:
            self.started = True
            text = self._half + text
            # JSON may name the two halves of a code point in two chunks.
            self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
            if text := whole(text[: len(text) - len(self._half)]):
                out.append(events.delta(text))

    def close(self) -> list[Event]:
        """Return the ending of a stream that closed without `[DONE]`; raise where its answer is not whole."""
        if not self.ended and self._finish is None:
            raise UpstreamError(f"{self._who} broke off in the middle of the answer. Try again.")
        out: list[Event] = []
        if not self.ended:
            self._end(out)
        return out

    def _end(self, out: list[Event]) -> None:
        used = self._usage or {}
        details = used.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        out.append(
            events.usage(
                prompt_tokens=number(used.get("prompt_tokens")),
                cached_tokens=number(cached),
                completion_tokens=number(used.get("completion_tokens")),
                cost_usd=used.get("cost") if isinstance(used.get("cost"), float | int) else None,
            )
        )
        reason = str(self._finish)
        if reason.partition(":")[0].lower() in FILTERS:
            raise Filtered(
                f"{self._who} stopped the answer by its content filter. Put the question in other words, "
                "leave out what it may object to, or ask another model."
            )
        if reason == "error":
            raise UpstreamError(f"{self._who} failed in the middle of the answer. Try again.")
        self.ended = True
        out.append({"done": True, "finish_reason": FINISH_REASONS.get(reason, "stop")})


def number(value: Any) -> int | None:
    """Return a count, or `None` for whatever else an upstream sends."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def whole(text: str) -> str:
    """Return a text that can be encoded: pairs of halves joined, single ones replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
