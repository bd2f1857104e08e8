"""What a request may ask of the local model, checked before a model is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from tether_jupyter.core.prompt import Message, Sampling, text_of
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local import limits, pipe

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


async def figures(sampling: Sampling) -> dict[str, Any]:
    """Return the figures as `checked` does; beside the loop where a schema is to be read."""
    if sampling.response_format is None:
        return checked(sampling)
    return await asyncio.to_thread(checked, sampling)


def checked(sampling: Sampling) -> dict[str, Any]:
    """Return the figures as the pipe takes them, so that a bad one is refused before a model is loaded.

    Raises
    ------
    InvalidRequest
        A figure or a schema is one that the worker would refuse, or is no JSON.
    """
    figures = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    try:
        asked = limits.checked(figures).response_format
        if asked is not None:
            # Beside the loop, see above: what reads schemas is large.
            from tether_jupyter.llm.local import constraint

            constraint.check(asked)
        pipe.encode(figures)
    except (ValueError, TypeError, RecursionError) as reason:
        raise InvalidRequest("The request holds a figure or a schema that is no JSON.") from reason
    return figures


def plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages whose content is text, as chat templates take it.

    Raises
    ------
    InvalidRequest
        There is none, or one has a role that models do not know, or holds what is no text.
    """
    if not messages:
        raise InvalidRequest("There is no message to answer.")
    texts = []
    for message in messages:
        role, content = ROLES.get(str(message["role"])), message["content"]
        if role is None:
            raise InvalidRequest("A message's role must be `system`, `user`, `assistant` or `tool`.")
        if not isinstance(content, str):
            parts = content if isinstance(content, list) else []
            if any(not isinstance(part, dict) or part.get("type", "text") != "text" for part in parts):
                raise InvalidRequest(
                    "This model reads text only: it cannot see images or other files. "
                    "Leave them out, or choose a model that sees."
                )
        texts.append({"role": role, "content": text_of(content)})
    return texts
