"""An answer under way, and the quiet line under it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tether_jupyter import __version__
from tether_jupyter.core.events import Event, kind

DEMO = (
    "This is the demo model, which knows little. For a real one, set TETHER_MODEL_PATH to a GGUF file, "
    "or TETHER_LLM_BACKEND=openai with OPENAI_API_KEY or OPENAI_BASE_URL, and restart Jupyter."
)
LONG_WAIT = 30
MOST_TOLD = 5


@dataclass(slots=True)
class Answer:
    """What is known of an answer so far.

    Parameters
    ----------
    record:
        What stands in the output's metadata about the question.
    started:
        When it was asked, in seconds of the clock that `status` is given.
    loading:
        How far its model is loaded, from 0 to 1, while it is being loaded.
    fence:
        The language of the code that the whole answer is to be; `None` where it is Markdown.
    result:
        What became of the answer, such as the variable that it went into.
    settle:
        Called with the answer whole, before the line under it is written.
    """

    record: dict[str, Any]
    started: float
    meta: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    position: int | None = None
    loading: float | None = None
    finish_reason: str | None = None
    outcome: str | None = None
    place: str | None = None
    name: str | None = None
    demo: bool = False
    notice: str | None = None
    fence: str | None = None
    result: str | None = None
    settle: Callable[[], None] = lambda: None
    _parts: list[str] = field(default_factory=list)
    size: int = 0

    @property
    def text(self) -> str:
        """The text so far."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def shown(self) -> str:
        """The text so far, as Markdown."""
        text = self.text
        # Without a grammar to keep to, a model may write prose, or a fence of its own.
        bare = self.fence is not None and text.lstrip()[:1] in ("{", "[")
        return f"```{self.fence}\n{text}" if bare else text

    @property
    def label(self) -> str:
        """The model that answers, as `backend:model`; empty where it is not known yet."""
        return str(self.meta.get("model") or "")

    @property
    def ended(self) -> bool:
        """Whether the last event has come."""
        return self.finish_reason is not None

    def take(self, event: Event) -> str:
        """Take in an event and return the text it brings, which may be empty."""
        match kind(event):
            case "delta":
                self._parts.append(event["delta"])
                self.size += len(event["delta"])
                return str(event["delta"])
            case "meta":
                self.meta = event["meta"]
            case "queued":
                self.position = event["queued"].get("position")
            case "thinking":
                self.position = None
            case "usage":
                self.usage = event["usage"]
            case "done":
                self.finish_reason = event.get("finish_reason") or "stop"
        return ""

    def metadata(self) -> dict[str, Any]:
        """Return what the saved notebook keeps about the answer, so that it can be asked for again.

        Under the key `tether`, each only where there is something to say:

        - `prompt`: the question as it was typed, and `command`: the command that asked (`fix`, `explain`);
        - `model`, as `backend:model`, and `parameters`: what the question or `use` said, the preset's name
          included;
        - `filled`: names of variables whose values took the place of `{name}`; `variables`: names of those
          that went along as `@name`; `context`: kind and name of whatever else did; `attachments`: names of
          files;
        - `see` and `cells`: how much of the notebook the question let the model see; `level`: how much was in
          force; `left_out`: what did not go along, and why; `masked`: kinds of secrets that were taken out;
        - `schema`: the JSON schema that the answer had to follow; `many`: whether for a list; `repaired`:
          whether it was asked for twice;
        - `conversation_id`, `parent_id` (the message it answers, where that was chosen), `id` of the answer,
          `stored`: false where nothing was kept;
        - `usage` and `finish_reason`, as the server told them, and `version`: Tether's own.

        No value of a variable, no file's content, no address and no token is in it.
        """
        found = {
            "model": self.meta.get("model"),
            "conversation_id": self.meta.get("conversation_id"),
            "id": self.meta.get("id"),
            "finish_reason": self.finish_reason,
            "level": self._seen.get("level"),
            "left_out": self._seen.get("left_out"),
            "masked": self._seen.get("masked"),
            "usage": {name: value for name, value in self.usage.items() if value is not None} or None,
            "version": __version__,
        }
        return {"tether": {**self.record, **{k: v for k, v in found.items() if v is not None}}}

    def status(self, now: float) -> str:
        """Say what is happening before the first word."""
        if self.position is not None:
            return "Waiting, next in line" if self.position <= 1 else f"Waiting, {nth(self.position)} in line"
        if self.loading is not None:
            return f"Loading {self._name() or 'the model'}, {int(self.loading * 100)} %"
        seconds = int(now - self.started)
        return f"{'Thinking' if seconds <= LONG_WAIT else 'Still thinking'}, {seconds} s"

    def notes(self) -> list[str]:
        """Return what is to be told of the context: what was left out, and what was masked."""
        left = [
            f"{each.get('kind')} {each.get('name')} ({each.get('why')})".replace("  ", " ")
            for each in self._seen.get("left_out") or []
        ]
        more = f" and {len(left) - MOST_TOLD} more" if len(left) > MOST_TOLD else ""
        masked = ", ".join(
            f"{each.get('count')} × {each.get('kind')}" for each in self._seen.get("masked") or []
        )
        told = [
            f"Left out: {', '.join(left[:MOST_TOLD])}{more}." if left else "",
            f"Masked, because it looks secret: {masked}." if masked else "",
            self.notice or "",
        ]
        return [line for line in told if line]

    @property
    def _seen(self) -> dict[str, Any]:
        return self.meta.get("context") or {}

    def quiet_line(self) -> str:
        """Return the line under the answer: who wrote it, where, how much, how fast, how it ended."""
        tokens = self.usage.get("completion_tokens")
        speed = self.usage.get("tokens_per_s")
        endings = {"length": "cut at the length limit", "cancelled": "stopped"}
        parts = [
            "demo model" if self.demo else self._name(),
            self.place,
            f"{tokens:,} token{'' if tokens == 1 else 's'}" if isinstance(tokens, int) else None,
            f"{speed:.0f}/s" if isinstance(speed, (int, float)) else None,
            self.outcome or endings.get(self.finish_reason or ""),
            self.result,
        ]
        return " · ".join(" ".join(str(part).split())[:80] for part in parts if part)

    def _name(self) -> str:
        return self.name or self.label.partition(":")[2] or self.label


def nth(number: int) -> str:
    """Return an ordinal: 1st, 2nd, 11th."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def emphasised(line: str) -> str:
    """Return a line as Markdown in italics, with every sign in it meaning itself."""
    return "*" + re.sub(r"([\\`*_\[\]<>!$~|&])", r"\\\1", line) + "*"
