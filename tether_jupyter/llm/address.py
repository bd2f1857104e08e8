"""Where an API is: an address as somebody wrote it, and whether it is one."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

OPENAI = "https://api.openai.com/v1"
OPENROUTER = "https://openrouter.ai/api/v1"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MISSPELT = re.compile(r"https?[:/]", re.IGNORECASE)
"""How an address begins that was meant to have a scheme."""
NONE = (
    "OPENAI_BASE_URL holds no address: one looks like http://localhost:11434/v1. "
    "Correct it, then restart Jupyter."
)


def whole(address: str) -> str:
    """Return an address with a scheme: a key goes in the clear only to what is near.

    Near is a name of this network, or an address with a port, as a server of one's own has.
    """
    if not address or "://" in address or MISSPELT.match(address):
        return address
    try:
        found = urlsplit(f"//{address}")
    except ValueError:
        return address
    near = "." not in (found.hostname or "") or found.hostname in LOOPBACK or ":" in found.netloc
    return f"{'http' if near else 'https'}://{address}"


def host_of(address: str) -> str:
    """Return the name of the machine that an address leads to; empty where it leads nowhere."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def leads_somewhere(address: str) -> bool:
    """Return whether a whole address can be one, as well as can be told without the transport."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and address.isprintable() and " " not in parts.netloc
