"""What a question says of what may be seen, and what is then looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_server.auth.authorizer import AllowAllAuthorizer

from tests.server.test_context import content, kernel, previewed, sent

CTRL_G = {"message": "smooth it with a running mean", "conversation_id": "inline-1", "store": False}
"""As the front end asks for another source of a cell."""


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tether_jupyter.seeing.Seeing.busy", lambda *_: True)


async def test_a_question_under_an_id_of_its_own_holds_no_past_of_the_notebook(ask):
    told = content(await ask("chat", body={"message": "call me Ishmael", "notebook": "a.ipynb"}))
    resumed = await previewed(ask, message="who am I?", notebook="a.ipynb")
    assert "Ishmael" in sent(resumed)
    own = await previewed(ask, **CTRL_G, notebook="a.ipynb")
    assert "Ishmael" not in sent(own)
    assert [message["role"] for message in own["messages"]] == ["system", "user"]
    await ask("chat", body={**CTRL_G, "notebook": "a.ipynb"})
    where = ("conversations", told["conversation_id"], "messages")
    assert len(content(await ask(*where, method="GET"))["messages"]) == 2


async def test_words_that_seem_to_ask_how_far_a_cell_is_look_nowhere_where_that_is_refused(
    ask, jp_serverapp, busy
):
    async with kernel(jp_serverapp) as (kernel_id, client):
        await client.execute_interactive("totals = {'Vienna': 3}", timeout=60)
        asked = {**CTRL_G, "kernel_id": kernel_id}
        assert (await previewed(ask, **asked))["items"] != []
        refused = await previewed(ask, **asked, see={"running": False})
        assert (refused["items"], refused["left_out"]) == ([], [])
        named = {**asked, "message": "show the progress of @totals"}
        [item] = (await previewed(ask, **named, see={"running": False}))["items"]
        assert item["name"] == "totals"
        made = content(await ask("conversations", body={"metadata": {"see": {"running": False}}}))
        assert (await previewed(ask, **asked | {"conversation_id": made["id"]}))["items"] == []


class TestWithoutKernels:
    class NoKernels(AllowAllAuthorizer):
        def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
            return resource != "kernels"

    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        config = {**jp_server_config}
        config["ServerApp"] = {**config["ServerApp"], "authorizer_class": self.NoKernels}
        return config

    async def test_who_may_not_use_kernels_can_speak_of_progress(self, ask, busy):
        asked = {**CTRL_G, "kernel_id": "k"}
        assert (await ask("chat", body=asked)).code == 403
        assert (await ask("chat", body={**asked, "see": {"running": False}})).code == 200


async def failed(client: Any, code: str) -> dict[str, Any]:
    """Run a cell that fails; return its error as the notebook shows it."""
    reply = await client.execute_interactive(code, timeout=60, output_hook=lambda _: None)
    told = reply["content"]
    return {name: told[name] for name in ("ename", "evalue", "execution_count")}


async def test_of_an_older_error_the_kernels_later_one_does_not_go_along(ask, jp_serverapp):
    async with kernel(jp_serverapp) as (kernel_id, client):
        await client.execute_interactive("rows = {'a': 1}", timeout=60)
        # The same words in two cells: only the cell tells them apart.
        third = await failed(client, "first = 3\nrows['b']")
        fourth = await failed(client, "second = 4\nrows['b']")
        await client.execute_interactive("rows['a']", timeout=60)
        see = {"error": True, "level": "samples"}
        last = await previewed(ask, kernel_id=kernel_id, see={**see, "shown_error": fourth})
        assert [item["kind"] for item in last["items"]] == ["error"]
        assert "rows['b']" in sent(last)
        older = await previewed(ask, kernel_id=kernel_id, see={**see, "shown_error": third})
        assert older["items"] == []
        assert "rows" not in json.dumps(older["messages"])
        [left] = older["left_out"]
        assert (left["name"], left["why"]) == (
            "the last error",
            "it is another one than the question is about",
        )
        other = {"ename": "ValueError", "evalue": "no such file"}
        assert (await previewed(ask, kernel_id=kernel_id, see={**see, "shown_error": other}))["items"] == []
        assert (await previewed(ask, kernel_id=kernel_id, see=see))["items"] != []


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return 1 / 0\nf()",
        "class Own(Exception):\n    def __str__(self):\n        return 'code 7'\nraise Own(1, 2)",
        "x = (",
        "%%time\n1 / 0",
        "open('/no/such/file')",
        "assert False",
    ],
)
async def test_the_error_that_a_cell_shows_is_known_again(ask, jp_serverapp, code):
    async with kernel(jp_serverapp) as (kernel_id, client):
        shown = await failed(client, code)
        preview = await previewed(ask, kernel_id=kernel_id, see={"error": True, "shown_error": shown})
        assert [item["kind"] for item in preview["items"]] == ["error"]


async def test_what_an_error_says_is_compared_and_not_sent(ask, jp_serverapp):
    async with kernel(jp_serverapp) as (kernel_id, _):
        shown = {"ename": "KeyError", "evalue": "Vienna", "execution_count": 1}
        preview = await previewed(ask, kernel_id=kernel_id, see={"error": True, "shown_error": shown})
        assert "Vienna" not in json.dumps(preview)


async def test_a_preview_tells_what_stays_of_a_long_conversation_and_the_room_for_it(ask, mock, monkeypatch):
    monkeypatch.setattr(mock, "window", 4096)
    monkeypatch.setattr(mock, "reserved", lambda most, window, name: min(most, window // 4))

    async def count(texts):
        return [len(text) for text in texts]

    monkeypatch.setattr(mock, "count", count)
    told = content(await ask("chat", body={"message": "remember: " + "milk " * 300}))
    preview = await previewed(ask, conversation_id=told["conversation_id"])
    assert [message["role"] for message in preview["messages"]] == ["system", "user", "assistant", "user"]
    stays = [preview["messages"][at]["content"] for at in (0, -1)]
    assert preview["needed"] == sum(len(text) for text in stays)
    assert preview["tokens"] > preview["needed"] + 1500
    assert (preview["window"], preview["room"]) == (4096, 3072)
    assert (await previewed(ask, max_tokens=96))["room"] == 4000


async def test_half_of_a_window_is_the_questions_however_long_its_answer_may_be(ask, mock, monkeypatch):
    monkeypatch.setattr(mock, "window", 4096)
    assert (await previewed(ask, max_tokens=4096))["room"] == 2048
    assert (await previewed(ask, max_tokens=96))["room"] == 4000


async def test_the_room_of_an_unknown_window_is_unknown(ask):
    preview = await previewed(ask)
    assert (preview["window"], preview["room"]) == (None, None)
    assert preview["needed"] == preview["tokens"] > 0
