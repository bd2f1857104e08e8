"""The proxy that the environment names for a server elsewhere, as both clients take it."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import traceback
from collections.abc import Callable

import pytest

from tether_jupyter.client import AsyncClient, Client
from tether_jupyter.errors import InvalidRequest, NotFound

Ask = Callable[[str], None]
SetProxy = Callable[[str, str], None]


@pytest.fixture(params=[True, False], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask the server at an address with one of the two clients."""

    def sync(url: str) -> None:
        with Client(url) as client:
            client.chat("q")

    async def chat(url: str) -> None:
        async with AsyncClient(url) as client:
            await client.chat("q")

    return sync if request.param else lambda url: asyncio.run(chat(url))


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> SetProxy:
    """Set the one variable that names a proxy."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_that_is_written_without_a_scheme_is_asked(ask: Ask, proxy: SetProxy, variable: str) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        proxy(variable, f"127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(NotFound):
            ask("http://hub.test/")
        thread.join(5)
    assert asked[0].startswith(b"POST http://hub.test/tether/")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "ftp://ada:s3cret@proxy.test:3128"),
        ("HTTPS_PROXY", "ada:s3cret@proxy.test:none"),
        ("ALL_PROXY", "socks4://ada:s3cret@proxy.test:1080"),
    ],
)
def test_a_proxy_that_is_none_is_said_without_its_password(
    ask: Ask, proxy: SetProxy, variable: str, value: str
) -> None:
    proxy(variable, value)
    with pytest.raises(InvalidRequest, match=f"What {variable} holds is no proxy's address") as refused:
        ask("https://hub.test/")
    assert "add `hub.test` to NO_PROXY" in refused.value.message
    assert "s3cret" not in "".join(traceback.format_exception(refused.value))


def test_a_socks_proxy_says_which_package_it_needs(
    ask: Ask, proxy: SetProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    proxy("ALL_PROXY", "socks5://ada:s3cret@proxy.test:1080")
    with pytest.raises(InvalidRequest, match=r"ALL_PROXY is a SOCKS proxy.*httpx\[socks\]") as refused:
        ask("https://hub.test/")
    assert "s3cret" not in "".join(traceback.format_exception(refused.value))
