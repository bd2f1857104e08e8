"""The doors of the uploads: forms and workspace paths in, files out that no browser runs."""

import asyncio
import json
import os

import pytest
from tornado.httpclient import HTTPClientError

from tests.server.test_auth import browser_cookie
from tests.support.documents import GIF, JPEG, PNG, WEBP, notebook, pdf, said
from tether_jupyter.server.uploads import AT_ONCE

BOUNDARY = "----tether"
XSRF = "ab" * 16
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def form(*files, field="file"):
    """Return the body of a form with these files, as `(name, data)`."""
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: image/png\r\n\r\n'
        % (BOUNDARY.encode(), field.encode(), name.encode())
        + data
        + b"\r\n"
        for name, data in files
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def tether_config():
    return {"Tether": {"backend": "mock", "max_upload_size": 1_000_000, "max_uploads": 3_000_000}}


@pytest.fixture
def send(jp_fetch):
    """Send a form, whatever the answer."""

    async def post(body, headers=None, kind=f"multipart/form-data; boundary={BOUNDARY}"):
        try:
            return await jp_fetch(
                "tether",
                "uploads",
                method="POST",
                body=body,
                headers={"Content-Type": kind, **(headers or {})},
            )
        except HTTPClientError as refused:
            return refused.response

    return post


@pytest.fixture
def upload(send):
    """Upload one file and return what is said of it."""

    async def one(data=b"Some notes.\n", name="notes.txt", headers=None):
        reply = await send(form((name, data)), headers)
        assert reply.code == 201, reply.body
        (found,) = json.loads(reply.body)["uploads"]
        return found

    return one


@pytest.fixture
def arriving(services):
    """Return what lies where files arrive."""

    def look():
        folder = services.uploads.blobs.folder
        return [path for path in folder.rglob("*") if path.is_file() and "kept" not in path.parts]

    return look


async def settled(look):
    """Wait until nothing is left: what is discarded goes in a thread of its own."""
    async with asyncio.timeout(20):
        while await asyncio.to_thread(look):
            pass


def told(reply):
    return json.loads(reply.body)["error"]


class TestAForm:
    async def test_brings_files_and_what_can_be_read_of_them(self, send, ask, arriving):
        reply = await send(form(("a.txt", b"hello"), ("b.ipynb", notebook()), ("c.png", PNG)))
        uploads = json.loads(reply.body)["uploads"]
        assert [(one["name"], one["media_type"]) for one in uploads] == [
            ("a.txt", "text/plain"),
            ("b.ipynb", "application/x-ipynb+json"),
            ("c.png", "image/png"),
        ]
        listed = json.loads((await ask("uploads", method="GET")).body)
        assert [one["id"] for one in listed["uploads"]] == [one["id"] for one in uploads][::-1]
        assert (listed["bytes"], listed["max_bytes"]) == (sum(one["size"] for one in uploads), 3_000_000)
        one = json.loads((await ask("uploads", uploads[0]["id"], method="GET")).body)
        assert one == uploads[0]
        await settled(arriving)

    async def test_may_have_other_fields_and_empty_choices(self, send):
        body = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="_xsrf"\r\n\r\nabc\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n'
        ).encode() + form(("a.txt", b"x"))
        assert len(json.loads((await send(body)).body)["uploads"]) == 1

    async def test_is_kept_whole_or_not_at_all(self, send, ask, services):
        reply = await send(form(("good.txt", b"x"), ("bad.bin", b"\x00\x01")))
        assert (reply.code, told(reply)["type"]) == (400, "invalid_request")
        assert "`bad.bin`" in told(reply)["message"]
        big = [(f"{n}.txt", str(n).encode() * 900_000) for n in range(4)]
        reply = await send(form(*big))
        assert reply.code == 413
        assert json.loads((await ask("uploads", method="GET")).body)["uploads"] == []
        assert list(services.uploads.blobs.digests()) == []

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"", "broken or cut off"),
            (b"nonsense", "broken or cut off"),
            (form(("a.txt", b"x"))[:-4], "broken or cut off"),
            (form(), "no file in the form"),
            (form(("a.txt", b"")), "`a.txt` is empty"),
            (form(*[(f"{n}.txt", b"x") for n in range(17)]), "more than 16 files"),
            (form(("a.txt", b"x")).replace(b"Content-Type", b"X" * 9000), "broken or cut off"),
            (
                b"".join(
                    b'--%s\r\nContent-Disposition: form-data; name="x"\r\n\r\nv\r\n' % BOUNDARY.encode()
                    for _ in range(100)
                ),
                "more than 64 parts",
            ),
        ],
        ids=[
            "empty",
            "nonsense",
            "cut off",
            "no file",
            "an empty file",
            "many",
            "a huge header",
            "many parts",
        ],
    )
    async def test_that_makes_no_sense_is_refused(self, send, arriving, body, words):
        reply = await send(body)
        assert reply.code == 400
        assert words in told(reply)["message"]
        await settled(arriving)

    @pytest.mark.parametrize("rest", ["", "; boundary=", "; boundary=" + "x" * 999])
    async def test_without_a_boundary_is_refused(self, send, rest):
        assert (await send(form(("a.txt", b"x")), kind=f"multipart/form-data{rest}")).code == 400

    async def test_with_a_file_that_is_too_large_is_refused(self, send, arriving, services):
        reply = await send(form(("big.txt", b"x" * 1_000_001)))
        assert (reply.code, told(reply)["type"]) == (413, "too_large")
        assert "1.00 MB" in told(reply)["message"]
        await settled(arriving)
        assert list(services.uploads.blobs.digests()) == []

    async def test_that_is_announced_too_large_is_refused_before_it_comes(
        self, services, http_server_client, jp_http_port, jp_base_url, jp_auth_header
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        writer.write(
            f"POST {jp_base_url}tether/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {jp_auth_header['Authorization']}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            "Content-Length: 100000000\r\n\r\n".encode()
        )
        async with asyncio.timeout(20):
            assert b" 413 " in await reader.readline()
        writer.close()

    async def test_that_breaks_off_leaves_nothing(
        self, services, arriving, http_server_client, jp_http_port, jp_base_url, jp_auth_header
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        half = form(("a.txt", b"x" * 500_000))[:300_000]
        writer.write(
            f"POST {jp_base_url}tether/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {jp_auth_header['Authorization']}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            "Content-Length: 500000\r\n\r\n".encode()
            + half
        )
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(arriving):
                pass
            writer.close()
            await settled(arriving)
        assert await services.uploads.page("owner") == []

    async def test_is_one_of_so_many_at_once(
        self, services, send, http_server_client, jp_http_port, jp_base_url, jp_auth_header
    ):
        head = (
            f"POST {jp_base_url}tether/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {jp_auth_header['Authorization']}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 5000\r\n\r\n"
        ).encode()
        writers = []
        for _ in range(AT_ONCE):
            _, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
            writer.write(head + form(("a.txt", b"x"))[:90])
            writers.append(writer)
        async with asyncio.timeout(20):
            while (reply := await send(form(("a.txt", b"x")))).code != 429:
                pass
            assert reply.headers["Retry-After"]
            for writer in writers:
                writer.close()
            while (await send(form(("a.txt", b"x")))).code != 201:
                pass

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [("../../etc/passwd", "passwd"), ("x\u202egnp.txt", "xgnp.txt"), ("漢字.md", "漢字.md")],
    )
    async def test_names_what_it_brings_and_nothing_else(self, upload, sent, shown):
        assert (await upload(name=sent))["name"] == shown

    async def test_of_hostile_files_keeps_them_and_says_what_is_wrong(self, upload, ask):
        deep = b'{"nbformat": 4, "cells": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
        for data, name in (
            (deep, "deep.ipynb"),
            (b"%PDF-1.7\nbroken", "x.pdf"),
            (pdf(said("x"))[:200], "y.pdf"),
        ):
            kept = await upload(data, name)
            assert kept["characters"] is None
            assert kept["problem"].startswith("Its text cannot be read")
        assert (await ask("health", method="GET")).code == 200


class TestAPageOfAnotherSite:
    @pytest.fixture
    def cookie(self, jp_serverapp, jp_asyncio_loop, http_server_client, jp_http_port, jp_base_url):
        login = browser_cookie(jp_http_port, jp_base_url, jp_serverapp.identity_provider.token)
        return jp_asyncio_loop.run_until_complete(login)

    @pytest.fixture
    def knock(self, jp_http_port, jp_base_url):
        """Send a form with this browser's cookie."""

        async def post(cookie, **headers):
            reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
            body = form(("a.txt", b"x"))
            sent = {
                "Host": "127.0.0.1",
                "Cookie": cookie,
                "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
                "Content-Length": len(body),
                **headers,
            }
            head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
            writer.write(f"POST {jp_base_url}tether/uploads HTTP/1.1\r\n{head}\r\n".encode() + body)
            async with asyncio.timeout(20):
                status = int((await reader.readline()).split()[1])
            writer.close()
            return status

        return post

    async def test_cannot_upload_with_this_browsers_cookie(self, cookie, knock, services):
        for headers in (
            {},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Referer": "https://evil.example/"},
            {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
            {"X-XSRFToken": "guessed"},
            {"Origin": "https://evil.example", "X-XSRFToken": "guessed"},
        ):
            assert await knock(cookie, **headers) == 403, headers
        assert await services.uploads.page("owner") == []
        assert list(services.uploads.blobs.digests()) == []

    async def test_does_not_help_itself_with_a_field_of_the_form(self, cookie, jp_http_port, jp_base_url):
        cookie = f"{cookie}; _xsrf={XSRF}"
        body = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="_xsrf"\r\n\r\n{XSRF}\r\n'.encode()
            + form(("a.txt", b"x"))
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        writer.write(
            f"POST {jp_base_url}tether/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        async with asyncio.timeout(20):
            assert b" 403 " in await reader.readline()
        writer.close()

    async def test_our_own_page_can(self, cookie, knock):
        own = {"Origin": "http://127.0.0.1", "X-XSRFToken": XSRF}
        assert await knock(f"{cookie}; _xsrf={XSRF}", **own) == 201
        assert await knock(f"{cookie}; _xsrf={XSRF}", **{**own, "Origin": "https://evil.example"}) == 403

    async def test_cannot_send_json_as_plain_text(self, ask, cookie, jp_http_port, jp_base_url):
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        body = b'{"path": "x.txt"}'
        writer.write(
            f"POST {jp_base_url}tether/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        async with asyncio.timeout(20):
            assert b" 403 " in await reader.readline()
        writer.close()


class TestTheContent:
    @pytest.mark.parametrize(
        ("data", "kind", "way"),
        [
            (PNG, "image/png", "inline"),
            (JPEG, "image/jpeg", "inline"),
            (GIF, "image/gif", "inline"),
            (WEBP, "image/webp", "inline"),
            (SVG, "text/plain; charset=utf-8", "attachment"),
            (b"<script>alert(1)</script>", "text/plain; charset=utf-8", "attachment"),
            (pdf(said("x")), "application/pdf", "attachment"),
            (notebook(), "application/x-ipynb+json; charset=utf-8", "attachment"),
            ("entrée libre".encode("latin-1"), "text/plain; charset=cp1252", "attachment"),
        ],
    )
    @pytest.mark.parametrize("name", ["x.svg", "x.html"])
    async def test_is_served_so_that_no_browser_runs_it(self, upload, ask, data, kind, way, name):
        kept = await upload(data, name)
        reply = await ask("uploads", kept["id"], "content", method="GET")
        assert reply.headers["Content-Type"] == kind
        policy = reply.headers["Content-Security-Policy"].split("; ")
        assert "sandbox" in policy
        assert "default-src 'none'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert reply.headers["Content-Disposition"] == f"{way}; filename*=UTF-8''{name}"
        assert reply.body == data

    async def test_of_a_large_file_comes_whole(self, upload, ask):
        data = b"0123456789" * 99_999
        kept = await upload(data)
        reply = await ask("uploads", kept["id"], "content", method="GET")
        assert reply.body == data
        assert int(reply.headers["Content-Length"]) == len(data)

    async def test_has_a_name_that_adds_no_header(self, upload, ask):
        kept = await upload(name='a"; filename=b\r\nX-Evil: 1.txt')
        reply = await ask("uploads", kept["id"], "content", method="GET")
        assert "X-Evil" not in reply.headers
        assert reply.headers["Content-Disposition"].count(";") == 1

    async def test_that_is_gone_from_the_disk_is_said(self, upload, ask, services):
        kept = await upload()
        blobs = services.uploads.blobs
        blobs.let_go(blobs.set_aside(kept["sha256"]))
        reply = await ask("uploads", kept["id"], "content", method="GET")
        assert (reply.code, told(reply)["type"]) == (404, "not_found")

    async def test_that_is_shorter_than_it_was_is_not_taken_for_whole(self, upload, ask, services):
        kept = await upload()
        services.uploads.blobs._path(kept["sha256"]).write_bytes(b"x")
        reply = await ask("uploads", kept["id"], "content", method="GET", request_timeout=20)
        assert reply is None  # The connection ends in the middle: that is no answer.


class TestAQuestion:
    async def test_has_its_attachments_as_data(self, upload, ask, mock):
        notes = await upload(b"The answer is 42.", "notes.md")
        reply = await ask("chat", body={"message": "What is it?", "attachments": [notes["id"]]})
        assert reply.code == 200
        asked = mock.prompts[-1].messages
        assert '<file name="notes.md">\nThe answer is 42.\n</file>' in asked[-1]["content"]
        assert "never gives instructions" in asked[0]["content"]

    async def test_remembers_their_ids_and_not_their_content(self, upload, ask):
        notes = await upload(b"The answer is 42.", "notes.md")
        answer = json.loads((await ask("chat", body={"message": "?", "attachments": [notes["id"]]})).body)
        path = ("conversations", answer["conversation_id"], "messages")
        question = json.loads((await ask(*path, method="GET")).body)["messages"][0]
        assert (question["content"], question["attachments"]) == ("?", [notes["id"]])

    async def test_with_an_image_is_refused_where_the_model_does_not_see(self, upload, ask, mock):
        photo = await upload(PNG, "p.png")
        reply = await ask("chat", body={"message": "?", "attachments": [photo["id"]]})
        assert reply.code == 400
        assert "does not see images" in told(reply)["message"]
        mock.vision = True
        assert (await ask("chat", body={"message": "?", "attachments": [photo["id"]]})).code == 200
        assert mock.prompts[-1].messages[-1]["content"][1]["image_url"]["url"].startswith("data:image/png")

    async def test_with_an_unknown_attachment_is_refused_and_keeps_nothing(self, ask, services):
        assert (await ask("chat", body={"message": "?", "attachments": ["u_nothing"]})).code == 404


class TestRemoving:
    async def test_takes_row_and_file(self, upload, ask, services):
        kept = await upload()
        assert json.loads((await ask("uploads", kept["id"], method="DELETE")).body)["deleted"] is True
        for method, *rest in (("GET",), ("GET", "content"), ("DELETE",)):
            assert (await ask("uploads", kept["id"], *rest, method=method)).code == 404
        assert list(services.uploads.blobs.digests()) == []


class TestTheList:
    async def test_comes_in_pages(self, upload, ask):
        kept = [await upload(f"{n}".encode()) for n in range(3)]
        first = json.loads((await ask("uploads", method="GET", params={"limit": "2"})).body)["uploads"]
        assert [one["id"] for one in first] == [kept[2]["id"], kept[1]["id"]]
        params = {"limit": "2", "before": first[-1]["id"]}
        second = json.loads((await ask("uploads", method="GET", params=params)).body)["uploads"]
        assert [one["id"] for one in second] == [kept[0]["id"]]

    @pytest.mark.parametrize("limit", ["0", "501", "x", "-1", "", "²"])
    async def test_has_a_size_that_makes_sense(self, ask, limit):
        assert (await ask("uploads", method="GET", params={"limit": limit})).code == 400

    async def test_looking_makes_nothing(self, ask, services):
        assert (await ask("uploads", method="GET")).code == 200
        assert not services.uploads.blobs.folder.exists()


class TestTheWorkspace:
    @pytest.fixture(params=["async", "sync"], autouse=True)
    def manager(self, request, tether_config):
        """Both of Jupyter's own keepers of contents."""
        kind = "AsyncLargeFileManager" if request.param == "async" else "LargeFileManager"
        module = "jupyter_server.services.contents.largefilemanager"
        self.server = {"contents_manager_class": f"{module}.{kind}"}

    @pytest.fixture
    def jp_server_config(self, manager, tether_config):
        return {
            **tether_config,
            "ServerApp": {"jpserver_extensions": {"tether_jupyter": True}, **self.server},
        }

    async def test_gives_a_file_by_its_path(self, ask, jp_root_dir):
        (jp_root_dir / "data").mkdir()
        (jp_root_dir / "data" / "x.csv").write_text("a,b\n1,2\n")
        for path in ("data/x.csv", "/data/x.csv", "RTC:data/x.csv"):
            reply = await ask("uploads", body={"path": path})
            (kept,) = json.loads(reply.body)["uploads"]
            assert (reply.code, kept["name"], kept["media_type"]) == (201, "x.csv", "text/csv")
        content = await ask("uploads", kept["id"], "content", method="GET")
        assert content.body == b"a,b\n1,2\n"

    async def test_gives_a_notebook_and_a_picture_as_they_are(self, ask, jp_root_dir):
        for name, data in (("n.ipynb", notebook({"cell_type": "markdown", "source": "x"})), ("p.png", PNG)):
            (jp_root_dir / name).write_bytes(data)
            (kept,) = json.loads((await ask("uploads", body={"path": name})).body)["uploads"]
            assert kept["size"] == len(data)

    @pytest.mark.parametrize(
        "path",
        [
            "nothing.txt",
            "../outside.txt",
            "data/../../outside.txt",
            "..%2foutside.txt",
            "/etc/passwd",
            ".hidden/secret.txt",
            ".secret.txt",
            "x\x00.txt",
            "../root_dir2/x.txt",
        ],
    )
    async def test_gives_nothing_that_is_hidden_or_outside(self, ask, jp_root_dir, services, path):
        (jp_root_dir.parent / "outside.txt").write_text("canary")
        (jp_root_dir.parent / f"{jp_root_dir.name}2").mkdir()
        (jp_root_dir.parent / f"{jp_root_dir.name}2" / "x.txt").write_text("canary")
        (jp_root_dir / ".hidden").mkdir()
        (jp_root_dir / ".hidden" / "secret.txt").write_text("canary")
        (jp_root_dir / ".secret.txt").write_text("canary")
        reply = await ask("uploads", body={"path": path.replace("root_dir2", f"{jp_root_dir.name}2")})
        assert reply.code in (400, 404)
        assert str(jp_root_dir) not in reply.body.decode()
        assert list(services.uploads.blobs.digests()) == []

    async def test_a_link_to_outside_is_refused_and_one_inside_is_not(self, ask, jp_root_dir):
        (jp_root_dir.parent / "key").write_text("canary")
        (jp_root_dir / "folder").mkdir()
        (jp_root_dir / "folder" / "x.txt").write_text("fine")
        (jp_root_dir / "data.csv").symlink_to(jp_root_dir.parent / "key")
        (jp_root_dir / "up").symlink_to(jp_root_dir.parent)
        (jp_root_dir / "good").symlink_to(jp_root_dir / "folder")
        for path in ("data.csv", "up/key"):
            reply = await ask("uploads", body={"path": path})
            assert reply.code == 403, path
            assert "link to a place outside" in told(reply)["message"]
        assert (await ask("uploads", body={"path": "good/x.txt"})).code == 201

    async def test_a_link_to_itself_and_a_name_without_end_are_no_files(self, ask, jp_root_dir):
        (jp_root_dir / "loop").symlink_to(jp_root_dir / "loop")
        for path in ("loop", "loop/x", "x" * 4000, "d/" * 2000 + "x"):
            assert (await ask("uploads", body={"path": path})).code == 404

    async def test_a_folder_a_pipe_and_a_file_that_is_too_large_are_refused(self, ask, jp_root_dir):
        (jp_root_dir / "folder").mkdir()
        os.mkfifo(jp_root_dir / "pipe")
        (jp_root_dir / "big.txt").write_bytes(b"x" * 1_000_001)
        assert (await ask("uploads", body={"path": "folder"})).code == 400
        assert (await ask("uploads", body={"path": "pipe"})).code in (400, 404)
        reply = await ask("uploads", body={"path": "big.txt"})
        assert (reply.code, told(reply)["type"]) == (413, "too_large")

    @pytest.mark.parametrize(
        "sent", [{}, {"path": ""}, {"path": "/"}, {"path": 5}, {"path": "x", "name": "y"}]
    )
    async def test_a_request_that_makes_no_sense_is_refused(self, ask, sent):
        assert (await ask("uploads", body=sent)).code == 400

    async def test_json_is_short(self, ask):
        assert (await ask("uploads", body={"path": "x" * 100_000})).code == 413


class TestSomebodyWhoMayNotReadTheWorkspace:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {
            "jpserver_extensions": {"tether_jupyter": True},
            "authorizer_class": "tests.support.identities.DenyContents",
        }
        return {**tether_config, "ServerApp": server}

    async def test_attaches_nothing_of_it(self, ask, upload, jp_root_dir):
        (jp_root_dir / "x.txt").write_text("canary")
        assert (await ask("uploads", body={"path": "x.txt"})).code == 403
        await upload()


class TestTwoPeople:
    @pytest.fixture
    def jp_server_config(self, tether_config):
        server = {
            "jpserver_extensions": {"tether_jupyter": True},
            "identity_provider_class": "tests.support.identities.NamedIdentity",
        }
        return {**tether_config, "ServerApp": server}

    async def test_neither_sees_uses_or_removes_what_is_the_others(self, ask, upload):
        ann, ben = {"X-Test-User": "ann"}, {"X-Test-User": "ben"}
        mine = await upload(headers=ann)
        for method, *rest in (("GET",), ("GET", "content"), ("DELETE",)):
            theirs = await ask("uploads", mine["id"], *rest, method=method, headers=ben)
            unknown = await ask("uploads", "u_" + "0" * 32, *rest, method=method, headers=ben)
            assert theirs.code == unknown.code == 404
            same = told(theirs)["message"].replace(mine["id"], "ID")
            assert same == told(unknown)["message"].replace("u_" + "0" * 32, "ID")
        for params in ({}, {"before": mine["id"]}):
            reply = await ask("uploads", method="GET", headers=ben, params=params)
            assert mine["id"] not in reply.body.decode() or reply.code == 404
        assert json.loads((await ask("uploads", method="GET", headers=ben)).body)["uploads"] == []
        content = await ask("uploads", mine["id"], "content", method="GET", headers=ann)
        assert content.body == b"Some notes.\n"
        asked = {"message": "?", "attachments": [mine["id"]]}
        assert (await ask("chat", body=asked, headers=ben)).code == 404
        assert (await ask("chat", body=asked, headers=ann)).code == 200
        assert (await ask("uploads", mine["id"], method="DELETE", headers=ann)).code == 200


class TestTheDocument:
    async def test_says_what_is_answered(self, upload, ask):
        from tether_jupyter.server import upload_forms

        kept = await upload()
        upload_forms.UploadState.model_validate(kept, strict=True)
        assert set(kept) == set(upload_forms.UploadState.model_fields)
        listed = json.loads((await ask("uploads", method="GET")).body)
        upload_forms.UploadList.model_validate(listed, strict=True)

    def test_names_the_doors(self):
        from tether_jupyter.server.contract import uploads

        assert set(uploads.paths()) == {
            "/tether/uploads",
            "/tether/uploads/{upload_id}",
            "/tether/uploads/{upload_id}/content",
        }
