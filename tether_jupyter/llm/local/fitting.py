"""Make a conversation fit into the context: drop its oldest exchanges, or say by how much it is too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tether_jupyter.core.prompt import Message, shrink
from tether_jupyter.errors import ContextOverflow
from tether_jupyter.llm.local.gguf import Header

SHARE = 4
"""A quarter of the context is kept for the answer, unless a shorter one is asked for."""

Conversation = list[Message]


def reserved(max_tokens: int | None, context_length: int) -> int:
    """Return the tokens of a context that are kept free for the answer."""
    return min(max_tokens or context_length, context_length // SHARE)


def kept_free(most: int, window: int, header: Header | None, demo: bool) -> int:
    """Return the tokens of a window that a question with all that goes along must leave.

    Parameters
    ----------
    most:
        Tokens that the answer may have; 0 for as many as there is room for.
    header:
        What the model's file says, which may know a shorter limit.
    demo:
        Whether it is the demo model, whose template puts marks before names.
    """
    own = header.max_tokens if header else None
    answer = min(filter(None, (most, own)), default=0)
    return reserved(answer, window) + (window // SHARE if demo else 0)


def fit(
    messages: Sequence[Message],
    *,
    tokens_of: Callable[[Conversation], list[int]],
    at_least: Callable[[Conversation], int],
    context_length: int,
    max_tokens: int | None,
) -> list[int]:
    """Return the tokens of the longest end of a conversation that leaves room for the answer.

    Parameters
    ----------
    tokens_of:
        Renders and tokenises messages.
    at_least:
        Says cheaply how many tokens messages have in any case, so that megabytes are not tokenised in vain.
    context_length:
        Tokens of prompt and answer together.
    max_tokens:
        The longest answer asked for.

    Raises
    ------
    ContextOverflow
        The question alone is too long. Nothing was computed.
    """
    most = context_length - max(reserved(max_tokens, context_length), 1)
    choices = [list(messages)]
    while shorter := shrink(choices[-1]):
        choices.append(shorter)
    low, high = 0, len(choices) - 1
    found: list[int] | None = None
    while low < high:  # The first choice that fits, of choices that get ever shorter.
        middle = (low + high) // 2
        tokens = tokens_of(choices[middle]) if at_least(choices[middle]) <= most else None
        if tokens is not None and len(tokens) <= most:
            found, high = tokens, middle
        else:
            low = middle + 1
    if found is not None:
        return found
    question = choices[-1]
    count = at_least(question)
    certain = count > most
    if not certain:
        found = tokens_of(question)
        if len(found) <= most:
            return found
        count = len(found)
    raise ContextOverflow(
        f"With all that goes along, the question has {'at least ' if certain else ''}{count} tokens; "
        f"the model reads {most}. Shorten it by {count - most}.",
        hint=f"The context holds {context_length} tokens; {context_length - most} are for the answer. "
        "Send less along; or raise `LocalLLM.context_length` (`TETHER_CONTEXT_LENGTH`), where the model was "
        "made for more; or ask another model.",
    )
