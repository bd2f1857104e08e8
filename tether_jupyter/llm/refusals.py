"""What an API's refusal means, in words that say what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from tether_jupyter.core.redact import safe
from tether_jupyter.errors import (
    ContextOverflow,
    InvalidRequest,
    NotFound,
    RateLimited,
    TetherError,
    TooLarge,
    UpstreamError,
    UpstreamTimeout,
)

CHECK_URL = "Check OPENAI_BASE_URL: http or https, and it usually ends in /v1."
TOO_LONG = re.compile(
    r"context_length|maximum (?:context|(?:prompt|model) length)|exceeds? (?:the )?(?:available )?context"
    r"|input token count|prompt is too long",
    re.IGNORECASE,
)


def refusal(
    status: int, body: str, who: str, model: str, secrets: Iterable[str], key: str = "OPENAI_API_KEY"
) -> TetherError:
    """Return the error that an API's refusal becomes.

    Parameters
    ----------
    status:
        The HTTP status, or 0 for an error inside a stream.
    body:
        The beginning of what it sent.
    who:
        The API's host, for the message.
    secrets:
        What must not be quoted even if the API quotes it.
    key:
        The variable that holds the key.
    """
    said = safe(message_of(body), secrets=secrets)
    quoted = f" It says: {said}" if said else ""
    if status in (0, 400, 413, 422) and is_too_long(body):
        return ContextOverflow(f"The question and its context are too long for the model.{quoted}")
    match status:
        case 401:
            return KeyRefused(f"{who} refused the key. Check {key}: it is read when Jupyter starts.")
        case 403:
            return KeyRefused(f"{who} does not allow this. Check what the key in {key} may do.{quoted}")
        case 404 if model and model in body:
            return NotFound(
                f"{who} does not know the model `{safe(model, limit=100)}`. Choose one that it has (in a "
                f"cell with -m), or set TETHER_OPENAI_MODEL to one before Jupyter starts.{quoted}"
            )
        case 404 | 405:
            return NotFound(f"{who} has nothing at that address. {CHECK_URL}")
        case _ if 300 <= status < 400:
            return UpstreamError(f"{who} points elsewhere ({status}), which is not followed. {CHECK_URL}")
        case 400 | 422:
            return InvalidRequest(f"{who} did not accept the request.{quoted}")
        case 408 | 504:
            return UpstreamTimeout(f"{who} did not answer in time. Try again.")
        case 413:
            return TooLarge(f"{who} says that the request is too large. Send less.")
        case 429:
            return RateLimited(f"{who} has too much to do, or the quota is used up. Try again later.{quoted}")
        case _:
            return UpstreamError(f"{who} failed{f' ({status})' if status else ''}. Try again.{quoted}")


class KeyRefused(UpstreamError):
    """The API does not accept the key: asking again would not help."""

    retryable = False


def message_of(body: str) -> str:
    """Return the message in an error body: OpenAI's form, the forms of others, or nothing."""
    found = unwrapped(body) or {}
    for said in (found.get("message"), found.get("detail"), found.get("error")):
        if said and isinstance(said, str):
            return said
    return "; ".join(f"{place}: {said}" if place else said for place, said in details(found) if said)


def is_too_long(body: str) -> bool:
    """Return whether a refusal is about length: not whether a question is, which its body may echo."""
    found, said = unwrapped(body) or {}, message_of(body)
    about = [said, *(str(found.get(key)) for key in ("code", "type", "metadata"))]
    return TOO_LONG.search(" ".join(about) if said else body) is not None


def unwrapped(body: str) -> dict[str, Any] | None:
    """Return the part of an error body that says what was wrong, whatever an API wraps it in.

    `None` where the body is no JSON; empty where it says nothing that is known.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list) and len(found) == 1:  # Gemini
        found = found[0]
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    if isinstance(found, dict) and isinstance(found.get("message"), dict):  # Mistral
        found = {**found, "message": None, **found["message"]}
    return found if isinstance(found, dict) else {}


def details(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the field and the words of each complaint in a validator's list; either may be empty."""
    lists = (found[key] for key in ("detail", "message") if isinstance(found.get(key), list))
    told = []
    for each in next(lists, []):
        if isinstance(each, dict):
            place, said = each.get("loc"), each.get("msg")
            field = str(place[-1]) if isinstance(place, list) and place else ""
            told.append((field, said if isinstance(said, str) else ""))
    return told


# What a request can do without: a server that does not know one of these is asked again without it.
OPTIONAL = ("stream_options", "seed", "top_p", "stop", "temperature", "max_tokens", "max_completion_tokens")
UNKNOWN = re.compile(
    r"unknown|unsupported|unrecogni[sz]ed|unexpected|extra (?:field|input)"
    r"|not (?:supported|permitted|allowed)",
    re.IGNORECASE,
)


def not_taken(status: int, body: str, request: dict[str, Any]) -> str | None:
    """Return the field that a server refused because it does not take it, if that is what happened."""
    if status not in (400, 422) or not UNKNOWN.search(body):
        return None
    blamed = blame(body)
    named = [name for name in OPTIONAL if name in request and re.search(rf"\b{name}\b", blamed)]
    return named[0] if named else None


def blame(body: str) -> str:
    """Return the part of a refusal that names the field at fault: never the request that it echoes."""
    found = unwrapped(body)
    if found is None:
        return " ".join(re.findall(r"[\"'`][\w.]+[\"'`]", body[:500]))
    if isinstance(found.get("param"), str):
        return str(found["param"])
    if told := details(found):
        return " ".join(field for field, _ in told)
    return " ".join(re.findall(r"[\"'`][\w.]+[\"'`]", message_of(body)))


def leave_out(request: dict[str, Any], name: str) -> None:
    """Take a field out of a request; the limit on the answer's length goes on under its other name."""
    value = request.pop(name, None)
    if name == "max_tokens" and value is not None:
        request["max_completion_tokens"] = value
