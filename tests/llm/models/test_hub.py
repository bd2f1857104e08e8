"""The proxies that requests to a hub go through."""

import pytest
from yarl import URL

from tether_jupyter.errors import TetherError
from tether_jupyter.llm.models.hub import proxy_for
from tether_jupyter.llm.models.library import Library


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
