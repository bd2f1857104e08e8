"""What a question may know of the notebook, and what of it leaves."""

from __future__ import annotations

import asyncio
import json
import os
import queue
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.auth.authorizer import AllowAllAuthorizer

from tether_jupyter.core.history import StoredMessage, new_id

PRICES = {
    "name": "df",
    "type": "pandas.DataFrame",
    "shape": [3, 2],
    "columns": [
        {"name": "city", "dtype": "str", "nulls": 0},
        {"name": "price", "dtype": "float64", "nulls": 1, "min": "17.25", "max": "99.5"},
    ],
    "rows": "     city  price\n0  Vienna  17.25",
}


SHOWN = """---------------------------------------------------------------------------
KeyError                                  Traceback (most recent call last)
Cell In[2], line 1
----> 1 sales['prise'].mean()

File ~/.venv/lib/python3.11/site-packages/pandas/core/indexes/base.py:3823, in Index.get_loc(self, key)
   3822         raise InvalidIndexError(key) from err
-> 3823     raise KeyError(key) from err
   3824 except TypeError:

File pandas/_libs/hashtable_class_helper.pxi:7734, in pandas._libs.hashtable.PyObjectHashTable.get_item()
-> 7734 'Could not get source, probably due dynamically evaluated source code.'

KeyError: 'prise'"""


def content(reply: Any) -> Any:
    return json.loads(reply.body)


def variable(data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "variable", "name": data["name"], "data": data}


def sent(preview: dict[str, Any]) -> str:
    return json.dumps(preview["messages"], ensure_ascii=False)


async def previewed(ask: Any, **fields: Any) -> dict[str, Any]:
    reply = await ask("context", body={"message": "why?", **fields})
    assert reply.code == 200, reply.body
    found: dict[str, Any] = content(reply)
    return found


@pytest.fixture
def notebook(jp_root_dir: Path) -> str:
    cells = [
        nbformat.v4.new_code_cell("import pandas as pd", id="imports"),
        nbformat.v4.new_code_cell("df = pd.read_csv('prices.csv')", id="load"),
        nbformat.v4.new_markdown_cell("# Prices", id="head"),
        nbformat.v4.new_code_cell("df.price.mean()", id="mean"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), jp_root_dir / "prices.ipynb")
    return "prices.ipynb"


async def test_a_preview_shows_what_the_model_then_gets(ask, mock):
    asked = {"message": "what is df?", "context": [variable(PRICES)]}
    preview = await previewed(ask, **asked)
    assert preview["to"] == {"backend": "mock", "model": "mock", "place": "this machine", "leaves": False}
    assert [(item["kind"], item["name"]) for item in preview["items"]] == [("variable", "df")]
    assert preview["tokens"] >= preview["items"][0]["tokens"] > 0
    assert not mock.prompts
    await ask("chat", body=asked)
    assert list(mock.prompts[-1].messages) == preview["messages"]


async def test_a_brief_preview_tells_the_same_figures_without_the_messages(ask):
    asked = {"message": "what is df?", "context": [variable(PRICES)]}
    whole = await previewed(ask, **asked)
    brief = content(await ask("context", body=asked, params={"brief": "true"}))
    assert {**whole, "messages": []} == brief
    refused = await ask("context", body=asked, params={"brief": "perhaps"})
    assert refused.code == 400


async def test_what_was_counted_once_is_not_counted_again(ask, mock, monkeypatch):
    counted = []

    async def count(texts):
        counted.append(list(texts))
        return [7 for _ in texts]

    monkeypatch.setattr(mock, "count", count)
    first = content(await ask("context", body={"message": "hello"}, params={"brief": "true"}))
    counted.clear()
    again = content(await ask("context", body={"message": "hello, you"}, params={"brief": "true"}))
    assert again["tokens"] == first["tokens"] > 0
    # The system prompt is the same: only the words are counted.
    assert [texts for texts in counted if texts] == [["hello, you"]]


async def test_figures_are_told_while_another_preview_makes_room_for_its_own(services, mock, monkeypatch):
    monkeypatch.setattr("tether_jupyter.seeing.MOST_COUNTS", 3)
    held, go = asyncio.Event(), asyncio.Event()

    async def count(texts):
        if "slow" in texts:
            held.set()
            await go.wait()
        return [len(text) for text in texts]

    monkeypatch.setattr(mock, "count", count)
    assert await services.seeing.counted(mock, ["known"]) == [5]
    first = asyncio.create_task(services.seeing.counted(mock, ["known", "slow"]))
    await held.wait()
    assert await services.seeing.counted(mock, ["a", "bb", "ccc"]) == [1, 2, 3]
    go.set()
    assert await first == [5, 4]


async def test_a_preview_keeps_nothing(ask):
    await previewed(ask, context=[variable(PRICES)])
    assert content(await ask("conversations", method="GET"))["conversations"] == []


async def test_hello_costs_little(ask):
    assert (await previewed(ask, message="hello"))["tokens"] <= 400


@pytest.mark.parametrize(
    ("level", "there", "missing"),
    [
        ("schema", ["city", "float64"], ["Vienna", "17.25", "99.5"]),
        ("samples", ["city", "Vienna", "17.25"], []),
        ("off", [], ["city", "Vienna"]),
    ],
)
async def test_a_level_decides_how_much_of_a_variable_goes_along(ask, level, there, missing):
    preview = await previewed(ask, context=[variable(PRICES)], see={"level": level})
    assert preview["level"] == level
    assert [word for word in there if word not in sent(preview)] == []
    assert [word for word in missing if word in sent(preview)] == []
    if level == "off":
        [left] = preview["left_out"]
        assert (left["kind"], left["name"], "level `off`" in left["why"]) == ("variable", "df", True)


class TestElsewhere:
    @pytest.fixture
    def tether_config(self) -> dict[str, Any]:
        return {"Tether": {"backend": "openai"}, "OpenAILLM": {"base_url": "https://api.example.org/v1"}}

    async def test_only_the_schema_leaves_this_machine_unless_somebody_says_more(self, ask):
        preview = await previewed(ask, context=[variable(PRICES)])
        assert (preview["level"], preview["to"]["leaves"]) == ("schema", True)
        assert preview["to"]["place"] == "api.example.org"
        assert "Vienna" not in sent(preview)
        preview = await previewed(ask, context=[variable(PRICES)], see={"level": "samples"})
        assert "Vienna" in sent(preview)


class TestNamedByItsClass:
    @pytest.fixture
    def tether_config(self) -> dict[str, Any]:
        return {"Tether": {"backend": "tether_jupyter.llm.mock:MockService"}}

    async def test_a_backend_with_a_colon_in_its_name_is_told_as_it_is(self, ask):
        to = (await previewed(ask))["to"]
        assert (to["backend"], to["model"]) == ("tether_jupyter.llm.mock:MockService", "mock")


class TestAtMost:
    @pytest.fixture
    def tether_config(self) -> dict[str, Any]:
        return {"Tether": {"backend": "mock", "see_at_most": "schema"}}

    async def test_nobody_gets_more_than_the_server_allows(self, ask):
        preview = await previewed(ask, context=[variable(PRICES)], see={"level": "values"})
        assert (preview["level"], "Vienna" in sent(preview)) == ("schema", False)


async def test_a_conversation_and_a_front_end_can_be_set_to_a_level(ask):
    await ask("clients", "lab", "llm", method="PUT", body={"see": {"level": "schema", "cells": "around"}})
    asked = {"context": [variable(PRICES)], "client_id": "lab"}
    preview = await previewed(ask, **asked)
    assert preview["level"] == "schema"
    assert [left["kind"] for left in preview["left_out"]] == ["cell"]
    made = content(await ask("conversations", body={"metadata": {"see": {"level": "off"}}}))
    preview = await previewed(ask, context=[variable(PRICES)], conversation_id=made["id"])
    assert preview["level"] == "off"
    assert (await previewed(ask, **asked, see={"level": "values"}))["level"] == "values"


async def test_a_level_that_no_question_could_ask_for_is_not_followed(ask, services):
    made = content(await ask("conversations"))
    await services.history.change("owner", made["id"], data={"see": {"names": 5, "cells": "all"}})
    preview = await previewed(ask, context=[variable(PRICES)], conversation_id=made["id"])
    assert preview["level"] == (await previewed(ask, context=[variable(PRICES)]))["level"]


async def test_a_preview_moves_no_conversation_to_the_notebook_that_is_open(ask):
    made = content(await ask("chat", body={"message": "one", "notebook": "a.ipynb"}))
    await previewed(ask, conversation_id=made["conversation_id"], notebook="b.ipynb")
    kept = content(await ask("conversations", made["conversation_id"], method="GET"))
    assert kept["notebook"] == "a.ipynb"


async def test_a_preview_counts_no_attachment_as_used(ask, services, jp_root_dir):
    (jp_root_dir / "notes.txt").write_text("remember the milk")
    taken = content(await ask("uploads", body={"path": "notes.txt"}))["uploads"][0]["id"]

    async def used() -> bool:
        from sqlalchemy import select

        from tether_jupyter.store.tables import uploads

        query = select(uploads.c.used_at).where(uploads.c.id == taken)
        return await services.database.read(lambda found: found.execute(query).scalar_one()) is not None

    assert "remember the milk" in sent(await previewed(ask, attachments=[taken]))
    assert not await used()
    await ask("chat", body={"message": "what?", "attachments": [taken]})
    assert await used()


async def test_a_cell_is_kept_with_its_question_where_an_attached_file_found_no_room(
    ask, mock, monkeypatch, jp_root_dir
):
    async def count(texts):
        return [len(text) for text in texts]

    monkeypatch.setattr(mock, "window", 1000)
    monkeypatch.setattr(mock, "count", count)
    (jp_root_dir / "notes.txt").write_text("remember the milk\n" * 200)
    taken = content(await ask("uploads", body={"path": "notes.txt"}))["uploads"][0]["id"]
    cell = {"kind": "cell", "name": "cell 3", "text": "total = 1\n" * 85}
    body = {"message": "why?", "system": "", "attachments": [taken], "context": [cell], "max_tokens": 100}
    assert [each["name"] for each in (await previewed(ask, **body))["left_out"]] == ["notes.txt"]
    told = content(await ask("chat", body=body))
    reply = await ask("conversations", told["conversation_id"], "messages", method="GET")
    asked = content(reply)["messages"][0]
    reply = await ask("conversations", told["conversation_id"], "messages", asked["id"], method="GET")
    assert [each["name"] for each in content(reply)["context"]] == ["cell 3"]


async def test_cells_before_the_question_go_along_and_those_after_it_do_not(ask, notebook):
    preview = await previewed(ask, notebook=notebook, see={"cells": "around", "cell_id": "mean"})
    assert "read_csv" in sent(preview)
    assert {item["kind"] for item in preview["items"]} == {"cell"}
    assert "df.price.mean()" not in sent(preview)


async def test_cells_around_one_go_along_where_the_file_keeps_no_ids(ask, notebook, jp_root_dir):
    found = nbformat.read(jp_root_dir / notebook, 4)
    for cell in found.cells:
        del cell["id"]
    found.nbformat_minor = 4
    nbformat.write(found, jp_root_dir / notebook)
    asked = {"cells": "around", "cell_id": "of-the-page", "cell_index": 1}
    preview = await previewed(ask, notebook=notebook, see=asked)
    assert "import pandas" in sent(preview)
    assert "read_csv" not in sent(preview)
    assert (await ask("context", body={"message": "why?", "see": {"cell_index": -1}})).code == 400


@pytest.mark.parametrize(("level", "there"), [("schema", False), ("samples", True)])
async def test_a_level_holds_for_what_cells_have_shown_too(ask, jp_root_dir, level, there):
    html = "<table><tr><th>city</th></tr><tr><td>Vienna</td></tr></table>"
    shown = nbformat.v4.new_output("execute_result", {"text/html": html, "text/plain": "city Vienna"})
    cells = [nbformat.v4.new_code_cell("df.head()", outputs=[shown])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), jp_root_dir / "shown.ipynb")
    preview = await previewed(ask, notebook="shown.ipynb", see={"cells": "all", "level": level})
    assert ("city" in sent(preview), "Vienna" in sent(preview)) == (True, there)


@pytest.mark.parametrize("path", ["none.ipynb", "../out.ipynb", ".hidden/n.ipynb", "notes.txt"])
async def test_a_notebook_that_cannot_be_read_is_told(ask, jp_root_dir, path):
    where = jp_root_dir / path
    if path == "notes.txt":
        where.write_text("secret_plan()")
    elif path != "none.ipynb":
        where.parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("secret_plan()")]), where)
    preview = await previewed(ask, notebook=path, see={"cells": "all"})
    [left] = preview["left_out"]
    assert (left["kind"], left["name"]) == ("cell", path)
    assert "secret_plan" not in sent(preview)


class TestBudget:
    @pytest.fixture
    def tether_config(self) -> dict[str, Any]:
        return {"Tether": {"backend": "mock", "context_budget": 60}}

    async def test_what_does_not_fit_is_listed_with_its_tokens(self, ask, jp_root_dir):
        cells = [nbformat.v4.new_code_cell(f"value_{n} = {n}\n" * 4) for n in range(12)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), jp_root_dir / "long.ipynb")
        preview = await previewed(ask, notebook="long.ipynb", see={"cells": "all"})
        assert 0 < len(preview["items"]) < 12
        assert len(preview["items"]) + len(preview["left_out"]) == 12
        assert all(left["why"] for left in preview["left_out"])
        assert "value_11" in sent(preview)


async def test_what_went_along_is_told_with_the_answer_and_kept_with_the_question(ask, stream):
    events = [e async for e in stream({"message": "why?", "context": [variable(PRICES)]}).events()]
    told = events[0]["meta"]["context"]
    assert [item["name"] for item in told["items"]] == ["df"]
    where = ("conversations", events[0]["meta"]["conversation_id"], "messages")
    [question, _] = content(await ask(*where, method="GET"))["messages"]
    assert question["metadata"]["context"] == told


async def test_an_answer_is_made_again_with_the_context_of_its_question(ask, mock):
    given = [variable(PRICES), {"kind": "cell", "name": "2", "text": "df.mean()"}]
    first = content(await ask("chat", body={"message": "why?", "context": given}))
    again = {"regenerate": first["id"], "conversation_id": first["conversation_id"]}
    await ask("chat", body=again)
    before, after = mock.prompts[-2], mock.prompts[-1]
    assert after.messages[-1] == before.messages[-1]
    where = ("conversations", first["conversation_id"], "messages")
    [question, *_] = content(await ask(*where, method="GET"))["messages"]
    assert set(question["metadata"]) == {"context"}


LOWER = [
    ({"see": {"level": "schema"}}, {}),
    ({"see": {"level": "off"}}, {}),
    ({}, {"metadata": {"see": {"level": "schema"}}}),
]


@pytest.mark.parametrize(("fields", "conversation"), LOWER)
async def test_asked_again_a_question_shows_no_more_than_the_level_in_force(
    ask, mock, jp_root_dir, fields, conversation
):
    shown = nbformat.v4.new_output("execute_result", {"text/plain": "Graz 31.5"})
    cells = [nbformat.v4.new_code_cell("df.tail(1)", outputs=[shown])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), jp_root_dir / "shown.ipynb")
    typed = {"kind": "cell", "name": "2", "text": "df.mean()  # Linz"}
    body = {"message": "why?", "context": [variable(PRICES), typed], "notebook": "shown.ipynb"}
    first = content(await ask("chat", body=body | {"see": {"level": "samples", "cells": "all"}}))
    before = mock.prompts[-1].messages[-1]["content"]
    assert [word for word in ("Vienna", "Graz", "Linz") if word not in before] == []
    await ask("conversations", first["conversation_id"], method="PATCH", body=conversation)
    again = {"regenerate": first["id"], "conversation_id": first["conversation_id"], **fields}
    preview = content(await ask("context", body=again))
    assert preview["left_out"][0]["name"] == "df"
    assert all("was seen at level `samples`" in left["why"] for left in preview["left_out"])
    assert [(item["kind"], item["name"]) for item in preview["items"]] == [("cell", "2")]
    await ask("chat", body=again)
    after = mock.prompts[-1].messages[-1]["content"]
    assert [word for word in ("Vienna", "17.25", "Graz", "Linz") if word in after] == ["Linz"]
    # What is kept with the question is as it was: at its own level it goes along again.
    await ask("chat", body=again | {"see": {"level": "samples"}})
    assert mock.prompts[-1].messages[-1]["content"] == before


@pytest.mark.parametrize(
    ("context", "level", "there"),
    [
        ({"level": "samples"}, "samples", True),
        ({"level": "samples"}, "schema", False),
        ({}, "samples", False),
        ({}, "values", True),
        ("nothing", "samples", False),
    ],
)
async def test_of_a_question_kept_without_levels_all_that_may_be_data_has_the_questions(
    ask, mock, services, context, level, there
):
    given = [
        {"kind": "variable", "name": "df", "text": "Vienna"},
        {"kind": "file", "name": "notes.txt", "text": "Linz"},
    ]
    made = await services.history.create("owner")
    question = StoredMessage(new_id("m"), "user", "why?", data={"given": given, "context": context})
    await services.history.add("owner", made.id, question)
    again = {"regenerate": question.id, "conversation_id": made.id, "see": {"level": level}}
    assert (await ask("chat", body=again)).code == 200
    sent = mock.prompts[-1].messages[-1]["content"]
    assert ("Vienna" in sent, "Linz" in sent) == (there, True)


async def test_a_note_on_a_question_leaves_its_context_as_it_was(ask, mock):
    first = content(await ask("chat", body={"message": "why?", "context": [variable(PRICES)]}))
    where = ("conversations", first["conversation_id"], "messages")
    [question, _] = content(await ask(*where, method="GET"))["messages"]
    noted = {"metadata": {"tag": "mine", "given": "x"}}
    reply = await ask("messages", question["id"], method="PATCH", body=noted)
    assert content(reply)["metadata"] == {"tag": "mine"}
    [item] = content(await ask(*where, question["id"], method="GET"))["context"]
    assert (item["kind"], item["name"], set(item)) == (
        "variable",
        "df",
        {"kind", "name", "text", "level"},
    )
    again = {"regenerate": first["id"], "conversation_id": first["conversation_id"]}
    assert (await ask("chat", body=again)).code == 200
    assert mock.prompts[-1].messages == mock.prompts[-2].messages


async def test_context_that_is_none_is_asked_again_without_it(ask, services):
    made = await services.history.create("owner")
    question = StoredMessage(new_id("m"), "user", "why?", data={"given": "x"})
    await services.history.add("owner", made.id, question)
    reply = await ask("conversations", made.id, "messages", question.id, method="GET")
    assert content(reply)["context"] == []
    again = {"regenerate": question.id, "conversation_id": made.id}
    assert (await ask("chat", body=again)).code == 200


async def test_a_piece_of_an_earlier_question_is_left_out_where_less_may_be_seen_now(ask):
    first = content(
        await ask(
            "chat", body={"message": "why?", "context": [variable(PRICES)], "see": {"level": "samples"}}
        )
    )
    where = ("conversations", first["conversation_id"], "messages")
    [question, _] = content(await ask(*where, method="GET"))["messages"]
    [piece] = content(await ask(*where, question["id"], method="GET"))["context"]
    assert piece["level"] == "samples"
    again = await previewed(ask, message="and now?", context=[piece], see={"level": "samples"})
    assert "Vienna" in sent(again)
    less = await previewed(ask, message="and now?", context=[piece], see={"level": "schema"})
    assert "Vienna" not in sent(less)
    assert "`samples`" in less["left_out"][0]["why"]


async def test_asked_again_a_question_sees_no_variable_that_its_data_names(ask, jp_serverapp, mock):
    async with kernel(jp_serverapp) as (kernel_id, client):
        await client.execute_interactive("customers = {'Vienna': 3}", timeout=60)
        asked = {"message": "sum up: see @customers now", "kernel_id": kernel_id}
        first = content(await ask("chat", body=asked | {"see": {"words": False}}))
        again = {
            "regenerate": first["id"],
            "conversation_id": first["conversation_id"],
            "kernel_id": kernel_id,
        }
        await ask("chat", body=again)
        assert "dict" not in str(mock.prompts[-1].messages)
        typed = content(await ask("chat", body=asked))
        assert "dict" in str(mock.prompts[-1].messages)
        await ask(
            "chat", body=again | {"regenerate": typed["id"], "conversation_id": typed["conversation_id"]}
        )
        assert "dict" in str(mock.prompts[-1].messages)


async def test_one_question_is_told_with_what_went_along_as_the_model_saw_it(ask, mock):
    given = [variable(PRICES), {"kind": "cell", "name": "2", "text": f"key = {SECRET!r}"}]
    first = content(await ask("chat", body={"message": "why?", "context": given}))
    where = ("conversations", first["conversation_id"], "messages")
    [question, answer] = content(await ask(*where, method="GET"))["messages"]
    told = content(await ask(*where, question["id"], method="GET"))
    assert {name: told[name] for name in question} == question
    assert {(item["kind"], item["name"]) for item in told["context"]} == {("variable", "df"), ("cell", "2")}
    assert all(item["text"] in mock.prompts[-1].messages[-1]["content"] for item in told["context"])
    assert SECRET not in json.dumps(told)
    assert content(await ask(*where, answer["id"], method="GET"))["context"] == []


@pytest.mark.parametrize("where", [("c_none", "m_none"), (None, "m_none"), ("c_none", None)])
async def test_a_message_that_is_not_in_the_conversation_is_not_found(ask, where):
    first = content(await ask("chat", body={"message": "why?"}))
    conversation, message = where[0] or first["conversation_id"], where[1] or first["id"]
    reply = await ask("conversations", conversation, "messages", message, method="GET")
    assert reply.code == 404
    assert content(reply)["error"]["type"] == "not_found"


async def test_no_more_is_kept_of_the_data_than_the_model_saw(ask, services):
    secret = {"kind": "cell", "name": "2", "text": f"key = {SECRET!r}"}
    body = {"message": "why?", "context": [variable(PRICES), secret], "see": {"level": "schema"}}
    reply = content(await ask("chat", body=body))
    stored = await services.history.messages("owner", reply["conversation_id"])
    kept = json.dumps(stored[0].data)
    assert "city" in kept
    assert [word for word in ("Vienna", "17.25", SECRET) if word in kept] == []


async def test_an_error_as_a_page_shows_it_goes_without_the_frames_of_libraries(ask, mock):
    asked = {"message": "why?", "context": [{"kind": "error", "name": "KeyError in cell 2", "text": SHOWN}]}
    first = content(await ask("chat", body=asked))
    [message] = [each["content"] for each in mock.prompts[-1].messages if each["role"] == "user"]
    assert "----> 1 sales['prise'].mean()" in message
    assert "2 frames in pandas" in message
    assert "KeyError: 'prise'" in message
    assert "raise KeyError(key)" not in message
    assert "hashtable" not in message
    again = {"conversation_id": first["conversation_id"], "regenerate": first["id"]}
    assert (await ask("chat", body=again)).code == 200
    assert [prompt.messages[-1]["content"] for prompt in mock.prompts] == [message, message]


@pytest.mark.parametrize(
    "text", ["KeyError: 'prise'", "Error in eval(expr): object 'x' not found\n  at line 3"]
)
async def test_an_error_that_is_no_traceback_goes_as_it_is(ask, mock, text):
    await ask("chat", body={"message": "why?", "context": [{"kind": "error", "name": "it", "text": text}]})
    assert text in mock.prompts[-1].messages[-1]["content"]


async def test_a_plain_question_says_nothing_of_context(stream):
    events = [e async for e in stream({"message": "hello"}).events()]
    assert set(events[0]["meta"]) == {
        "id",
        "conversation_id",
        "parent_id",
        "model",
        "role",
        "correlation_id",
    }


SECRET = "sk-proj-9fKq2LmZ8vXw4TnB7yRc1JhD"


async def test_a_secret_reaches_no_model_wherever_it_stands(ask, mock):
    given = [
        {"kind": "cell", "name": "3", "text": f'client = OpenAI(api_key="{SECRET}")'},
        {"kind": "file", "name": ".env", "text": "DB_PASSWORD=tr0ub4dor&3"},
    ]
    asked = {"message": f"is {SECRET} right?", "context": given, "system": f"Use {SECRET}."}
    reply = content(await ask("chat", body=asked))
    asked = json.dumps(list(mock.prompts[-1].messages))
    assert (SECRET in asked, "tr0ub4dor" in asked) == (False, False)
    assert SECRET not in reply["content"]
    again = {"message": "and now?", "conversation_id": reply["conversation_id"]}
    await ask("chat", body=again)
    assert SECRET not in json.dumps(list(mock.prompts[-1].messages))
    preview = await previewed(ask, **again)
    assert sum(each["count"] for each in preview["masked"]) >= 1


class TestUnmasked:
    @pytest.fixture
    def tether_config(self) -> dict[str, Any]:
        return {"Tether": {"backend": "mock", "mask_secrets": False}}

    async def test_an_administrator_can_let_secrets_through(self, ask, mock):
        await ask("chat", body={"message": f"is {SECRET} right?"})
        assert SECRET in json.dumps(list(mock.prompts[-1].messages))


def without_projects(text: str) -> str:
    return text.replace("Project Falcon", "a project")


def failing(text: str) -> str:
    raise RuntimeError(text)


class TestRules:
    @pytest.fixture
    def tether_config(self) -> dict[str, Any]:
        return {"Tether": {"backend": "mock", "mask_rules": ["tests.server.test_context:without_projects"]}}

    async def test_a_hubs_own_rule_is_obeyed(self, ask, mock):
        await ask("chat", body={"message": "what is Project Falcon?"})
        assert mock.prompts[-1].messages[-1]["content"] == "what is a project?"


class TestBrokenRules:
    @pytest.fixture(params=["tests.server.test_context:failing", "tests.server.test_context:gone"])
    def tether_config(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return {"Tether": {"backend": "mock", "mask_rules": [request.param]}}

    async def test_nothing_is_sent_where_a_rule_fails(self, ask, mock):
        reply = await ask("chat", body={"message": "Falcon"})
        assert (reply.code, "nothing was sent" in content(reply)["error"]["message"]) == (500, True)
        assert not mock.prompts


class TestStrangers:
    class NoKernels(AllowAllAuthorizer):
        def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
            return resource not in ("kernels", "contents")

    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        config = {**jp_server_config}
        config["ServerApp"] = {**config["ServerApp"], "authorizer_class": self.NoKernels}
        return config

    @pytest.mark.parametrize("see", [{"names": ["df"]}, {"error": True}, {"running": True}, {"cells": "all"}])
    async def test_who_may_not_use_kernels_or_files_sees_nothing_through_tether(self, ask, see):
        refused = await ask("chat", body={"message": "what?", "kernel_id": "k", "notebook": "n", "see": see})
        assert (refused.code, content(refused)["error"]["type"]) == (403, "forbidden")


@asynccontextmanager
async def kernel(app: Any) -> AsyncIterator[tuple[str, Any]]:
    """Run a kernel of the server; yield its id and a client."""
    manager = app.kernel_manager
    kernel_id = await manager.start_kernel()
    client = manager.get_kernel(kernel_id).client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield kernel_id, client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(kernel_id, now=True)


async def test_a_variable_of_a_kernel_is_described_by_name(ask, jp_serverapp):
    async with kernel(jp_serverapp) as (kernel_id, client):
        await client.execute_interactive("totals = {'Vienna': 3}", timeout=60)
        names = {"names": ["totals", "gone"], "level": "schema"}
        preview = await previewed(ask, kernel_id=kernel_id, see=names)
        assert [item["name"] for item in preview["items"]] == ["totals"]
        assert "dict" in sent(preview)
        assert [left["name"] for left in preview["left_out"]] == ["gone"]


async def test_the_names_in_a_kernel_are_listed_without_a_value(ask, jp_serverapp):
    async with kernel(jp_serverapp) as (kernel_id, client):
        client.execute("api_key, totals = 'sk-not-to-be-told', {'Vienna': 17.25}")
        await client._async_get_shell_msg(timeout=60)
        told = content(await ask("variables", kernel_id, method="GET"))
        names = {each["name"]: each["type"] for each in told["variables"]}
        assert names == {"totals": "dict", "api_key": "str"}
        assert told["problem"] is None
        assert [word for word in ("Vienna", "17.25", "not-to-be-told") if word in json.dumps(told)] == []


async def test_a_kernel_that_is_gone_lists_no_names_and_says_why(ask):
    told = content(await ask("variables", "no-such-kernel", method="GET"))
    assert told["variables"] == []
    assert "Start it again" in told["problem"]


async def test_a_name_with_an_at_sign_is_looked_up_in_the_kernel(ask, jp_serverapp):
    async with kernel(jp_serverapp) as (kernel_id, client):
        await client.execute_interactive("totals = {'Vienna': 3}", timeout=60)
        preview = await previewed(ask, kernel_id=kernel_id, message="what is in @totals? ask ann@example.org")
        assert [item["name"] for item in preview["items"]] == ["totals"]
        assert preview["left_out"] == []
        data = {"name": "totals", "type": "list"}
        preview = await previewed(ask, kernel_id=kernel_id, message="@totals?", context=[variable(data)])
        assert (len(preview["items"]), "list" in sent(preview)) == (1, True)


async def test_how_far_a_running_cell_is_can_be_asked(ask, jp_serverapp, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    code = f"for epoch in range(7, 9):\n    open({str(gate)!r}).read()"
    async with kernel(jp_serverapp) as (kernel_id, client):
        idle = await previewed(ask, kernel_id=kernel_id, message="how far is it?")
        assert idle["items"] == []
        client.execute(code)
        async with asyncio.timeout(30):
            while jp_serverapp.kernel_manager.get_kernel(kernel_id).execution_state != "busy":
                # The server hears of it in its own time, maybe after all that is heard here.
                with suppress(queue.Empty):
                    await client.get_iopub_msg(timeout=0.1)
            while True:
                preview = await previewed(ask, kernel_id=kernel_id, message="how far is it?")
                if "open(" in sent(preview):
                    break
        [item] = preview["items"]
        assert (item["kind"], item["name"]) == ("cell", "what the kernel does now")
        assert "epoch" in sent(preview)


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "variable", "name": "x"},
        {"kind": "file", "name": "x", "data": {}},
        {"kind": "variable", "name": "x", "data": 3},
    ],
)
async def test_context_that_holds_nothing_is_refused(ask, item):
    assert (await ask("chat", body={"message": "x", "context": [item]})).code == 400


async def test_a_name_in_the_words_is_looked_up_beside_those_that_are_given(ask, jp_serverapp):
    async with kernel(jp_serverapp) as (kernel_id, client):
        await client.execute_interactive("totals, rates = {'Vienna': 3}, [0.19]", timeout=60)
        asked = {"kernel_id": kernel_id, "message": "what is in @totals?"}
        preview = await previewed(ask, **asked, see={"names": ["rates"]})
        assert sorted(item["name"] for item in preview["items"]) == ["rates", "totals"]


async def test_words_that_hold_data_ask_for_nothing(ask, jp_serverapp):
    async with kernel(jp_serverapp) as (kernel_id, client):
        await client.execute_interactive("totals, rates = {'Vienna': 3}, [0.19]", timeout=60)
        asked = {"kernel_id": kernel_id, "message": "sum up: see @totals and @bob"}
        preview = await previewed(ask, **asked, see={"words": False, "names": ["rates"]})
        assert [item["name"] for item in preview["items"]] == ["rates"]
        assert preview["left_out"] == []
        assert "Vienna" not in sent(preview)


async def test_words_that_hold_data_do_not_ask_how_far_a_cell_is(ask, jp_serverapp, monkeypatch):
    async with kernel(jp_serverapp) as (kernel_id, _):
        monkeypatch.setattr("tether_jupyter.seeing.Seeing.busy", lambda *_: True)
        asked = {"kernel_id": kernel_id, "message": "sum up: still running"}
        preview = await previewed(ask, **asked, see={"words": False})
        assert (preview["items"], preview["left_out"]) == ([], [])
