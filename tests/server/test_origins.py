"""Pages of other sites: what a listed one can read, and origins that are none."""

import itertools

import pytest

from tests.support.wire import UPGRADE, send

OK = {"Origin": "https://ok.example"}
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture
def knock(http_server_client, jp_http_port, jp_base_url):
    """Send one request by hand to a path under `tether/`."""

    async def send_there(method, path, headers, body=b'{"message": "hi"}'):
        body = body if method == "POST" else b""
        return await send(jp_http_port, method, f"{jp_base_url}tether/{path}", headers, body)

    return send_there


class TestAListedOrigin:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "mock", "cors_origins": ["https://ok.example/"]}}

    @pytest.mark.parametrize(
        ("path", "known", "status"),
        [
            ("chat", True, 429),
            ("chat", False, 401),
            ("nothing", True, 404),
            ("v1/chat/completions", True, 404),
        ],
    )
    async def test_reads_errors_too(self, knock, jp_auth_header, mock, path, known, status):
        mock.script = [{"fail": "rate_limited"}]
        reply = await knock("POST", path, {**OK, **(jp_auth_header if known else {})})
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (status, OK["Origin"])
        exposed = reply.headers["access-control-expose-headers"]
        assert {name.strip() for name in exposed.split(",")} == {"X-Correlation-Id", "Retry-After"}
        assert reply.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in reply.headers

    async def test_reads_what_it_asked_for_under_no_other_name(self, knock, jp_auth_header):
        reply = await knock("GET", "health", {**OK, **jp_auth_header})
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, OK["Origin"])

    @pytest.mark.parametrize("path", ["v1/completions", "v1/chat/completions", "nothing"])
    async def test_may_send_the_headers_that_its_sdk_adds(self, knock, path):
        names = [
            "authorization",
            "content-type",
            "x-stainless-os",
            "x-stainless-retry-count",
            "x-correlation-id",
        ]
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": ",".join(names)}
        reply = await knock("OPTIONS", path, {**OK, **asked})
        assert 200 <= reply.status < 300
        assert [n.strip() for n in reply.headers["access-control-allow-headers"].split(",")] == names
        assert reply.headers["access-control-allow-origin"] == OK["Origin"]

    async def test_gets_back_only_what_can_be_a_headers_name_and_not_without_end(self, knock):
        asked = ", ".join(["x-a b", "x-ok", "<x>", "*", "", "x" * 65, *(f"x-{n}" for n in range(500))])
        reply = await knock("OPTIONS", "chat", {**OK, "Access-Control-Request-Headers": asked})
        allowed = [name.strip() for name in reply.headers["access-control-allow-headers"].split(",")]
        assert allowed[:2] == ["x-ok", "x-0"]
        assert len(allowed) < 64

    async def test_that_asks_for_no_header_is_told_the_usual_ones(self, knock):
        reply = await knock("OPTIONS", "chat", {**OK, "Access-Control-Request-Method": "POST"})
        assert "authorization" in reply.headers["access-control-allow-headers"]

    async def test_has_no_neighbour_that_is_told_anything(self, knock, jp_auth_header):
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-stainless-os"}
        for method, known in itertools.product(("GET", "POST", "OPTIONS"), (False, True)):
            reply = await knock(method, "nothing", {**EVIL, **asked, **(jp_auth_header if known else {})})
            told = [name for name in reply.headers if name.startswith("access-control-")]
            assert (reply.status >= 400, told) == (True, []), (method, known)


class TestAnOriginThatIsNone:
    @pytest.mark.parametrize("origin", ["http://[", "http://[x]", "http://[::1", "//[", "h\xe9", "x" * 600])
    @pytest.mark.parametrize("path", ["health", "chat", "nothing", "chat/ws"])
    async def test_is_refused_as_a_foreign_one_is(self, knock, jp_auth_header, origin, path):
        for method, known in itertools.product(("GET", "POST", "OPTIONS"), ({}, jp_auth_header)):
            upgrade = UPGRADE if path == "chat/ws" else {}
            reply = await knock(method, path, {"Origin": origin, **upgrade, **known})
            assert reply.status == 403, (method, known)
            assert reply.error["type"] == "forbidden"
            assert reply.headers["x-correlation-id"]

    async def test_is_refused_as_a_host_too(self, knock, jp_auth_header):
        assert (await knock("GET", "health", {"Host": "a" * 600, **jp_auth_header})).status == 403
        assert (await knock("GET", "health", {"Host": "localhost", **jp_auth_header})).status == 200
