"""The stream of a chat completion, parsed from bytes: what it costs, every relayed chunk pays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.errors import TetherError, UpstreamError
from tether_jupyter.llm.refusals import refusal
from tether_jupyter.llm.thoughts import Said, Thoughts

FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "model_length": "length",  # Mistral's, where the window is full.
}
# Gemini says which of its filters it was.
FILTERS = {"content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii"}


class Filtered(UpstreamError):
    """The API kept the rest of an answer back: the same question would meet the same filter."""

    retryable = False


class Chunks:
    """Bytes in, events out: what a chat completion's stream says, split wherever the network splits it.

    Upstream text only ever becomes the string of a `delta` or `thinking`: it can name no event of ours.

    Parameters
    ----------
    plain:
        Whether nothing of the text is a thought: it must have a form.
    """

    max_line = 2**20
    max_bytes = 64 * 2**20

    def __init__(
        self, who: str = "The API", model: str = "", secrets: Sequence[str] = (), *, plain: bool = False
    ) -> None:
        self._who, self._model, self._secrets = who, model, secrets
        # Many servers leave the thoughts in the text. `None` once the answer itself has begun.
        self._thoughts = None if plain else Thoughts()
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
            self._flush(out)
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
            self._thinking(thought, out)
        # A model that declines says so in a field of its own.
        text = delta.get("content") or delta.get("refusal")
        if isinstance(text, str) and text:
            self._text(text, out)
        elif isinstance(text, list):
            self._parts(text, out)

    def _parts(self, parts: list[Any], out: list[Event]) -> None:
        """Take a text in parts, as Mistral's models send what they think."""
        for part in parts:
            if not isinstance(part, dict):
                continue
            if part.get("type") == "thinking":
                thought = part.get("thinking")
                pieces = thought if isinstance(thought, list) else [{"text": thought}]
                for piece in pieces:
                    text = piece.get("text") if isinstance(piece, dict) else None
                    if isinstance(text, str) and text:
                        self._thinking(text, out)
            elif isinstance(text := part.get("text"), str) and text:
                self._text(text, out)

    def _thinking(self, text: str, out: list[Event]) -> None:
        """Take a thought that the API itself has told apart: its text has none."""
        self.started = True
        self._flush(out)
        out.append(events.thinking(whole(text)))

    def _text(self, text: str, out: list[Event]) -> None:
        self.started = True
        text = self._half + text
        # JSON may name the two halves of a code point in two chunks.
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        if text := whole(text[: len(text) - len(self._half)]):
            if self._thoughts is None:
                out.append(events.delta(text))
                return
            out += told(self._thoughts.feed(text))
            if self._thoughts.state == "answer":
                self._thoughts = None

    def _flush(self, out: list[Event]) -> None:
        """Tell what was held back; nothing is any more."""
        if self._thoughts is not None:
            out += told(self._thoughts.finish())
            self._thoughts = None

    def close(self) -> list[Event]:
        """Return the ending of a stream that closed without `[DONE]`; raise where its answer is not whole."""
        if not self.ended and self._finish is None:
            raise UpstreamError(f"{self._who} broke off in the middle of the answer. Try again.")
        out: list[Event] = []
        if not self.ended:
            self._end(out)
        return out

    def _end(self, out: list[Event]) -> None:
        self._flush(out)
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


def told(said: list[Said]) -> list[Event]:
    """Return what was said as events."""
    return [events.thinking(text) if kind == "thinking" else events.delta(text) for kind, text in said]


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
