"""What a model thinks before it answers, told apart from its answer.

Two ways are known. Most models that think write their thoughts first, between two marks such as
`<think>…</think>`, and some templates write the first mark for them. OpenAI's open models speak in channels,
by control tokens: `<|channel|>analysis<|message|>…<|end|>`, and `final` for the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Literal

PAIRS = {
    "<think>": "</think>",
    "[THINK]": "[/THINK]",  # Magistral
    "<|channel>thought": "<channel|>",  # Gemma 4
}
"""What a thought stands between."""
MARKS = ("<think>", "</think>", "[THINK]", "[/THINK]", "<|channel>", "<channel|>")
"""Those parts of them that are one token where they are control tokens."""
CHANNELS = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>", "<|call|>")

Said = tuple[Literal["delta", "thinking"], str]
State = Literal["start", "thinking", "after", "answer", "heading", "naming", "aside"]


class Thoughts:
    """Tells an answer's text apart.

    Parameters
    ----------
    state:
        `start`: a thought may come first. `thinking`: the prompt has opened it. `answer`: nothing is looked
        for, as in a text that must have a form.
    opening:
        What the prompt has opened it with.
    """

    def __init__(self, state: State = "start", opening: str = "<think>") -> None:
        self.state = state
        self._close = PAIRS[opening]
        self._held = ""
        self._thought = False

    def feed(self, text: str) -> list[Said]:
        """Return what is certain of the text so far."""
        if self.state == "answer":
            return said("delta", text)
        if self.state == "aside":
            return said("thinking", text)
        if self.state == "heading" or not text:
            return []
        text, self._held = self._held + text, ""
        if self.state == "start":
            return self._begin(text)
        if self.state == "thinking":
            return self._think(text)
        if self.state == "after":  # The empty lines between a thought and the answer belong to neither.
            text = text.lstrip()
            self.state = "answer" if text else "after"
            return said("delta", text)
        self._held = text  # A channel's name, until its message begins.
        return []

    def mark(self, token: str) -> list[Said]:
        """Take a control token."""
        if token in MARKS:
            return self.feed(token) if self.state in ("start", "thinking") else []
        before = said("delta", self._held) if self.state == "start" else []
        name, self._held = self._held.strip(), ""
        if token == "<|channel|>":  # noqa: S105 - a token of a model
            self.state = "naming"
        elif token == "<|message|>":  # noqa: S105
            self.state = "answer" if name.startswith("final") or not name else "aside"
        else:
            self.state = "heading"
        return before

    def finish(self) -> list[Said]:
        """Return what was held back, for an answer that ended by itself."""
        held, self._held = self._held, ""
        if self.state == "start":
            return said("delta", held)
        return said("thinking", held.rstrip()) if self.state == "thinking" else []

    def _begin(self, text: str) -> list[Said]:
        start = text.lstrip()
        if opening := opened(start):
            self.state, self._close = "thinking", PAIRS[opening]
            return self._think(start[len(opening) :])
        if any(opening.startswith(start) for opening in PAIRS):
            self._held = text
            return []
        self.state = "answer"
        return said("delta", text)

    def _think(self, text: str) -> list[Said]:
        # The empty lines around a thought are none of it.
        text = text if self._thought else text.lstrip()
        thought, closed, rest = text.partition(self._close)
        if not closed:
            thought = text[: len(text) - beginning(text, self._close)]
        thought = thought.rstrip()
        self._thought = self._thought or bool(thought)
        if not closed:
            self._held = text[len(thought) :]
            return said("thinking", thought)
        self.state = "after"
        return said("thinking", thought) + self.feed(rest)


def opened(text: str) -> str:
    """Return what a text opens a thought with at its beginning; nothing where it does not."""
    return next((opening for opening in PAIRS if text.startswith(opening)), "")


def left_open(text: str) -> str:
    """Return what a text opens a thought with at its end; nothing where it does not."""
    text = text.rstrip()
    return next((opening for opening in PAIRS if text.endswith(opening)), "")


def beginning(text: str, stop: str) -> int:
    """Return how many of the last characters of `text` are the first ones of `stop`."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def said(kind: Literal["delta", "thinking"], text: str) -> list[Said]:
    """Return a piece, if there is one."""
    return [(kind, text)] if text else []


def together(parts: Iterable[Said]) -> list[Said]:
    """Return as few pieces as there are changes of kind."""
    return [(kind, "".join(text for _, text in some)) for kind, some in groupby(parts, itemgetter(0))]
