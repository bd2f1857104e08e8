"""An API that speaks OpenAI's protocol: the SDK asks, and its raw stream is read here.

The SDK makes an object of every chunk, which costs more than all the rest of the relay. So it builds, signs,
sends and retries the request, over aiohttp, and `Chunks` parses the bytes of the answer.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator
from fnmatch import fnmatchcase
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Message, Prompt, Sampling
from tether_jupyter.errors import (
    ContextOverflow,
    ModelNotReady,
    TetherError,
    UpstreamError,
    UpstreamTimeout,
)
from tether_jupyter.llm import address
from tether_jupyter.llm.address import LOOPBACK, OPENAI, OPENROUTER, host_of
from tether_jupyter.llm.ahead import Ahead
from tether_jupyter.llm.chunks import Chunks
from tether_jupyter.llm.ends import ends
from tether_jupyter.llm.refusals import leave_out, not_taken, refusal
from tether_jupyter.llm.service import LLMService
from tether_jupyter.settings import OpenAILLM, Settings

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import AsyncOpenAI

MISSING = 'openai is not installed here: `pip install "tether-jupyter[openai]"`, then restart Jupyter.'
MAX_CONNECTIONS = 4096
MAX_REFUSAL = 64 * 1024  # bytes of an error that are read
LONGEST_PAUSE = 5.0  # seconds that a refusal may ask to wait before it is passed on instead
CLOCK = 1.0  # seconds between two looks at how long an answer may still take


class OpenAIService(LLMService):
    """Answers through an API.

    Parameters
    ----------
    options:
        Where it is and how long to wait.
    api_key:
        The key; blank for a server that wants none.
    base_url:
        Where the API is.
    key_name:
        The variable that the key came from, for messages.
    """

    service_type = "openai"
    takes_models = True
    heavy_modules = ("openai", "openai.resources.chat", "aiohttp")

    def __init__(
        self, options: OpenAILLM, api_key: str, base_url: str, key_name: str = "OPENAI_API_KEY"
    ) -> None:
        self.options = options
        self.base_url = base_url
        self.leaves = host_of(base_url) not in LOOPBACK
        self.model_name = options.model
        self._api_key = api_key
        self._key_name = key_name
        self._unfit = self._find_unfit()
        self._client: AsyncOpenAI | None = None
        self._building = Lock()
        self._refused: dict[str, list[str]] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> OpenAIService:
        options = settings.openai
        base_url = address.whole(options.base_url)
        name = options.api_key_name or "OPENAI_API_KEY"
        # A key goes to the service that it is for, and to no other. Where OpenRouter is asked for by its
        # address, `OPENAI_API_KEY` may hold a key of OpenRouter's: so it counts if there is no other.
        openrouter = host_of(base_url) == host_of(OPENROUTER)
        theirs = openrouter or (not base_url and not settings.secret(name))
        if theirs and not options.api_key_name and settings.secret("OPENROUTER_API_KEY"):
            name, base_url = "OPENROUTER_API_KEY", OPENROUTER
        return cls(options, settings.secret(name), base_url or OPENAI, name)

    def prepare(self) -> None:
        super().prepare()
        if self._unfit is None:
            self._built()

    async def initialize(self) -> None:
        await self._awake()

    async def _awake(self) -> AsyncOpenAI:
        if self._unfit is not None:
            raise ModelNotReady(self._unfit)
        if self._client is None:
            # The first import takes most of a second: not on the event loop.
            return await asyncio.to_thread(self._built)
        return self._client

    def _find_unfit(self) -> str | None:
        """Return what is wrong with the settings, so that nothing can be asked; `None` where nothing is."""
        if not address.leads_somewhere(self.base_url):
            return address.NONE
        if self.base_url == OPENAI and not self._api_key:
            return (
                f"There is no API key. Set {self._key_name} before Jupyter starts, or OPENAI_BASE_URL for a "
                "server of your own."
            )
        # What a header does not take; a blank in the middle is for the API to judge.
        if not (self._api_key.isascii() and self._api_key.isprintable()):
            return (
                f"The key in {self._key_name} holds characters that no key has, such as … or a line break. "
                "Copy it anew, then restart Jupyter."
            )
        return None

    def _built(self) -> AsyncOpenAI:
        with self._building:
            if self._client is None:
                self._client = self._build()
            return self._client

    def _build(self) -> AsyncOpenAI:
        try:
            import httpx2
            from openai import AsyncOpenAI, DefaultAioHttpClient
        except ImportError:
            raise ModelNotReady(MISSING) from None
        options = self.options
        local = not self.leaves
        plain = local and urlsplit(self.base_url).scheme == "http"
        http = DefaultAioHttpClient(
            timeout=httpx2.Timeout(None, connect=options.connect_timeout),
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=256),
            # A redirect would carry the key to wherever it points.
            follow_redirects=False,
            trust_env=not local,
            # Reading the system's certificates takes as long as a first word; without TLS none is trusted.
            verify=SSLContext(PROTOCOL_TLS_CLIENT) if plain else True,
            event_hooks={"response": [bounded]},
        )
        try:
            return AsyncOpenAI(
                api_key=self._api_key or "none",
                base_url=self.base_url,
                http_client=http,
                max_retries=options.max_retries,
                timeout=httpx2.Timeout(None, connect=options.connect_timeout),
            )
        except httpx2.InvalidURL:
            raise ModelNotReady(address.NONE) from None

    async def cleanup(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    def is_ready(self) -> bool:
        return self._client is not None

    def _told(self, name: str | None, fact: str) -> Any:
        """Return what the settings tell of a model; `None` where they do not."""
        model = name or self.model_name
        for pattern, facts in self.options.models.items():
            if fnmatchcase(model, pattern):
                return facts.get(fact)
        return None

    def sees(self, name: str | None) -> bool | None:
        told = self._told(name, "vision")
        return None if told is None else bool(told)

    def window_of(self, name: str | None) -> int | None:
        told = self._told(name, "context_length")
        return told if isinstance(told, int) and told > 0 else None

    async def describe(self) -> dict[str, Any]:
        problem = self._unfit if importlib.util.find_spec("openai") else MISSING
        host = host_of(self.base_url)
        place = "this machine" if host in LOOPBACK else host
        return {"ready": problem is None, "problem": problem, "demo": False, "gpu": None, "place": place}

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        request = self._request(prompt, sampling)
        tries = ends(prompt.messages, self.window_of(prompt.model), sampling.max_tokens)
        first = self._open({**request, "messages": next(tries)})
        return Ahead(first, lambda opening: self._read(opening, request, tries))

    async def _read(
        self, opening: Awaitable[Response], request: dict[str, Any], tries: Iterator[list[Message]]
    ) -> AsyncGenerator[Event, None]:
        """Yield the events of an answer that is asked for already; where it is too much, try with less."""
        options = self.options
        # The first import counts for nobody's patience with the API.
        await self._awake()
        loop = asyncio.get_running_loop()
        first = loop.time() + options.first_byte_timeout
        deadline = loop.time() + options.total_timeout
        while True:
            plain = "response_format" in request
            chunks = Chunks(self._who, request["model"], [self._api_key], plain=plain)
            try:
                async with asyncio.timeout_at(first) as clock:
                    response = await opening
                    try:
                        moved = 0.0
                        # The transport's own stream: every layer above it adds a generator to each chunk.
                        async for data in response.stream:  # type: ignore[union-attr]
                            for event in chunks.feed(data):
                                yield event
                            if chunks.failure is not None:
                                raise chunks.failure
                            if chunks.ended:
                                return
                            # Moving the clock costs as much as parsing a chunk: once a second is enough.
                            if (now := loop.time()) - moved > CLOCK:
                                moved = now
                                clock.reschedule(min(now + options.idle_timeout + CLOCK, deadline))
                    finally:
                        await response.aclose()
                break
            except TimeoutError:
                where = "stopped sending" if chunks.started else "did not answer"
                raise UpstreamTimeout(f"{self._who} {where}. Your question is kept: try again.") from None
            except ContextOverflow:
                messages = next(tries, None)
                if chunks.started or messages is None:
                    raise
                opening = self._open({**request, "messages": messages})
            except TetherError:
                raise
            except network_errors() as reason:
                raise self._broken(reason, chunks.started) from None
        for event in chunks.close():
            yield event

    async def _open(self, request: dict[str, Any]) -> Response:
        """Send the request and return its answer, unread; leave out what the server does not take."""
        client = await self._awake()
        import httpx2
        from openai import APIStatusError, Omit

        # Compressed, the stream would come in blocks; and it is read below the layer that decompresses.
        headers: dict[str, Any] = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if self.base_url != OPENAI:
            # The SDK takes these from the environment, and they are OpenAI's business alone.
            headers |= {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
        if not self._api_key:
            headers["Authorization"] = Omit()
        for name in self._refused.get(request["model"], ()):
            leave_out(request, name)
        while True:
            try:
                # Below `chat.completions.create`, which walks every message by its type hints: half of the
                # cost of a request.
                response: Response = await client.post(
                    "/chat/completions",
                    cast_to=httpx2.Response,
                    body={**request, "stream": True},
                    options={"headers": headers},
                    stream=True,
                    stream_cls=None,
                )
                break
            except APIStatusError as reason:
                said = await read_refusal(reason)
                unknown = not_taken(reason.status_code, said, request)
                if unknown is None:
                    raise refusal(
                        reason.status_code,
                        said,
                        self._who,
                        request["model"],
                        [self._api_key],
                        self._key_name,
                    ) from None
                self._refused.setdefault(request["model"], []).append(unknown)
                leave_out(request, unknown)
        kind = response.headers.get("content-type", "")
        if "text/event-stream" not in kind:
            await response.aclose()
            raise UpstreamError(
                f"{self._who} did not answer with a stream ({kind.split(';')[0][:40] or 'no type'}). "
                "Check OPENAI_BASE_URL: it usually ends in /v1."
            )
        return response

    def _request(self, prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
        """Return the request's fields, without those that are unset."""
        # OpenAI's own newer models refuse `max_tokens`, and other servers do not know its successor.
        limit = "max_completion_tokens" if self.base_url == OPENAI else "max_tokens"
        fields = {
            "model": prompt.model or self.model_name,
            "messages": list(prompt.messages),
            "temperature": sampling.temperature,
            limit: sampling.max_tokens,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
            "response_format": sampling.response_format,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            "logit_bias": sampling.logit_bias,
            # Not OpenAI's own, but known to most servers that speak its protocol; sent only when asked for.
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty,
            "stream_options": {"include_usage": True},
        }
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def _who(self) -> str:
        return host_of(self.base_url) or "The API"

    def _broken(self, reason: BaseException, started: bool) -> TetherError:
        # The transport calls every failure to connect a timeout; what happened stands further down.
        if not refused(reason) and "timeout" in type(reason).__name__.lower():
            return UpstreamTimeout(f"{self._who} did not answer in time. Try again.")
        if started:
            return UpstreamError(
                f"The connection to {self._who} broke in the middle of the answer. Try again."
            )
        return UpstreamError(
            f"{self._who} cannot be reached. Check that it runs and that OPENAI_BASE_URL is right."
        )


def network_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of the SDK and its transport, which are only there once it is imported."""
    import aiohttp
    import httpx2
    import openai

    return (OSError, openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError)


def refused(reason: BaseException | None) -> bool:
    """Return whether a failure goes back to a connection that was refused or a name without an address."""
    while reason is not None:
        if isinstance(reason, OSError) and not isinstance(reason, TimeoutError):
            return True
        reason = reason.__cause__ or reason.__context__
    return False


async def bounded(response: Any) -> None:
    """Read an error's body before the SDK does, which would read a gigabyte of it; and no long pauses.

    The SDK waits as long as `Retry-After` asks for, in which time nobody learns that there is a limit.
    """
    if response.status_code < 400:
        return
    body = b""
    async for part in response.stream:
        body += part
        if len(body) > MAX_REFUSAL:
            break
    await response.stream.aclose()
    response._content = body[:MAX_REFUSAL]
    response.is_stream_consumed = True
    wait = response.headers.get("retry-after", "0")
    if not wait.replace(".", "", 1).isdigit() or float(wait) > LONGEST_PAUSE:
        response.headers["x-should-retry"] = "false"


async def read_refusal(reason: Any) -> str:
    """Return the beginning of an error response's body."""
    try:
        body = await reason.response.aread()
    except network_errors() as broken:
        return type(broken).__name__
    return str(body[:4000].decode("utf-8", "replace"))
