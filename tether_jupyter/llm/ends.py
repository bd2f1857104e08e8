"""The ends of a conversation that an API is asked with: all of it, and ever less while that is too long.

Only the API can count its own tokens. So they are guessed, and its refusal says when the guess was too low.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tether_jupyter.core.prompt import Message, shrink, text_of
from tether_jupyter.llm.service import guess

SHARES = (0.75, 0.5, 0.25, 0.125, 0.0)
"""How much of the past each further try keeps: a little less may do, and a few tries must."""
SHARE = 4
"""A quarter of the window is kept for the answer, unless another length is asked for."""
AROUND = 4  # tokens that a chat format puts around a message
IMAGE = 1000  # tokens of an image: few models take more, and most count one alike whatever its size


def ends(
    messages: Sequence[Message], window: int | None = None, max_tokens: int | None = None
) -> Iterator[list[Message]]:
    """Yield what to ask, then what to ask instead where that was too long; the last is the question alone.

    Parameters
    ----------
    messages:
        Oldest first; the last one is the question.
    window:
        Tokens of prompt and answer together, where they are known.
    max_tokens:
        The longest answer asked for.
    """
    kept = list(messages)
    if window is not None:
        # Many APIs insist on room for the whole answer; an endless one must not take the question's.
        room = min(max_tokens, window // 2) if max_tokens else window // SHARE
        kept = end(kept, window - room)
    yield kept
    least, most = tokens(end(kept, 0)), tokens(kept)
    for share in SHARES:
        shorter = end(kept, least + int(share * (most - least)))
        if len(shorter) < len(kept):
            kept = shorter
            yield kept


def end(messages: Sequence[Message], most: int) -> list[Message]:
    """Return the longest end of a conversation with at most so many tokens, or else the question alone.

    `shrink` alone would take a step an exchange, each as long as the conversation: seconds for a long one.
    """
    system = [m for m in messages[:-1] if m["role"] == "system"]
    past = [m for m in messages[:-1] if m["role"] != "system"]
    room = most - tokens([*system, messages[-1]])
    first = len(past)
    while first and (room := room - tokens([past[first - 1]])) >= 0:
        first -= 1
    if first == 0:
        return list(messages)
    return shrink([*system, *past[first - 1 :], messages[-1]]) or [*system, messages[-1]]


def tokens(messages: Iterable[Message]) -> int:
    """Return about how many tokens messages have."""
    return sum(AROUND + guess(text_of(m["content"])) + IMAGE * images(m) for m in messages)


def images(message: Message) -> int:
    """Return how many images a message has."""
    content = message["content"]
    if isinstance(content, str) or not isinstance(content, Iterable):
        return 0
    return sum(isinstance(part, dict) and part.get("type") == "image_url" for part in content)
