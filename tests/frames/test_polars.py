"""`df.tether.map` on polars."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import Base64Bytes, HttpUrl

from tests.support.fake_rows import FakeRows
from tether_jupyter.errors import InvalidRequest


@pytest.fixture
def frame() -> pl.DataFrame:
    return pl.DataFrame({"text": ["good", None, "fine"], "price": [1.5, 2.0, 3.0]})


def test_an_answer_stands_beside_its_row(fake: FakeRows, frame: pl.DataFrame) -> None:
    found = frame.tether.map("Say {text}")
    assert found.columns == ["text", "price", "answer", "answer_error"]
    assert found["answer"].to_list() == ["SAY GOOD", None, "SAY FINE"]
    assert found["answer_error"].to_list() == [None, None, None]


def test_fields_become_columns_of_a_schema(fake: FakeRows, frame: pl.DataFrame) -> None:
    answer = {"mood": "glad", "n": 1, "score": 2, "ok": True, "on": "2024-02-29", "tags": ["a"],
              "at": "2024-01-02T03:04:05Z", "more": {"k": [1]}, "note": None}  # fmt: skip
    fake.answer = lambda request: json.dumps(answer)
    schema = "mood one of glad|sad, n int, score float, ok bool, on date, at datetime, tags list[str]"
    schema += ", more dict, note?"
    found = frame.tether.map("Judge: {text}", schema=schema)
    assert found.schema == {
        "text": pl.String, "price": pl.Float64, "mood": pl.Enum(["glad", "sad"]), "n": pl.Int64,
        "score": pl.Float64, "ok": pl.Boolean, "on": pl.Date, "at": pl.Datetime("us"),
        "tags": pl.List(pl.String), "more": pl.String, "note": pl.String, "error": pl.String,
    }  # fmt: skip
    assert found.row(0)[2:] == (
        "glad", 1, 2.0, True, dt.date(2024, 2, 29), dt.datetime.fromisoformat("2024-01-02T03:04:05"), ["a"],
        '{"k": [1]}', None, None,
    )  # fmt: skip
    assert found.row(1)[2:] == (None,) * 10


def test_objects_become_structs(fake: FakeRows, frame: pl.DataFrame) -> None:
    part = {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}}
    schema = {"type": "object", "properties": {"at": part, "n": {"type": "integer"}}, "required": ["at", "n"]}
    fake.answer = lambda request: '{"at": {"x": 1}, "n": 2}'
    found = frame.tether.map("Where: {text}", schema=schema)
    assert found["at"].dtype == pl.Struct({"x": pl.Int64, "y": pl.String})
    assert found["at"].to_list() == [{"x": 1, "y": None}, None, {"x": 1, "y": None}]


@pytest.mark.parametrize(
    ("part", "value", "held"),
    [
        ({"type": "object"}, r'{"k": "\ud800"}', '{"k": "?"}'),
        ({}, r'["\ud800"]', '["?"]'),
        ({"enum": ["a", "a"]}, '"a"', "a"),
        ({"type": "array", "items": {"type": "number"}}, f"[{'9' * 400}]", None),
    ],
)
def test_what_a_column_cannot_hold_ends_no_run(
    fake: FakeRows, frame: pl.DataFrame, part: Any, value: str, held: str | None
) -> None:
    fake.answer = lambda request: f'{{"x": {value}}}'
    found = frame.tether.map("Judge: {text}", schema={"type": "object", "properties": {"x": part}})
    assert found["x"].to_list() == [held, None, held]
    assert (found["x_error"][0] is None) == (held is not None)


ID = "12345678-1234-5678-1234-567812345678"


@pytest.mark.parametrize(
    ("kind", "answer", "held"),
    [
        (uuid.UUID, ID, ID),
        (list[uuid.UUID], [ID], [ID]),
        (HttpUrl, "https://example.org/a", "https://example.org/a"),
        (dt.time, "10:00", "10:00:00"),
        (dt.timedelta, "PT5M", "0:05:00"),
        (Path, "a/b", str(Path("a/b"))),
        (Base64Bytes, "/2E=", "\N{REPLACEMENT CHARACTER}a"),
    ],
)
def test_what_a_class_makes_of_a_text_stands_as_text(
    fake: FakeRows, frame: pl.DataFrame, kind: Any, answer: Any, held: Any
) -> None:
    fake.answer = lambda request: json.dumps({"answer": answer})
    found = frame.tether.map("Judge: {text}", schema=kind)
    assert found["answer"].to_list() == [held, None, held]
    assert found["answer_error"].to_list() == [None, None, None]


def test_a_series_becomes_a_frame_of_its_answers(fake: FakeRows, frame: pl.DataFrame) -> None:
    found = frame["text"].tether.map("Say {value}")
    assert found.columns == ["answer", "answer_error"]
    assert found["answer"].to_list() == ["SAY GOOD", None, "SAY FINE"]


def test_a_function_sees_the_whole_row(fake: FakeRows, frame: pl.DataFrame) -> None:
    found = frame.tether.map(lambda row: f"{row.text} {row.price}" if row.text else None)
    assert found["answer"].to_list() == ["GOOD 1.5", None, "FINE 3.0"]


def test_a_dry_run_has_three_rows(fake: FakeRows) -> None:
    found = pl.DataFrame({"n": range(10)}).tether.map("Say {n}", dry_run=True)
    assert found.rows["answer"].to_list() == ["SAY 0", "SAY 1", "SAY 2"]
    assert found.estimate.to_ask == 7


def test_an_empty_frame_has_the_columns(fake: FakeRows, frame: pl.DataFrame) -> None:
    found = frame.clear().tether.map("Judge: {text}", schema="label one of a|b, n int")
    assert found.schema["label"] == pl.Enum(["a", "b"])
    assert fake.requests == []


def test_a_lazy_frame_is_to_be_collected_first(fake: FakeRows, frame: pl.DataFrame) -> None:
    import tether_jupyter

    with pytest.raises(InvalidRequest, match="Collect it first"):
        frame.lazy().tether.map("Say {text}")
    with pytest.raises(InvalidRequest, match="Collect it first"):
        tether_jupyter.map(frame.lazy(), "Say {text}")
