"""`df.tether.map` on pandas: what is sent, and what comes back."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from pydantic import Base64Bytes, BaseModel

from tests.support.fake_rows import FakeRows
from tether_jupyter.errors import InvalidRequest


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"text": ["good", "bad", "fine"], "price": [1.5, 2.0, 3.0]}, index=[7, 8, 8])


def test_an_answer_stands_beside_its_row(fake: FakeRows, frame: pd.DataFrame) -> None:
    before = frame.copy()
    found = frame.tether.map("Say {text} for {price}")
    assert list(found.columns) == ["text", "price", "answer", "answer_error"]
    assert found["answer"].tolist() == ["SAY GOOD FOR 1.5", "SAY BAD FOR 2.0", "SAY FINE FOR 3.0"]
    assert found["answer_error"].isna().all()
    assert list(found.index) == [7, 8, 8]
    pd.testing.assert_frame_equal(frame, before)


def test_before_pandas_3_the_answers_stand_in_a_copy(
    fake: FakeRows, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pd, "__version__", "2.3.3")
    found = frame.tether.map("Say {text}")
    assert not np.shares_memory(found["price"].to_numpy(), frame["price"].to_numpy())


def test_a_row_is_asked_as_one_of_many_which_nobody_waits_for(fake: FakeRows, frame: pd.DataFrame) -> None:
    frame.tether.map("Say {text}", max_tokens=5, seed=1, system="Be brief.", stop=["\n"])
    (request,) = [request for request in fake.requests if "good" in request["message"]]
    assert request == {
        "message": "Say good", "model": "local:tiny", "system": "Be brief.", "temperature": 0.0,
        "max_tokens": 5, "seed": 1, "stop": ["\n"], "store": False, "priority": "batch",
    }  # fmt: skip


def test_one_text_to_stop_at_is_one(fake: FakeRows, frame: pd.DataFrame) -> None:
    frame.tether.map("Say {text}", stop="END")
    assert {tuple(request["stop"]) for request in fake.requests} == {("END",)}


def test_the_servers_own_words_and_its_usual_model_are_settled(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.models = [{"name": "big", "backend": "openai", "place": "api.example.org"}]
    frame.tether.map("Say {text}", model="big")
    assert {(request["model"], request["system"]) for request in fake.requests} == {("openai:big", "")}


def test_fields_become_columns_of_types_that_hold_nulls(fake: FakeRows, frame: pd.DataFrame) -> None:
    answers = {
        "good": {"mood": "glad", "n": 1, "score": 2, "ok": True, "on": "2024-02-29", "tags": ["a"],
                 "note": "x", "at": "2024-01-02T03:04:05+02:00"},
        "bad": {"mood": None, "n": None, "score": None, "ok": None, "on": None, "tags": None, "note": None,
                "at": None},
    }  # fmt: skip
    fake.answer = lambda request: json.dumps(answers["bad" if "bad" in request["message"] else "good"])
    schema = "mood one of glad|sad?, n int?, score float?, ok bool?, on date?, at datetime?, tags list[str]?"
    schema += ", note?"
    found = frame.tether.map("Judge: {text}", schema=schema, name="x")
    assert {name: str(dtype) for name, dtype in found.dtypes.items() if str(name).startswith("x_")} == {
        "x_mood": "category", "x_n": "Int64", "x_score": "Float64", "x_ok": "boolean",
        "x_on": "datetime64[s]", "x_at": "datetime64[us]", "x_tags": "object", "x_note": "str",
        "x_error": "str",
    }  # fmt: skip
    first, second = found.iloc[0], found.iloc[1]
    assert (first["x_mood"], first["x_n"], first["x_score"], first["x_ok"]) == ("glad", 1, 2.0, True)
    assert first["x_on"] == pd.Timestamp("2024-02-29")
    assert first["x_at"] == pd.Timestamp("2024-01-02T01:04:05")
    assert first["x_tags"] == ["a"]
    assert second[["x_mood", "x_n", "x_score", "x_ok", "x_on", "x_at", "x_tags", "x_note"]].isna().all()
    assert list(found["x_mood"].cat.categories) == ["glad", "sad"]
    assert found["x_error"].isna().all()


def test_one_field_is_one_column_with_its_errors_beside_it(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.answer = lambda request: '{"label": "b"}'
    found = frame.tether.map("Judge: {text}", schema="label one of a|b")
    assert list(found.columns)[2:] == ["label", "label_error"]
    named = frame.tether.map("Judge: {text}", schema="label one of a|b", name="kind")
    assert list(named.columns)[2:] == ["kind", "kind_error"]


def test_a_class_and_a_type_are_schemas_as_well(fake: FakeRows, frame: pd.DataFrame) -> None:
    class Judged(BaseModel):
        label: Literal["a", "b"]
        since: dt.date

    fake.answer = lambda request: '{"label": "b", "since": "2024-01-01"}'
    found = frame.tether.map("Judge: {text}", schema=Judged)
    assert found["label"].tolist() == ["b", "b", "b"]
    assert found["since"].tolist() == [pd.Timestamp("2024-01-01")] * 3
    fake.answer = lambda request: '{"answer": 3}'
    assert frame.tether.map("Count: {text}", schema=int)["answer"].tolist() == [3, 3, 3]


def test_a_schema_is_sent_and_told(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.answer = lambda request: '{"label": "a"}'
    frame.tether.map("Judge: {text}", schema="label one of a|b")
    (request,) = [request for request in fake.requests if "good" in request["message"]]
    assert request["response_format"]["type"] == "json_schema"
    assert request["message"].startswith("Answer with one JSON object")
    assert request["message"].endswith("\n\nJudge: good")


def test_rows_without_a_value_are_left_out(fake: FakeRows) -> None:
    frame = pd.DataFrame({"a": ["x", None, None, float("nan")], "b": ["1", "2", None, pd.NA]})
    found = frame.tether.map("{a} and {b}")
    assert found["answer"].fillna("-").tolist() == ["X AND 1", "-", "-", "-"]
    assert found["answer_error"].isna().all()
    assert len(fake.requests) == 1
    frame.tether.map("{a} & {b}", skip_null=False)
    assert sorted(fake.prompts[1:]) == [" & ", " & 2", "x & 1"]


def test_empty_and_broken_texts_end_no_run(fake: FakeRows) -> None:
    frame = pd.DataFrame({"text": ["", "  ", "\n", "half \ud800 of one", "x"]}, dtype=object)
    found = frame.tether.map("{text}")
    assert found["answer"].fillna("-").tolist() == ["-", "-", "-", "HALF ? OF ONE", "X"]
    assert found["answer_error"].isna().all()


def test_half_a_character_in_an_answer_ends_no_run(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.answer = lambda request: "half \ud800"
    assert frame.tether.map("Say {text}")["answer"].tolist() == ["half ?"] * 3
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array"}}}
    fake.answer = lambda request: r'{"a": "half \ud800", "b": ["\ud800"]}'
    found = frame.tether.map("Judge {text}", schema=schema)
    assert found["a"].tolist() == ["half ?"] * 3
    assert len(frame.tether.map("Judge {text}", schema=schema)) == 3
    assert len(fake.requests) == 6


def test_a_function_makes_the_prompt_and_leaves_rows_out(fake: FakeRows, frame: pd.DataFrame) -> None:
    found = frame.tether.map(lambda row: f"{row.text}: {row['price']:.2f}" if row.price < 3 else None)
    assert found["answer"].fillna("-").tolist() == ["GOOD: 1.50", "BAD: 2.00", "-"]


def test_a_column_comes_before_a_method_of_the_same_name(fake: FakeRows) -> None:
    frame = pd.DataFrame([["3 apples", 7, "k", "_x"]], columns=["items", "values", "copy", "_id"])
    frame.tether.map(lambda row: f"{row.items}, {row.values}, {row.copy}, {row._id}, {row.get('no')}")
    assert fake.prompts == ["3 apples, 7, k, _x, None"]


def test_a_function_that_fails_says_at_which_row_and_sends_nothing(
    fake: FakeRows, frame: pd.DataFrame
) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        frame.tether.map(lambda row: str(1 / (row.price - 2)))
    assert raised.value.__notes__ == ["This is the prompt's own function, at row 1. Nothing was sent."]
    with pytest.raises(InvalidRequest, match="At row 0 it returned `int`"):
        frame.tether.map(lambda row: 3)
    assert fake.requests == []


def test_a_series_becomes_a_frame_of_its_answers(fake: FakeRows, frame: pd.DataFrame) -> None:
    found = frame["text"].tether.map("Say {value}, {text}")
    assert list(found.columns) == ["answer", "answer_error"]
    assert found["answer"].tolist() == ["SAY GOOD, GOOD", "SAY BAD, BAD", "SAY FINE, FINE"]
    assert list(found.index) == [7, 8, 8]
    with pytest.raises(InvalidRequest, match="no column `txt`"):
        frame["text"].tether.map("Say {txt}")


def test_the_same_question_is_asked_once(fake: FakeRows) -> None:
    frame = pd.DataFrame({"text": ["a", "b"] * 50})
    found = frame.tether.map("Say {text}")
    assert len(fake.requests) == 2
    assert found["answer"].tolist() == ["SAY A", "SAY B"] * 50


def test_an_answer_never_takes_the_place_of_what_the_prompt_reads(
    fake: FakeRows, frame: pd.DataFrame
) -> None:
    with pytest.raises(InvalidRequest, match="`text` would take the place"):
        frame.tether.map("Correct: {text}", schema="text")
    assert fake.requests == []
    again = frame.tether.map("Say {text}").tether.map("Tell {text}")
    assert list(again.columns) == ["text", "price", "answer", "answer_error"]


def test_an_empty_frame_has_the_columns_and_asks_nobody(fake: FakeRows, frame: pd.DataFrame) -> None:
    found = frame.iloc[:0].tether.map("Judge: {text}", schema="label one of a|b, n int")
    assert found.dtypes.astype(str).to_dict()["label"] == "category"
    assert found.dtypes.astype(str).to_dict()["n"] == "Int64"
    assert fake.requests == []


def test_columns_of_any_name_can_be_asked_about(fake: FakeRows) -> None:
    frame = pd.DataFrame([["a", "b", "c"]], columns=["unit price", 0, "größe.x"])
    assert frame.tether.map("{unit price} {0} {größe.x}")["answer"].tolist() == ["A B C"]
    twice = pd.DataFrame([["a", "b"]], columns=["x", "x"])
    with pytest.raises(InvalidRequest, match="Several columns are called `x`"):
        twice.tether.map("{x}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["a", 1], '["a", 1]'),
        ({"k": "ä"}, '{"k": "ä"}'),
        (b"bytes", "bytes"),
        (pd.Timestamp("2024-01-02"), "2024-01-02 00:00:00"),
        (True, "True"),
        (3, "3"),
    ],
)
def test_values_are_written_as_a_model_reads_them(fake: FakeRows, value: Any, text: str) -> None:
    frame = pd.DataFrame({"v": pd.Series([value], dtype=object)})
    frame.tether.map("{v}")
    assert fake.prompts == [text]


def test_a_number_that_no_column_holds_is_its_rows_error(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.answer = lambda request: json.dumps({"n": 10**30 if "bad" in request["message"] else 1})
    found = frame.tether.map("Count: {text}", schema="n int")
    assert found["n"].tolist() == [1, pd.NA, 1]
    assert "larger than a column of integers" in found["n_error"].iloc[1]


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ("x datetime?", '"0001-01-01T00:00:00+02:00"', "no time that there is in UTC"),
        ("x datetime?", '"9999-12-31T23:59:59-05:00"', "no time that there is in UTC"),
        (
            {"type": "object", "properties": {"x": {"type": ["number", "null"]}}},
            "9" * 400,
            "column of numbers",
        ),
    ],
)
def test_a_value_that_no_column_holds_ends_no_run(
    fake: FakeRows, frame: pd.DataFrame, schema: Any, value: str, said: str
) -> None:
    fake.answer = lambda request: f'{{"x": {value if "bad" in request["message"] else "null"}}}'
    for _ in range(2):  # The second time, what can be read comes from the cache.
        found = frame.tether.map("Judge: {text}", schema=schema)
        assert said in found["x_error"].iloc[1]
        assert found["x_error"].isna().tolist() == [True, False, True]


def test_bytes_that_are_no_text_end_no_run(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.answer = lambda request: '{"answer": "/2E="}'
    found = frame.tether.map("Judge: {text}", schema=Base64Bytes)
    assert found["answer"].tolist() == ["\N{REPLACEMENT CHARACTER}a"] * 3


def test_a_list_where_a_schema_names_fields_is_its_rows_error(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.answer = lambda request: '["x"]' if "bad" in request["message"] else '{"x": "y"}'
    found = frame.tether.map("Judge: {text}", schema={"properties": {"x": {"type": "string"}}})
    assert found["x"].fillna("-").tolist() == ["y", "-", "y"]
    assert "does not fit the schema's fields" in found["x_error"].iloc[1]


def test_a_choice_that_a_schema_says_twice_is_one(fake: FakeRows, frame: pd.DataFrame) -> None:
    fake.answer = lambda request: '{"x": "a"}'
    schema = {"type": "object", "properties": {"x": {"enum": ["a", "b", "a"]}}}
    found = frame.tether.map("Judge: {text}", schema=schema)
    assert list(found["x"].cat.categories) == ["a", "b"]


def test_rows_that_ask_the_same_do_not_share_a_list(fake: FakeRows) -> None:
    fake.answer = lambda request: '{"tags": ["a"]}'
    found = pd.DataFrame({"text": ["x", "x"]}).tether.map("Judge: {text}", schema="tags list[str]")
    found["tags"].iloc[0].append("mine")
    assert found["tags"].tolist() == [["a", "mine"], ["a"]]


def test_what_map_takes_shows_in_its_signature_and_help() -> None:
    import inspect

    shape = inspect.signature(pd.DataFrame.tether.map)
    assert list(shape.parameters)[:4] == ["self", "prompt", "schema", "name"]
    assert "dry_run" in (inspect.getdoc(pd.DataFrame.tether.map) or "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"concurrency": 0}, "`concurrency`"),
        ({"retries": -1}, "`retries`"),
        ({"max_cost": -1}, "`max_cost`"),
        ({"name": ""}, "`name`"),
        ({"schema": "a itn"}, "no type"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    fake: FakeRows, frame: pd.DataFrame, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        frame.tether.map("Say {text}", **options)
    assert fake.requests == []
