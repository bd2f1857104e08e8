"""Fixtures that every test may use: a clean environment and a Jupyter server with Tether."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse

from tether_jupyter.llm.mock import MockService
from tether_jupyter.services import Services

pytest_plugins = ("pytest_jupyter.jupyter_server", "tests.support.played")

TETHER_VARIABLES = (
    "DATABASE_URL",
    "HF_ENDPOINT",
    "HF_TOKEN",
    "JWT_SECRET",
    "LLM__HOST",
    "LLM__MAX_TOKENS",
    "LLM__MODEL",
    "LLM__TIMEOUT_SECONDS",
    "MAX_MESSAGE_LENGTH",
    "CORS_ORIGINS",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENROUTER_API_KEY",
    "TETHER_CONTEXT_BUDGET",
    "TETHER_CONTEXT_LENGTH",
    "TETHER_DEFAULT_MAX_TOKENS",
    "TETHER_DEFAULT_TEMPERATURE",
    "TETHER_LLM_BACKEND",
    "TETHER_MAX_UPLOADS",
    "TETHER_MAX_UPLOAD_SIZE",
    "TETHER_MODELS_DIR",
    "TETHER_MODEL_PATH",
    "TETHER_OPENAI_MODEL",
    "TETHER_SEE",
    "TETHER_SEE_AT_MOST",
    "TETHER_SLOTS",
    "TETHER_UPLOADS_URL",
)


@pytest.fixture(autouse=True)
def interruptible() -> None:
    """Let SIGINT interrupt, whatever a test before, or the shell, has made of it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's machine is set to must not reach a test."""
    for name in TETHER_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tether_config() -> dict[str, Any]:
    """Settings of Tether for the server; a test overrides this to change them."""
    return {"Tether": {"backend": "mock"}}


@pytest.fixture
def jp_server_config(jp_server_config: Any, tether_config: dict[str, Any]) -> Any:
    return {"ServerApp": {"jpserver_extensions": {"tether_jupyter": True}}, **tether_config}


@pytest.fixture
def services(jp_serverapp: Any) -> Services:
    """The services of the running server."""
    found: Services = jp_serverapp.web_app.settings["tether_services"]
    return found


@pytest.fixture
def mock(services: Services) -> MockService:
    """The mock backend of the running server, to be told what to say."""
    service = services.backends.get("mock")
    assert isinstance(service, MockService)
    return service


@pytest.fixture
def ask(jp_fetch: Any) -> Any:
    """Send a JSON request to Tether and return the response, whatever its status."""

    async def send(*path: str, body: Any = None, method: str = "POST", **kwargs: Any) -> HTTPResponse:
        content = None if method in ("GET", "DELETE") else json.dumps(body if body is not None else {})
        headers = {"Content-Type": "application/json", **kwargs.pop("headers", {})}
        try:
            return await jp_fetch("tether", *path, method=method, body=content, headers=headers, **kwargs)
        except HTTPClientError as refused:
            # A refusal is an answer too.
            return refused.response  # type: ignore[return-value]

    return send


class Stream:
    """An answer that is being read: `lines` grows as they arrive."""

    def __init__(self, response: asyncio.Future[HTTPResponse], queue: asyncio.Queue[bytes]) -> None:
        self.response = response
        self._queue = queue
        self._tail = b""

    async def lines(self) -> AsyncIterator[str]:
        """Yield whole lines as they arrive."""
        while True:
            chunk = asyncio.ensure_future(self._queue.get())
            await asyncio.wait([chunk, self.response], return_when=asyncio.FIRST_COMPLETED)
            if not chunk.done():
                chunk.cancel()
                return
            *whole, self._tail = (self._tail + chunk.result()).split(b"\n")
            for line in whole:
                yield line.decode()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of an NDJSON stream."""
        async for line in self.lines():
            if line:
                yield json.loads(line)


@pytest.fixture
def stream(jp_serverapp: Any, http_server_client: Any, jp_base_url: str, jp_auth_header: Any) -> Any:
    """Open a streamed turn and read it as it comes."""

    def start(body: Any, accept: str = "application/x-ndjson", path: str = "chat/stream") -> Stream:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        response = http_server_client.fetch(
            f"{jp_base_url}tether/{path}",
            method="POST",
            body=json.dumps(body),
            headers={"Content-Type": "application/json", "Accept": accept, **jp_auth_header},
            streaming_callback=queue.put_nowait,
            request_timeout=60,
        )
        return Stream(asyncio.ensure_future(response), queue)

    return start
