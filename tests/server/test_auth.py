"""Nobody unknown gets anything: every route and method, at the wire, in both modes of the server."""

import asyncio
import itertools
import json
import re

import pytest
from jupyter_server.auth import Authorizer
from jupyter_server.auth.login import LegacyLoginHandler
from tornado.web import RequestHandler

from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.routes import ROUTES
from tether_jupyter.server.socket_door import TetherWebSocket

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]

STRANGERS = {
    "nothing": {},
    "wrong token": {"Authorization": "token wrong"},
    "empty token": {"Authorization": "token "},
    "wrong bearer": {"Authorization": "Bearer wrong"},
    "basic": {"Authorization": "Basic dXNlcjpwYXNz"},
    "made-up cookie": {"Cookie": "username-127-0-0-1=2|1:0|10:1|8:username|4:eHh4|00; _xsrf=a"},
    "matching xsrf": {"Cookie": "_xsrf=2|a|b|1", "X-XSRFToken": "2|a|b|1"},
    "foreign origin": {"Origin": "https://evil.example"},
    "same-site claim": {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
    "api key": {"X-API-Key": "wrong", "api-key": "wrong"},
    "a proxy's word": {"X-Forwarded-User": "admin", "X-Forwarded-For": "127.0.0.1"},
    "a foreign host": {"Host": "evil.example"},
    "a preflight": {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    },
    "an upgrade": {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
}


def paths():
    """Yield one path for each mounted route."""
    for pattern, handler in ROUTES:
        yield (
            re.sub(r"\((?:[^()]|\([^()]*\))*\)", "c_1", pattern).replace("\\", "").replace(".*", "x"),
            handler,
        )


async def knock(port, method, path, headers, body=b'{"message": "hi"}'):
    """Send one request by hand and return its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = {"Host": "127.0.0.1", "Content-Type": "application/json", **headers}
    if method in ("POST", "PUT", "PATCH"):
        sent["Content-Length"] = str(len(body))
    else:
        body = b""
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    async with asyncio.timeout(20):
        status = (await reader.readline()).split()[1]
    writer.close()
    return int(status)


@pytest.fixture(params=["as Jupyter comes", "locked down"])
def mode(request, monkeypatch):
    if request.param == "locked down":
        monkeypatch.setenv("JUPYTER_SERVER_ALLOW_UNAUTHENTICATED_ACCESS", "0")
    return request.param


async def test_no_route_answers_a_stranger(mode, services, http_server_client, jp_http_port, jp_base_url):
    answered = {}
    for (path, _), method, stranger in itertools.product(paths(), METHODS, STRANGERS):
        for query in ("", "?token=wrong"):
            target = f"{jp_base_url.rstrip('/')}{path}{query}"
            status = await knock(jp_http_port, method, target, STRANGERS[stranger])
            if status not in (401, 403, 302):
                answered[method, path + query, stranger] = status
    assert answered == {}
    assert len(services.generations) == 0
    assert await services.history.conversations("owner") == []


async def test_the_token_opens_what_strangers_cannot(
    mode, services, http_server_client, jp_http_port, jp_base_url, jp_auth_header
):
    status = await knock(jp_http_port, "POST", f"{jp_base_url}tether/chat", jp_auth_header)
    assert status == 200


def test_every_route_stands_on_one_of_the_two_bases():
    assert all(issubclass(handler, TetherHandler | TetherWebSocket) for _, handler in ROUTES)


def test_every_route_asks_for_the_tether_resource():
    assert {handler.auth_resource for _, handler in ROUTES} == {"tether"}


class TestSomebodyWhoMayNot:
    @pytest.fixture
    def tether_config(self):
        return {
            "Tether": {"backend": "mock"},
            "ServerApp": {"authorizer_class": "tests.support.identities.DenyTether"},
        }

    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {"jpserver_extensions": {"tether_jupyter": True}, **tether_config["ServerApp"]}
        return {"Tether": tether_config["Tether"], "ServerApp": server}

    async def test_gets_403_from_every_verb_there_is(
        self, services, http_server_client, jp_http_port, jp_base_url, jp_auth_header
    ):
        allowed = {}
        for path, handler in paths():
            for method in ("GET", "POST", "DELETE"):
                if getattr(handler, method.lower()) is RequestHandler._unimplemented_method:
                    continue
                target = f"{jp_base_url.rstrip('/')}{path}"
                headers = dict(jp_auth_header)
                if issubclass(handler, TetherWebSocket):
                    headers |= STRANGERS["an upgrade"]
                status = await knock(jp_http_port, method, target, headers)
                if status != 403:
                    allowed[method, path] = status
        assert allowed == {}


class ReadOnly(Authorizer):
    """Lets everybody look at what Tether has, and nobody do anything with it."""

    def is_authorized(self, handler, user, action, resource):
        return resource != "tether" or action == "read"


class TestSomebodyWhoMayOnlyRead:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {"authorizer_class": "tests.server.test_auth.ReadOnly"}
        return {**tether_config, "ServerApp": {"jpserver_extensions": {"tether_jupyter": True}, **server}}

    async def test_reads_whatever_there_is_and_asks_by_no_door(
        self, services, http_server_client, jp_http_port, jp_base_url, jp_auth_header
    ):
        wrong = {}
        for path, handler in paths():
            socket = issubclass(handler, TetherWebSocket)
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                if getattr(handler, method.lower()) is RequestHandler._unimplemented_method:
                    continue
                headers = {**jp_auth_header, **(STRANGERS["an upgrade"] if socket else {})}
                status = await knock(jp_http_port, method, f"{jp_base_url.rstrip('/')}{path}", headers)
                reads = method == "GET" and not socket
                if (status == 403) == reads:
                    wrong[method, path] = status
        assert wrong == {}
        assert len(services.generations) == 0


async def browser_cookie(port, base_url, token):
    """Log in as a browser does, and return its cookies."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {base_url}api/me?token={token} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    lines = [line for line in head.split("\r\n") if line.lower().startswith("set-cookie:")]
    return "; ".join(line.split(":", 1)[1].split(";")[0].strip() for line in lines)


class TestAPageOfAnotherSite:
    @pytest.fixture
    def cookie(self, jp_serverapp, jp_asyncio_loop, http_server_client, jp_http_port, jp_base_url):
        login = browser_cookie(jp_http_port, jp_base_url, jp_serverapp.identity_provider.token)
        return jp_asyncio_loop.run_until_complete(login)

    async def test_cannot_ask_with_this_browsers_cookie(self, cookie, services, jp_http_port, jp_base_url):
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Content-Type": "text/plain"},
            {"Sec-Fetch-Mode": "no-cors"},
            {"Referer": "https://evil.example/"},
        ):
            status = await knock(
                jp_http_port, "POST", f"{jp_base_url}tether/chat", {"Cookie": cookie, **headers}
            )
            assert status in (403, 404), headers
        assert await services.history.conversations("owner") == []

    async def test_cannot_open_a_socket_with_this_browsers_cookie(self, cookie, jp_http_port, jp_base_url):
        upgrade = {"Cookie": cookie, **STRANGERS["an upgrade"]}
        for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
            status = await knock(jp_http_port, "GET", f"{jp_base_url}tether/chat/ws", {**upgrade, **origin})
            assert status == 403, origin

    async def test_a_form_that_claims_to_be_json_needs_the_xsrf_token(
        self, cookie, jp_http_port, jp_base_url
    ):
        status = await knock(jp_http_port, "POST", f"{jp_base_url}tether/chat", {"Cookie": cookie})
        assert status == 403


class TestAListedOrigin:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "mock", "cors_origins": ["https://ok.example/"]}}

    async def test_calls_with_the_token(
        self, services, http_server_client, jp_http_port, jp_base_url, jp_auth_header
    ):
        headers = {"Origin": "https://ok.example", **jp_auth_header}
        assert await knock(jp_http_port, "POST", f"{jp_base_url}tether/chat", headers) == 200

    async def test_does_not_call_with_this_browsers_cookie(
        self, jp_serverapp, http_server_client, jp_http_port, jp_base_url
    ):
        token = jp_serverapp.identity_provider.token
        cookie = await browser_cookie(jp_http_port, jp_base_url, token)
        headers = {"Origin": "https://ok.example", "Cookie": cookie}
        for method, path in (("GET", "conversations"), ("POST", "chat")):
            assert await knock(jp_http_port, method, f"{jp_base_url}tether/{path}", headers) == 403

    async def test_may_ask_beforehand_and_a_neighbour_may_not(
        self, services, http_server_client, jp_http_port, jp_base_url
    ):
        for origin, status in (
            ("https://ok.example", 200),
            ("https://ok.example.evil.example", 401),
            ("https://evil.example/https://ok.example", 401),
            ("http://ok.example", 401),
            ("https://ok.example:8443", 401),
            ("https://OK.example", 401),
            ("null", 401),
        ):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            assert await knock(jp_http_port, "OPTIONS", f"{jp_base_url}tether/chat", asked) == status, origin


class TestTwoPeople:
    """In a server with several identities, no id of one is of use to another."""

    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {
            "jpserver_extensions": {"tether_jupyter": True},
            "identity_provider_class": "tests.support.identities.NamedIdentity",
        }
        return {**tether_config, "ServerApp": server}

    async def test_neither_reads_continues_stops_or_lists_what_is_the_others(
        self, ask, stream, services, mock
    ):
        ann, ben = {"X-Test-User": "ann"}, {"X-Test-User": "ben"}
        answer = json.loads(
            (await ask("chat", body={"message": "ann's", "notebook": "n.ipynb"}, headers=ann)).body
        )
        conversation, turn = answer["conversation_id"], answer["id"]
        for method, *path in (
            ("GET", "conversations", conversation),
            ("GET", "conversations", conversation, "messages"),
            ("GET", "generations", turn),
            ("DELETE", "generations", turn),
        ):
            assert (await ask(*path, method=method, headers=ben)).code == 404, path
            assert (await ask(*path, method=method, headers=ann)).code == 200, path
        body = {"message": "ben's", "conversation_id": conversation}
        assert (await ask("chat", body=body, headers=ben)).code == 404
        listed = json.loads((await ask("conversations", method="GET", headers=ben)).body)
        assert (listed["conversations"], listed["writing"]) == ([], [])
        own = json.loads((await ask("chat", body={"message": "b", "notebook": "n.ipynb"}, headers=ben)).body)
        assert own["conversation_id"] != conversation

    async def test_a_name_of_ones_own_is_nobody_elses(self, ask, mock):
        body = {"message": "hi", "conversation_id": "notes"}
        await ask("chat", body=body, headers={"X-Test-User": "ann"})
        await ask("chat", body=body, headers={"X-Test-User": "ben"})
        assert len([m for m in mock.prompts[-1].messages if m["role"] == "user"]) == 1

    async def test_nobody_stops_what_another_is_being_told(self, ask, services, mock):
        mock.script = [{"sleep": 3600}]
        body = {"message": "hi", "conversation_id": "notes"}
        running = asyncio.ensure_future(ask("chat", body=body, headers={"X-Test-User": "ann"}))
        await mock.asked.wait()
        reply = await ask("stop", "notes", headers={"X-Test-User": "ben"})
        assert json.loads(reply.body)["stopped"] == 0
        reply = await ask("stop", "notes", headers={"X-Test-User": "ann"})
        assert json.loads(reply.body)["stopped"] == 1
        await running


class HubLogin(LegacyLoginHandler):
    """Logs in as a JupyterHub's own handler does, which knows people by the hub's word."""

    @classmethod
    def get_user(cls, handler):
        if super().get_user(handler) is None:
            return None
        name = handler.request.headers.get("X-Test-User", "somebody")
        return {"kind": "user", "name": name, "admin": False, "groups": [], "scopes": ["access:servers"]}


class TestALoginHandlerOfAnothersMaking:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {"login_handler_class": "tests.server.test_auth.HubLogin"}
        return {**tether_config, "ServerApp": {"jpserver_extensions": {"tether_jupyter": True}, **server}}

    async def test_names_people_and_neither_reads_what_is_the_others(self, ask, mock):
        ann, ben = {"X-Test-User": "ann"}, {"X-Test-User": "ben"}
        told = json.loads((await ask("chat", body={"message": "ann's"}, headers=ann)).body)
        for headers, status in ((ann, 200), (ben, 404)):
            reply = await ask("conversations", told["conversation_id"], method="GET", headers=headers)
            assert reply.code == status
        assert json.loads((await ask("conversations", method="GET", headers=ben)).body)["conversations"] == []


class OtherPage(LegacyLoginHandler):
    """Asks for the password on a page of its own."""


@pytest.mark.parametrize(
    "server",
    [
        {"identity_provider_class": "jupyter_server.auth.identity.LegacyIdentityProvider"},
        {"login_handler_class": "tests.server.test_auth.OtherPage"},
    ],
    ids=["jupyter's", "a page of one's own"],
)
class TestJupytersOwnLoginHandlerOfOld:
    @pytest.fixture
    def jp_server_config(self, tether_config, server):
        return {**tether_config, "ServerApp": {"jpserver_extensions": {"tether_jupyter": True}, **server}}

    async def test_knows_one_person_whatever_browser_they_come_with(self, ask, mock, services):
        for _ in range(2):
            assert (await ask("chat", body={"message": "mine"})).code == 200
        assert len(await services.history.conversations("owner")) == 2
