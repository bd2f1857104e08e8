"""What a request may ask of the samplers: checked in the server, and once more in the worker."""

from __future__ import annotations

import math
from typing import Any

from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import InvalidRequest

TOP_P = 0.95
TOP_K = 40
MIN_P = 0.05
MAX_TOP_K = 100_000
MAX_REPEAT_PENALTY = 10.0
MAX_PENALTY = 100.0
MAX_BIASES = 1024
MAX_TEMPERATURE = 100.0
MAX_STOPS = 16
MAX_STOP_LENGTH = 1024


def checked(fields: dict[str, Any]) -> Sampling:
    """Return the sampling that a message asks for.

    Raises
    ------
    InvalidRequest
        A figure that no sampler can work with.
    """
    temperature = number(fields.get("temperature"), "temperature", 0.7)
    if not 0 <= temperature <= MAX_TEMPERATURE:
        raise InvalidRequest(f"`temperature` must lie between 0 and {MAX_TEMPERATURE:g}.")
    top_p = number(fields.get("top_p"), "top_p", TOP_P)
    if not 0 < top_p <= 1:
        raise InvalidRequest("`top_p` must be above 0 and at most 1.")
    max_tokens, seed = fields.get("max_tokens"), fields.get("seed")
    if max_tokens is not None and (not isinstance(max_tokens, int) or max_tokens < 1):
        raise InvalidRequest("`max_tokens` must be a whole number from 1 on.")
    if seed is not None and not isinstance(seed, int):
        raise InvalidRequest("`seed` must be a whole number.")
    stop = tuple(text for text in fields.get("stop") or () if text)
    if len(stop) > MAX_STOPS or any(not isinstance(s, str) or len(s) > MAX_STOP_LENGTH for s in stop):
        raise InvalidRequest(f"`stop` takes up to {MAX_STOPS} texts of up to {MAX_STOP_LENGTH} characters.")
    return Sampling(
        temperature,
        max_tokens,
        top_p,
        stop,
        seed,
        fields.get("response_format"),
        top_k=whole(fields.get("top_k"), "top_k", MAX_TOP_K),
        min_p=within(fields.get("min_p"), "min_p", 0.0, 1.0),
        presence_penalty=within(
            fields.get("presence_penalty"), "presence_penalty", -MAX_PENALTY, MAX_PENALTY
        ),
        frequency_penalty=within(
            fields.get("frequency_penalty"), "frequency_penalty", -MAX_PENALTY, MAX_PENALTY
        ),
        repeat_penalty=within(fields.get("repeat_penalty"), "repeat_penalty", 0.01, MAX_REPEAT_PENALTY),
        logit_bias=biases(fields.get("logit_bias")),
    )


def whole(value: Any, name: str, most: int) -> int | None:
    """Return a whole number from 1 on, or `None` where there is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidRequest(f"`{name}` must be a whole number from 1 to {most}.")
    return value


def within(value: Any, name: str, least: float, most: float) -> float | None:
    """Return a number between two others, or `None` where there is none."""
    if value is None:
        return None
    found = number(value, name, 0.0)
    if not least <= found <= most:
        raise InvalidRequest(f"`{name}` must lie between {least:g} and {most:g}.")
    return found


def biases(value: Any) -> dict[str, float] | None:
    """Return what is added to the logits of tokens, by the token's number as text."""
    if not value:
        return None
    if not isinstance(value, dict) or len(value) > MAX_BIASES:
        raise InvalidRequest(f"`logit_bias` must map up to {MAX_BIASES} token numbers to figures.")
    found: dict[str, float] = {}
    for token, figure in value.items():
        if not (isinstance(token, str) and token.isdecimal() and len(token) < 10):
            raise InvalidRequest('`logit_bias` must map token numbers, such as `"42"`, to figures.')
        found[token] = within(figure, "logit_bias", -MAX_PENALTY, MAX_PENALTY) or 0.0
    return found


def number(value: Any, name: str, default: float) -> float:
    """Return a finite number, or the default where there is none."""
    if value is None:
        return default
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidRequest(f"`{name}` must be a number.")
    return float(value)
