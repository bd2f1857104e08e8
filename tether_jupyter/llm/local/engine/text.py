"""From a model's bytes to text that may be shown."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from tether_jupyter.llm.thoughts import beginning


class TextStream:
    """Turn pieces of bytes into whole code points, and end before a stop text without leaking any of it.

    Parameters
    ----------
    stop:
        Texts at which the answer ends; none of them is empty.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.stop = tuple(stop)
        self.stopped = False
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""

    def feed(self, piece: bytes) -> str:
        """Return the text that is certain now, which may be empty. After a stop text: nothing."""
        if self.stopped:
            return ""
        return self._release(self._decode(piece))

    def finish(self) -> str:
        """Return what was held back, for an answer that ended by itself."""
        if self.stopped:
            return ""
        text = self._release(self._decode(b"", True))
        held, self._held = self._held, ""
        return text + held

    def _release(self, text: str) -> str:
        """Return the held text and the new, but for what may be the beginning of a stop text."""
        if not self.stop:
            return text
        text = self._held + text
        places = [place for stop in self.stop if (place := text.find(stop)) >= 0]
        if places:
            self.stopped, self._held = True, ""
            return text[: min(places)]
        keep = max(beginning(text, stop) for stop in self.stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]
