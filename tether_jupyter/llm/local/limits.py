"""What a request may ask of the samplers: checked in the server, and once more in the worker."""

from __future__ import annotations

import math
from typing import Any

from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import InvalidRequest

TOP_P = 0.95
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
    return Sampling(temperature, max_tokens, top_p, stop, seed, fields.get("response_format"))


def number(value: Any, name: str, default: float) -> float:
    """Return a finite number, or the default where there is none."""
    if value is None:
        return default
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidRequest(f"`{name}` must be a number.")
    return float(value)
