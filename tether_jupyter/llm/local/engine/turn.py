"""One answer under way in the engine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tether_jupyter.llm.local.engine.lookup import Lookup
    from tether_jupyter.llm.local.engine.sampling import Sampler
    from tether_jupyter.llm.local.engine.slots import Slot
    from tether_jupyter.llm.local.engine.text import TextStream
    from tether_jupyter.llm.thoughts import Thoughts

Tokens = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(eq=False, slots=True)
class Job:
    """A request as it came over the pipe. `cancelled` is set by the thread that reads, and read by all.

    Parameters
    ----------
    caller:
        Who asks: nobody's many requests go before another's first.
    batch:
        Whether nobody waits for this answer: a row of a frame, say.
    low:
        Whether it gives way to people's answers: a completion that nobody asked for.
    """

    id: str
    message: dict[str, Any]
    caller: str = ""
    batch: bool = False
    low: bool = False
    cancelled: bool = False
    came: float = field(default_factory=time.perf_counter)

    @property
    def rank(self) -> int:
        """Who comes first: people, then what gives way to them, then what nobody waits for."""
        return 2 if self.batch else int(self.low)


@dataclass(eq=False, slots=True)
class Turn:
    """A request that is ready to be computed, and how far it has come.

    Parameters
    ----------
    tokens:
        The prompt.
    limit:
        The most tokens of the answer.
    conversation:
        Whose prefix this is; `None` for nobody's.
    fresh:
        Compute the whole prompt: what was computed in other batches is rounded differently, and a seed
        promises the same text.
    lookup:
        Finds drafts in what was said; `None` to compute one token at a time.
    """

    job: Job
    tokens: Tokens
    sampler: Sampler
    text: TextStream
    thoughts: Thoughts
    limit: int
    conversation: str | None = None
    fresh: bool = False
    lookup: Lookup | None = None

    slot: Slot | None = None
    read: int = 0
    """How many tokens of the prompt are in the slot."""
    cached: int = 0
    """How many of them were there before."""
    pending: int | None = None
    """The token that was chosen last and is computed next; `None` while the prompt is being read."""
    copies: bool = True
    """Whether the pending token may be one that is copied."""
    guessed: bool = False
    """Whether the last draft was a guess of `lookup`."""
    count: int = 0
    """Tokens of the answer so far."""
    first: float = 0.0
    position: int = 0
    """The place in the queue that was told last."""

    @property
    def unread(self) -> int:
        """How many tokens of the prompt must still be computed."""
        return len(self.tokens) - self.read

    def usage(self) -> dict[str, Any]:
        """Return the pipe's `usage`. The speed is that of the tokens after the first."""
        seconds = time.perf_counter() - self.first if self.first else 0.0
        speed = (self.count - 1) / seconds if self.count > 1 and seconds > 0 else None
        return {
            "prompt_tokens": len(self.tokens),
            "cached_tokens": self.cached,
            "completion_tokens": self.count,
            "tokens_per_s": speed and round(speed, 1),
        }


NOTHING = {"prompt_tokens": 0, "cached_tokens": 0, "completion_tokens": 0, "tokens_per_s": None}


def as_tokens(tokens: Sequence[int]) -> Tokens:
    """Return tokens as an array."""
    return np.array(tokens, np.int32)


def common(one: Tokens, other: Tokens) -> int:
    """Return how many tokens two sequences begin with alike."""
    length = min(len(one), len(other))
    if not length or one[0] != other[0]:
        return 0
    differ = np.flatnonzero(one[:length] != other[:length])
    return int(differ[0]) if differ.size else length


class Part:
    """What one turn has in a step."""

    __slots__ = ("row", "slot", "tokens", "turn", "wanted")

    def __init__(self, slot: Slot, turn: Turn, tokens: Any, wanted: int, row: int) -> None:
        self.slot, self.turn, self.tokens, self.wanted, self.row = slot, turn, tokens, wanted, row
