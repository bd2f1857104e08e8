"""`--frame`: what its columns hold, and what they cannot."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from pydantic import BaseModel, Field

from tests.support.fake_tether import FakeTether, words

Said = Callable[..., str]


def reply(value: Any) -> list[dict[str, Any]]:
    """Return the script of an answer in JSON."""
    return words(json.dumps(value))


def test_holds_what_a_class_makes_of_its_values(
    shell: InteractiveShell, tether: FakeTether, said: Said
) -> None:
    class Seen(BaseModel):
        id: uuid.UUID = Field(alias="the-id")
        at: dt.datetime | None
        took: dt.timedelta

    shell.user_ns["Seen"] = Seen
    number = "12345678-1234-5678-1234-567812345678"
    rows = [
        {"the-id": number, "at": "2024-01-01T10:00:00+02:00", "took": "PT5M"},
        {"the-id": number, "at": None, "took": "PT1H"},
    ]
    tether.script = reply({"items": rows})
    said("-o table --frame --schema Seen Who?")
    table = shell.user_ns["table"]
    assert table["the-id"].tolist() == [number, number]
    assert table["at"].tolist() == [pd.Timestamp("2024-01-01T08:00:00Z"), pd.NaT]
    assert table["took"].tolist() == ["0:05:00", "1:00:00"]


def test_keeps_times_however_each_is_written(shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
    shell.user_ns["Seen"] = {
        "type": "object",
        "properties": {"at": {"type": "string", "format": "date-time"}},
    }
    times = ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00.5Z", "0001-02-03T00:00:00+02:00"]
    tether.script = reply({"items": [{"at": time} for time in times]})
    said("-o table --frame --schema Seen When?")
    assert [time.isoformat() for time in shell.user_ns["table"]["at"]] == [
        "2024-01-01T10:00:00+00:00", "2024-01-01T10:00:00.500000+00:00", "0001-02-02T22:00:00+00:00",
    ]  # fmt: skip


def test_may_have_a_choice_that_the_schema_says_twice(
    shell: InteractiveShell, tether: FakeTether, said: Said
) -> None:
    shell.user_ns["Mood"] = {"type": "object", "properties": {"x": {"enum": ["a", "b", "a"]}}}
    tether.script = reply({"items": [{"x": "b"}, {}]})
    said("-o table --frame --schema Mood How?")
    assert list(shell.user_ns["table"]["x"].cat.categories) == ["a", "b"]
    assert shell.user_ns["table"]["x"].fillna("a").tolist() == ["b", "a"]


@pytest.mark.parametrize(
    ("schema", "wrong", "told"),
    [
        ({"properties": {"n": {"type": "integer"}}}, {"n": 10**30}, "larger than a column of integers"),
        ({"properties": {"n": {"type": "number"}}}, {"n": 10**400}, "larger than a column of numbers"),
        ({"properties": {"n": {"type": "string"}}}, ["x"], "no object with the schema's fields"),
    ],
)
def test_what_it_cannot_hold_is_asked_for_once_more(
    shell: InteractiveShell, tether: FakeTether, said: Said, schema: Any, wrong: Any, told: str
) -> None:
    shell.user_ns["Wanted"] = schema
    tether.scripts = [reply({"items": [wrong]}), reply({"items": []})]
    said("-o table --frame --schema Wanted How many?")
    assert told in tether.requests[1]["message"]
    assert len(shell.user_ns["table"]) == 0
