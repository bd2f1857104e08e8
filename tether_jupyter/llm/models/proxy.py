"""The proxy between here and a hub: which one it is, and what its refusal means."""

from __future__ import annotations

import ipaddress
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tether_jupyter.errors import TetherError, UpstreamError
from tether_jupyter.llm.models.retry import Interrupted

if TYPE_CHECKING:
    from yarl import URL


class ProxyRefused(UpstreamError):
    """A proxy lets nothing through: asking again would not help."""

    retryable = False


def is_loopback(host: str) -> bool:
    """Return whether a host's name means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_for(url: URL) -> str | None:
    """Return the proxy that the environment names for an address."""
    host = url.host or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    found = urllib.request.getproxies().get(url.scheme)
    # Many write it without a scheme, as curl takes it.
    return f"http://{found}" if found and "://" not in found else found


def refused(url: URL, status: int) -> TetherError | Interrupted:
    """Return what it means that the proxy for an address answers instead of letting a request through."""
    # What stands before the @ is a name and a password.
    where = urlsplit(proxy_for(url) or "").netloc.rpartition("@")[2]
    if status in (408, 429) or status >= 500:
        away = f"The proxy {where} does not reach {url.host} ({status})."
        return Interrupted(UpstreamError(f"{away} Try again later, or ask whoever runs it."))
    if status == 407:
        return ProxyRefused(
            f"The proxy {where} wants a name and a password that it knows ({status}). Set "
            f"{url.scheme.upper()}_PROXY to http://NAME:PASSWORD@{where}."
        )
    return ProxyRefused(
        f"The proxy {where} does not let anybody through to {url.host} ({status}). Ask whoever runs it, or "
        "set HF_ENDPOINT to a mirror that it lets through."
    )
