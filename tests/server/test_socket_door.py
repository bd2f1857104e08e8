"""Who may open a socket, from where, and what a handshake that is none is told."""

import pytest

from tests.server.test_auth import browser_cookie
from tests.support.wire import UPGRADE, send


@pytest.fixture
def knock(http_server_client, jp_http_port, jp_base_url):
    """Ask for the socket by hand."""

    async def ask(headers, method="GET"):
        return await send(jp_http_port, method, f"{jp_base_url}tether/chat/ws", headers)

    return ask


class TestAHandshakeThatIsNone:
    @pytest.mark.parametrize(
        ("changed", "status"),
        [
            ({"Upgrade": ""}, 400),
            ({"Upgrade": "h2c"}, 400),
            ({"Connection": "keep-alive"}, 400),
            ({"Sec-WebSocket-Version": "8"}, 426),
            ({"Sec-WebSocket-Version": ""}, 426),
            ({"Sec-WebSocket-Key": ""}, 400),
        ],
    )
    async def test_is_told_so_in_the_form_of_all_errors(self, knock, jp_auth_header, changed, status):
        reply = await knock({**UPGRADE, **jp_auth_header, **changed, "X-Correlation-Id": "trace-1"})
        assert reply.status == status
        assert reply.headers["content-type"] == "application/json"
        assert (reply.headers["x-correlation-id"], reply.headers["cache-control"]) == ("trace-1", "no-store")
        assert reply.error["type"] == "invalid_request"
        assert "WebSocket" in reply.error["message"]

    async def test_of_another_version_is_told_which_one_is_spoken(self, knock, jp_auth_header):
        reply = await knock({**UPGRADE, **jp_auth_header, "Sec-WebSocket-Version": "8"})
        assert reply.headers["sec-websocket-version"] == "13"

    async def test_tells_a_stranger_nothing(self, knock):
        assert (await knock({})).status in (401, 403)
        assert (await knock({**UPGRADE, "Sec-WebSocket-Version": "8"})).status in (401, 403)


class TestABrowser:
    @pytest.fixture
    def cookie(self, jp_serverapp, jp_asyncio_loop, http_server_client, jp_http_port, jp_base_url):
        login = browser_cookie(jp_http_port, jp_base_url, jp_serverapp.identity_provider.token)
        return {"Cookie": jp_asyncio_loop.run_until_complete(login)}

    @pytest.mark.parametrize("site", ["same-origin", "none", "same-site", "cross-site", None])
    async def test_opens_none_for_another_site_whatever_it_says_of_the_site(self, knock, cookie, site):
        said = {"Sec-Fetch-Site": site} if site else {}
        reply = await knock({**UPGRADE, **cookie, **said, "Origin": "https://evil.example"})
        assert (reply.status, reply.error["type"]) == (403, "forbidden")
        assert reply.headers["x-correlation-id"]

    @pytest.mark.parametrize("site", ["same-origin", None])
    async def test_opens_one_for_the_page_of_this_server(self, knock, cookie, site):
        said = {"Sec-Fetch-Site": site} if site else {}
        reply = await knock({**UPGRADE, **cookie, **said, "Origin": "http://127.0.0.1"})
        assert reply.status == 101


class TestATokensOwner:
    @pytest.mark.parametrize(
        "said", [{}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "none"}]
    )
    async def test_opens_one_from_anywhere(self, knock, jp_auth_header, said):
        assert (await knock({**UPGRADE, **jp_auth_header, **said})).status == 101

    async def test_whose_page_hides_its_origin_is_refused_as_all_are(self, knock, jp_auth_header):
        reply = await knock({**UPGRADE, **jp_auth_header, "Sec-Fetch-Site": "cross-site"})
        assert (reply.status, reply.error["type"]) == (403, "forbidden")
