"""Hugging Face, or a mirror of it: what a repository holds, and its files' bytes.

The token goes to the hub's own address and nowhere else: a file's bytes come from another host, behind a
redirect. Nothing is read without a limit.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from tether_jupyter.core.redact import safe
from tether_jupyter.errors import (
    InvalidRequest,
    ModelNotReady,
    NotFound,
    RateLimited,
    TetherError,
    UpstreamError,
)
from tether_jupyter.llm.models.choice import FILE, HubFile
from tether_jupyter.llm.models.proxy import is_loopback, proxy_for, refused
from tether_jupyter.llm.models.retry import Interrupted
from tether_jupyter.llm.refusals import KeyRefused

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

MISSING = (
    'aiohttp, which pulls models, is not installed here: `pip install "tether-jupyter[local]"`, then restart '
    "Jupyter."
)
CONNECT_SECONDS = 15.0
READ_SECONDS = 30.0
MAX_REDIRECTS = 5
MAX_JSON = 32 * 2**20
MAX_REFUSAL = 64 * 2**10
MAX_HEADER = 32 * 2**10
MAX_PAGES = 100
SUM = re.compile(r"[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40,64}")
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a repository holds at one commit."""

    repo: str
    commit: str
    files: tuple[HubFile, ...]
    license: str | None


@dataclass(frozen=True)
class Hub:
    """Where models are pulled from.

    Parameters
    ----------
    endpoint:
        Its address, such as `https://huggingface.co`.
    token:
        What it knows us by; blank for nobody.
    """

    endpoint: str
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Check the address.

        Raises
        ------
        InvalidRequest
            It is none.
        """
        try:
            parts = urlsplit(self.endpoint)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable, parts = False, urlsplit("")
        if not usable or parts.query or parts.fragment or parts.username:
            raise InvalidRequest(
                "`LocalLLM.hub_endpoint` (HF_ENDPOINT) must be an address such as https://huggingface.co, "
                "without a name, a password or a query."
            )
        object.__setattr__(self, "endpoint", self.endpoint.rstrip("/"))

    @property
    def host(self) -> str:
        """The hub's name, for messages."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def tells_token(self) -> bool:
        """Whether the token may go out: over an encrypted connection, or one that stays on this machine."""
        return bool(self.token) and (urlsplit(self.endpoint).scheme == "https" or is_loopback(self.host))

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Open what requests to the hub go through, and close it.

        Raises
        ------
        ModelNotReady
            The package that does it is not installed.
        InvalidRequest
            The token is none that a header takes.
        """
        if self.tells_token and not (self.token.isascii() and self.token.isprintable()):
            raise InvalidRequest(
                "The token in HF_TOKEN holds characters that no token has, such as … or a line break. "
                "Copy it anew, then restart Jupyter."
            )
        # The first import takes a fifth of a second: not on the event loop.
        try:
            aiohttp = await asyncio.to_thread(import_module, "aiohttp")
        except ImportError:
            raise ModelNotReady(MISSING) from None

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
        async with aiohttp.ClientSession(
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            # A sum is of the bytes as they are, and `.netrc` is nobody's business here.
            auto_decompress=False,
            trust_env=False,
            # What waits to be read when a connection breaks is lost.
            read_bufsize=2**17,
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
        ) as session:
            yield Connection(self, session)


class Connection:
    """Requests to a hub."""

    def __init__(self, hub: Hub, session: aiohttp.ClientSession) -> None:
        self.hub = hub
        self.session = session

    async def listing(self, repo: str) -> Listing:
        """Return what a repository holds.

        Raises
        ------
        NotFound, UpstreamError, RateLimited
            The hub says no, in one way or another.
        Interrupted
            It may answer the next time.
        """
        found = await self._json(f"{self.hub.endpoint}/api/models/{repo}?blobs=true", f"the model {repo}")
        if not isinstance(found, dict) or not isinstance(found.get("siblings"), list):
            raise self._strange()
        commit = found.get("sha")
        commit = commit if isinstance(commit, str) and COMMIT.fullmatch(commit) else "main"
        files = [file for raw in found["siblings"] if (file := read_file(raw, "rfilename"))]
        if any(file.sha256 is None for file in files if file.path.lower().endswith(".gguf")):
            # A mirror may not know `blobs`.
            files = await self._tree(repo, commit)
        return Listing(repo, commit, tuple(files), license_of(found))

    async def _tree(self, repo: str, commit: str) -> list[HubFile]:
        """Return a repository's files from the hub's other list of them, which comes in pages."""
        files: list[HubFile] = []
        address: str | None = f"{self.hub.endpoint}/api/models/{repo}/tree/{commit}?recursive=true"
        for _ in range(MAX_PAGES):
            async with self.open(address or "", f"the model {repo}") as response:
                page = await self._read_json(response)
                following = response.links["next"]["url"] if "next" in response.links else None
            if not isinstance(page, list):
                raise self._strange()
            files += [file for raw in page if (file := read_file(raw, "path"))]
            if following is None:
                return files
            address = str(following)
        raise self._strange()

    def address(self, repo: str, commit: str, path: str) -> str:
        """Return where a file's bytes are, at one commit: a change on the hub changes nothing under way."""
        return f"{self.hub.endpoint}/{repo}/resolve/{commit}/{quote(path)}"

    @asynccontextmanager
    async def open(
        self, address: str, what: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request, follow where it leads, and yield an answer with status 200, 206 or 416.

        Raises
        ------
        NotFound, UpstreamError, RateLimited
            The hub says no, or leads where nobody should follow.
        Interrupted
            It may go well the next time: from here, or while the answer is read.
        """
        import aiohttp

        url = self._url(address)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                sent = {"Accept-Encoding": "identity", "User-Agent": "tether", **(headers or {})}
                ours = same_origin(url, self._url(self.hub.endpoint))
                if ours and self.hub.tells_token:
                    sent["Authorization"] = f"Bearer {self.hub.token}"
                async with self.session.get(
                    url, headers=sent, allow_redirects=False, proxy=proxy_for(url)
                ) as response:
                    if response.status in REDIRECTS:
                        url = self._following(url, response.headers.get("Location", ""))
                        continue
                    if response.status not in (200, 206, 416):
                        raise await self._refusal(response, what, ours=ours)
                    yield response
                    return
            raise UpstreamError(f"{self.hub.host} leads in circles. Check HF_ENDPOINT.")
        except aiohttp.ClientSSLError as reason:
            raise UpstreamError(
                f"The certificate of {url.host} is not valid here ({type(reason).__name__}). "
                "Check HF_ENDPOINT; for a company's own certificates set SSL_CERT_FILE."
            ) from None
        except aiohttp.InvalidURL:
            raise self._nowhere() from None
        except aiohttp.ClientConnectorError:
            away = f"{url.host} cannot be reached. Check the network, HTTPS_PROXY and HF_ENDPOINT."
            raise Interrupted(UpstreamError(away)) from None
        except aiohttp.ClientHttpProxyError as reason:
            raise refused(url, reason.status) from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            raise Interrupted(UpstreamError(f"The connection to {url.host} broke. Try again.")) from None

    def _url(self, address: str, base: URL | None = None) -> URL:
        """Return an address as it stands: a signature in it must not be written differently."""
        from yarl import URL

        try:
            url = URL(address, encoded=True)
            return base.join(url) if base else url
        except ValueError:
            raise self._nowhere() from None

    def _nowhere(self) -> TetherError:
        return UpstreamError(f"{self.hub.host} leads to an address that is none. Check HF_ENDPOINT.")

    def _following(self, url: URL, location: str) -> URL:
        """Return where a redirect leads, if that is no worse a place."""
        target, endpoint = self._url(location, url), self._url(self.hub.endpoint)
        plain = endpoint.scheme == "http" and target.scheme == "http"
        stays = same_origin(target, endpoint) or (
            is_loopback(endpoint.host or "") and is_loopback(target.host or "")
        )
        if target.scheme != "https" and not (plain and stays):
            raise UpstreamError(
                f"{url.host} leads to an address that is not encrypted, which is not followed. "
                "Check HF_ENDPOINT."
            )
        # Userinfo in an address would be sent as a password.
        return target.with_user(None)

    async def _json(self, address: str, what: str) -> Any:
        async with self.open(address, what) as response:
            return await self._read_json(response)

    async def _read_json(self, response: aiohttp.ClientResponse) -> Any:
        data = await read_at_most(response, MAX_JSON)
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self._strange() from None

    def _strange(self) -> TetherError:
        return UpstreamError(
            f"{self.hub.host} does not answer as a hub does. Check HF_ENDPOINT, or try again later."
        )

    async def _refusal(
        self, response: aiohttp.ClientResponse, what: str, *, ours: bool
    ) -> TetherError | Interrupted:
        """Return what a refusal means."""
        status, code = response.status, response.headers.get("X-Error-Code", "")
        host = response.url.host
        if status == 407 and proxy_for(response.url):
            return refused(response.url, status)
        said = await self._said(response)
        quoted = f" It says: {said}" if said else ""
        if status == 429 or status == 408 or status >= 500:
            wait = retry_after(response.headers.get("Retry-After", ""))
            if status == 429:
                return Interrupted(RateLimited(f"{host} has had too many requests. Try later."), wait)
            return Interrupted(UpstreamError(f"{host} failed ({status}). Try again later.{quoted}"), wait)
        if not ours:
            return UpstreamError(f"{host} does not hand out {what} ({status}). Try again.")
        if status == 404 or code in ("EntryNotFound", "RevisionNotFound"):
            return NotFound(f"{host} does not have {what}. Check the name.")
        if code == "GatedRepo" or status == 403:
            return KeyRefused(
                f"{host} gives {what} only to those who have accepted its terms. Accept them on its page, "
                f"and set HF_TOKEN to a token of that account.{quoted}"
            )
        if status == 401:
            # For a stranger the hub calls a private repository and one that is not there by one name.
            if self.hub.token and not self.hub.tells_token:
                advice = "HF_TOKEN is not sent to it, because its address is not encrypted."
            elif self.hub.token:
                advice = "Check the name, and what the token in HF_TOKEN may do."
            else:
                advice = "Check the name; for a private model set HF_TOKEN."
            return KeyRefused(f"{host} does not show {what}. {advice}")
        return UpstreamError(f"{host} refused {what} ({status}).{quoted}")

    async def _said(self, response: aiohttp.ClientResponse) -> str:
        """Return what a refusal says, safe to show."""
        said = response.headers.get("X-Error-Message", "")
        if not said and "json" in response.headers.get("Content-Type", ""):
            try:
                found = json.loads(await read_at_most(response, MAX_REFUSAL))
            except (ValueError, RecursionError, UpstreamError):
                found = None
            said = str(found.get("error") or "") if isinstance(found, dict) else ""
        return safe(said, secrets=[self.hub.token])


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return a body of at most `limit` bytes.

    Raises
    ------
    UpstreamError
        It is longer.
    """
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise UpstreamError(f"{response.url.host} sends more than it should. Try again later.")
    return bytes(data)


def read_file(raw: Any, key: str) -> HubFile | None:
    """Return a file from an entry of a hub's list; `None` for a folder, or a name that is no good here."""
    if not isinstance(raw, dict) or raw.get("type", "file") != "file":
        return None
    path, size = raw.get(key), raw.get("size")
    lfs = raw.get("lfs")
    lfs = lfs if isinstance(lfs, dict) else {}
    if not isinstance(path, str) or not FILE.fullmatch(path) or ".." in path:
        return None
    total = lfs.get("sha256") or lfs.get("oid")
    size = lfs.get("size", size)
    return HubFile(
        path,
        size if isinstance(size, int) and size > 0 else 0,
        total if isinstance(total, str) and SUM.fullmatch(total) else None,
    )


def license_of(found: Mapping[str, Any]) -> str | None:
    """Return the licence that a repository names."""
    card, tags = found.get("cardData"), found.get("tags")
    named = card.get("license") if isinstance(card, dict) else None
    if not named and isinstance(tags, list):
        marks = [tag for tag in tags if isinstance(tag, str) and tag.startswith("license:")]
        named = marks[0].removeprefix("license:") if marks else None
    return safe(named, limit=60) if isinstance(named, str) else None


def retry_after(text: str) -> float | None:
    """Return the seconds that a `Retry-After` asks for. A date is left to our own patience."""
    return float(text) if re.fullmatch(r"\d{1,6}", text.strip()) else None


def same_origin(one: URL, other: URL) -> bool:
    """Return whether two addresses are of one server."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
