"""`tether_jupyter.map` over what is no frame."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import threading
from collections import namedtuple
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest
from pydantic import BaseModel

import tether_jupyter
from tests.support.fake_rows import FakeRows, refusal
from tether_jupyter.errors import InvalidRequest


@dataclasses.dataclass
class Data:
    text: str


class Model(BaseModel):
    text: str


Named = namedtuple("Named", ["text"])  # noqa: PYI024 - what users have


def test_plain_values_are_called_value(fake: FakeRows) -> None:
    found = tether_jupyter.map((word for word in ["a", "b", "a"]), "Say {value}")
    assert found == ["SAY A", "SAY B", "SAY A"]
    assert isinstance(found, list)
    assert found.errors == {}
    assert len(fake.requests) == 2


@pytest.mark.parametrize("row", [{"text": "x"}, Data("x"), Model(text="x"), Named("x")])
def test_rows_with_names_are_read_by_them(fake: FakeRows, row: Any) -> None:
    assert tether_jupyter.map([row], "Say {text}") == ["SAY X"]


def test_a_typed_answer_is_a_value(fake: FakeRows) -> None:
    fake.answer = lambda request: '{"text": "b", "answer": "b"}'
    assert tether_jupyter.map([1], "Q {value}", schema="text") == [{"text": "b"}]
    assert tether_jupyter.map([1], "Q {value}", schema=Model) == [Model(text="b")]
    assert tether_jupyter.map([1], "Q {value}", schema=Literal["a", "b"]) == ["b"]


@pytest.mark.parametrize("schema", ["text", Model])
def test_rows_that_ask_the_same_have_answers_of_their_own(fake: FakeRows, schema: Any) -> None:
    fake.answer = lambda request: '{"text": "b"}'
    first, second = tether_jupyter.map([1, 1], "Q {value}", schema=schema)
    assert first == second
    assert first is not second


def test_a_set_is_asked_about_in_one_order(fake: FakeRows) -> None:
    # Both are the same set; the order in which they show depends on how they came about.
    tether_jupyter.map([{"of": {8, 0}}, {"of": {0, 8}}, {"of": [{8, 0}]}], "Say {of}")
    assert sorted(fake.prompts) == ["Say [0, 8]", "Say [[0, 8]]"]


def test_a_row_that_failed_is_none_and_has_its_reason(fake: FakeRows) -> None:
    fake.scripts = {"Say 2": [refusal("internal", 500, message="No luck.")]}
    found = tether_jupyter.map([1, 2, None, 3], "Say {value}")
    assert found == ["SAY 1", None, None, "SAY 3"]
    assert found.errors == {1: "No luck."}


def test_a_row_that_lacks_what_the_prompt_names_is_said_before_anything_is_sent(fake: FakeRows) -> None:
    with pytest.raises(InvalidRequest, match="Row 1 has no `text`"):
        tether_jupyter.map([{"text": "a"}, {"other": "b"}], "Say {text}")
    assert fake.requests == []


def test_a_frame_goes_its_own_way(fake: FakeRows) -> None:
    found = tether_jupyter.map(pd.DataFrame({"text": ["a"]}), "Say {text}")
    assert found["answer"].tolist() == ["SAY A"]


@pytest.mark.parametrize("rows", ["text", b"bytes", 3])
def test_one_value_is_no_rows(fake: FakeRows, rows: Any) -> None:
    with pytest.raises(InvalidRequest, match="asks about the rows"):
        tether_jupyter.map(rows, "Say {value}")


def test_no_rows_give_no_answers(fake: FakeRows) -> None:
    assert tether_jupyter.map([], lambda row: "x") == []


def test_it_runs_where_an_event_loop_is_running(fake: FakeRows) -> None:
    import asyncio

    async def cell() -> Any:
        return tether_jupyter.map([1], "Say {value}")

    assert asyncio.run(cell()) == ["SAY 1"]


def test_more_rows_than_connections_are_kept_open_go_through(fake: FakeRows) -> None:
    fake.held = ["Say"]
    thread = threading.Thread(target=lambda: (fake.wait_for(lambda fake: fake.inside == 150), fake.release()))
    thread.start()
    found = tether_jupyter.map(range(300), "Say {value}", concurrency=150)
    thread.join()
    assert len(found) == 300
    assert found.errors == {}
    assert fake.most_inside == 150


def test_a_process_with_many_open_files_can_ask(fake: FakeRows) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096) if hard > 0 else 4096, hard))
    with contextlib.ExitStack() as files:
        files.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        while files.enter_context(Path("/dev/null").open()).fileno() < 1024:
            pass
        found = tether_jupyter.map(range(5), "Say {value}", concurrency=1)
    assert found == [f"SAY {n}" for n in range(5)]


def test_a_local_engine_is_kept_busy_and_no_more(fake: FakeRows) -> None:
    fake.held = ["Say"]
    thread = threading.Thread(target=lambda: (fake.wait_for(lambda fake: fake.inside == 8), fake.release()))
    thread.start()
    tether_jupyter.map(range(60), "Say {value}")
    thread.join()
    assert fake.most_inside == 8
