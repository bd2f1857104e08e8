"""The proxies that requests to a hub go through."""

import asyncio
import contextlib

import pytest
from yarl import URL

from tether_jupyter.errors import TetherError, UpstreamError
from tether_jupyter.llm.models.library import Library
from tether_jupyter.llm.models.proxy import proxy_for
from tether_jupyter.llm.models.retry import Timing


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_a_proxy_is_asked_with_a_scheme_or_without(shelf, hub, monkeypatch, scheme):
    monkeypatch.setenv("HTTP_PROXY", f"{scheme}127.0.0.1:{hub.hub_port}")
    with pytest.raises(TetherError, match=r"hub\.test does not show the model owner/none"):
        await Library(shelf, endpoint="http://hub.test").pull("owner/none", print)


def test_a_proxy_keeps_its_name_and_password(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "ada:pass@proxy.test:3128")
    assert proxy_for(URL("https://hub.test/x")) == "http://ada:pass@proxy.test:3128"
    assert proxy_for(URL("http://hub.test/x")) is None


@contextlib.asynccontextmanager
async def refusing(status):
    """Run a proxy that answers every request with a status; yield its address and what it was asked."""
    asked = []

    async def answer(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}", asked


class TestAProxyThatRefuses:
    @pytest.fixture
    def pull(self, shelf, clock, monkeypatch):
        async def run(status, scheme="https"):
            async with refusing(status) as (address, asked):
                monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://ada:canary@{address}")
                library = Library(
                    shelf, endpoint=f"{scheme}://hub.test", timing=Timing(clock.now, clock.sleep)
                )
                with pytest.raises(UpstreamError) as refused:
                    await library.pull("owner/none", print)
            assert "canary" not in str(refused.value.payload())
            return refused.value, address, asked

        return run

    @pytest.mark.parametrize("scheme", ["https", "http"])
    async def test_for_want_of_a_password_says_where_to_put_it(self, pull, scheme):
        error, address, asked = await pull(407, scheme)
        assert f"The proxy {address} wants a name and a password" in error.message
        assert "(407)" in error.message
        assert f"{scheme.upper()}_PROXY to http://NAME:PASSWORD@{address}." in error.message
        assert (len(asked), error.retryable) == (1, False)

    async def test_to_let_anybody_through_is_named_at_once(self, pull):
        error, address, asked = await pull(403)
        assert f"The proxy {address} does not let anybody through to hub.test (403)." in error.message
        assert "HF_ENDPOINT" in error.message
        assert (len(asked), error.retryable) == (1, False)
        assert asked[0].startswith("CONNECT hub.test:443 ")

    async def test_because_it_reaches_nobody_is_asked_again(self, pull, clock):
        error, address, asked = await pull(503)
        assert f"The proxy {address} does not reach hub.test (503)." in error.message
        assert error.retryable
        assert len(asked) == len(clock.waits) + 1 > 1
