"""Conversations, settings, previews and uploads, by either client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_tether import FakeTether
from tether_jupyter.client import AsyncClient, Client
from tether_jupyter.errors import InvalidRequest, NotFound, TooLarge

Do = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeTether]:
    with FakeTether(base_url="/base/") as fake:
        yield fake


@pytest.fixture
def tether(server: FakeTether) -> FakeTether:
    server.forget()
    return server


@pytest.fixture(params=["sync", "async"])
def do(tether: FakeTether, request: pytest.FixtureRequest) -> Do:
    """Call a method of a client, and return what it returns."""

    def run(method: str, *args: Any, **given: Any) -> Any:
        if request.param == "sync":
            with Client(tether.url, tether.token) as client:
                return getattr(client, method)(*args, **given)

        async def ask() -> Any:
            async with AsyncClient(tether.url, tether.token) as client:
                return await getattr(client, method)(*args, **given)

        return asyncio.run(ask())

    return run


def test_a_preview_is_the_request_that_would_be_sent(tether: FakeTether, do: Do) -> None:
    tether.preview = {"tokens": 3}
    assert do("preview", "why?", temperature=0, system=None) == {"tokens": 3}
    assert tether.previewed == [{"message": "why?", "temperature": 0}]
    assert tether.requests == []


class TestUploads:
    def test_send_files_as_they_are(self, tether: FakeTether, do: Do, tmp_path: Path) -> None:
        (tmp_path / "größe.csv").write_bytes(b"a\r\n\x00")
        (tmp_path / "b").write_bytes(b"")
        found = do("upload", tmp_path / "größe.csv", str(tmp_path / "b"))
        assert [upload["id"] for upload in found] == ["u_1", "u_2"]
        assert tether.uploads == [("größe.csv", b"a\r\n\x00"), ("b", b"")]

    def test_tell_which_file_is_not_there(self, tether: FakeTether, do: Do, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="gone"):
            do("upload", tmp_path / "gone")
        with pytest.raises(InvalidRequest, match="cannot be read"):
            do("upload", tmp_path)
        with pytest.raises(NotFound, match="no home folder"):
            do("upload", "~nobody_of_that_name/a.csv")
        assert tether.paths == []

    def test_read_nothing_of_a_file_that_no_server_takes(
        self, tether: FakeTether, do: Do, tmp_path: Path
    ) -> None:
        with (tmp_path / "big.parquet").open("wb") as file:
            file.truncate(30 << 30)
        with pytest.raises(TooLarge, match=r"has 32\.2 GB, more than any server takes"):
            do("upload", tmp_path / "big.parquet")
        assert tether.paths == []


def test_settings_are_those_in_force(tether: FakeTether, do: Do) -> None:
    tether.settings = {"model": {"value": "local:tiny", "layer": "default"}}
    assert do("settings", "magic") == tether.settings
    assert tether.paths == ["/base/tether/clients/magic/llm"]


def test_conversations_can_be_narrowed_down(tether: FakeTether, do: Do) -> None:
    tether.notebooks = {"k1": "c_1", "k2": "c_2"}
    assert {row["id"] for row in do("conversations")} == {"c_1", "c_2"}
    assert [row["id"] for row in do("conversations", notebook="k2.ipynb", project_id=None)] == ["c_2"]
    assert do("conversation", "c_2")["notebook"] == "k2.ipynb"


def test_messages_come_with_all_branches(tether: FakeTether, do: Do) -> None:
    tether.talks = {"c_1": [{"id": "m_1"}, {"id": "m_2"}]}
    assert do("messages", "c_1") == tether.talks["c_1"]


def test_an_export_is_the_file_itself(tether: FakeTether, do: Do) -> None:
    assert do("export", "c_1", "ipynb", message="m_2") == b"# c_1 as ipynb\n"
    assert do("export", "c_1") == b"# c_1 as md\n"
    assert tether.exports == [("c_1", {"format": "ipynb", "message": "m_2"}), ("c_1", {"format": "md"})]


def test_an_id_from_elsewhere_leads_nowhere_else(tether: FakeTether, do: Do) -> None:
    assert do("messages", "../models?") == []
    assert tether.paths == ["/base/tether/conversations/..%2Fmodels%3F/messages"]
