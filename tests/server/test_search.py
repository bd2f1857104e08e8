"""Search over HTTP."""

from __future__ import annotations

import json

import pytest

from tests.support.identities import NamedIdentity
from tether_jupyter.server.search_forms import SearchResults


@pytest.fixture
def jp_server_config(jp_server_config):
    """A server that knows several people; whoever is not named is `somebody`."""
    config = {**jp_server_config}
    config["ServerApp"] = {**config["ServerApp"], "identity_provider_class": NamedIdentity}
    return config


@pytest.fixture
def find(ask):
    """Search, and return the status and what came back."""

    async def send(user="ann", **params):
        reply = await ask(
            "conversations", "search", method="GET", params=params, headers={"X-Test-User": user}
        )
        return reply.code, json.loads(reply.body)

    return send


@pytest.fixture
def tell(ask):
    async def send(message, user="ann", **more):
        reply = await ask("chat", body={"message": message, **more}, headers={"X-Test-User": user})
        return json.loads(reply.body)

    return send


async def test_what_was_asked_and_answered_is_found(find, tell):
    answer = await tell("where does df_total come from?", notebook="a/n.ipynb")
    status, found = await find(q="total", notebook="a/n.ipynb")
    assert status == 200
    SearchResults.model_validate(found, strict=True)
    assert {hit["conversation"]["id"] for hit in found["results"]} == {answer["conversation_id"]}
    roles = [hit["message"] and hit["message"]["role"] for hit in found["results"]]
    assert set(roles) == {None, "user", "assistant"}
    assert {"text": "total", "hit": True} in found["results"][0]["snippet"]
    assert len((await find(q="total", notebook="RTC:a/n.ipynb"))[1]["results"]) == 3
    assert (await find(q="total", notebook="b.ipynb"))[1] == {"results": [], "next": None}


async def test_markup_in_a_message_comes_back_as_text(find, tell):
    await tell("<mark><script>alert(1)</script> needle")
    _, found = await find(q="needle ")
    for hit in found["results"]:
        assert all(set(piece) == {"text", "hit"} for piece in hit["snippet"])
        assert any("<script>" in piece["text"] for piece in hit["snippet"])


async def test_nobody_finds_or_counts_what_another_has_said(find, tell):
    answer = await tell("a secret plan", notebook="plan.ipynb")
    nothing = (200, {"results": [], "next": None})
    assert await find("ben", q="secret") == nothing
    assert await find("ben", q="secret", notebook="plan.ipynb", offset="0", limit="100") == nothing
    assert await find("ben", q=answer["conversation_id"]) == nothing
    assert len((await find("ann", q="secret"))[1]["results"]) == 3


async def test_models_dates_and_pages(find, tell):
    for number in range(3):
        await tell(f"word number {number}")
    _, first = await find(q="word ", limit="4")
    assert (len(first["results"]), first["next"]) == (4, 4)
    _, rest = await find(q="word ", limit="100", offset="4")
    assert (len(rest["results"]), rest["next"]) == (5, None)
    model = next(hit["message"]["model"] for hit in rest["results"] if hit["message"]["model"])
    assert len((await find(q="word ", model=model))[1]["results"]) == 3
    assert (await find(q="word ", after="2999-01-01"))[1]["results"] == []
    assert len((await find(q="word ", before="2999-01-01T00:00:00+01:00"))[1]["results"]) == 9


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"limit": "0"}, "`limit`"),
        ({"limit": "101"}, "`limit`"),
        ({"limit": "²"}, "`limit`"),
        ({"offset": "-1"}, "`offset`"),
        ({"offset": "9" * 5000}, "`offset`"),
        ({"after": "soon"}, "`after`"),
        ({"before": "0001-01-01T00:00:00+14:00"}, "`before`"),
        ({"model_name": "x"}, "Unknown parameter `model_name`"),
    ],
)
async def test_what_is_no_parameter_is_said(find, params, said):
    status, found = await find(q="x", **params)
    assert status == 400
    assert said in found["error"]["message"]


@pytest.mark.parametrize(
    "q", ["", '"', "AND OR NOT", "a* (", "'; DROP TABLE messages", "%00", "\\", "\U0001f600"]
)
async def test_anything_may_be_typed(find, q):
    assert await find(q=q) == (200, {"results": [], "next": None})


class TestInMemory:
    """A server that keeps nothing."""

    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "mock", "keep_history": False}}

    async def test_nothing_is_found_there_and_no_database_made(self, find, tell, services):
        await tell("a word")
        assert await find(q="word") == (200, {"results": [], "next": None})
        assert not (services.settings.data_dir / "history.db").exists()
