"""Making a text from elsewhere safe to show: no secret, no control character, not too long."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "•••"

# What keys and tokens look like in the wild. An upstream likes to quote the key that it refuses.
LOOKS_SECRET = re.compile(
    r"""
      \b(?:sk|pk|rk|or|hf|gsk|nvapi|glpat|gh[pousr]|xox[abp])[-_][-_A-Za-z0-9*.]{6,}          # by prefix
    | \b(?-i:AKIA|AIza)[-_A-Za-z0-9]{12,}
    | (?:authorization|x-api-key|api[-_ ]?key|password|passwd|secret)["']?\s*[:=]\s*["']?
      (?:basic\s|bearer\s|token\s)?[^\s"']{4,}                                                # by name
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+                                               # JWT
    | (?<=bearer\ )\S+ | (?<=token\ )[A-Za-z0-9_-]{16,}                                     # by scheme
    | (?<=://)[^/\s@]+@                                                                     # URL userinfo
    | (?<=[?&])(?:[^=\s&]*(?:key|token|secret|code|sig)[^=\s&]*)=[^&\s]+                    # URL query
    """,
    re.VERBOSE | re.IGNORECASE,
)


def safe(text: str, *, secrets: Iterable[str] = (), limit: int = 300) -> str:
    """Return a text without known secrets, what looks like one, or control characters, cut to `limit`."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    text = LOOKS_SECRET.sub(MASK, text[: 8 * limit])
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
