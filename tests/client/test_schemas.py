"""Schemas: how people say them, and what an answer is made into."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import re
import subprocess
import sys
from typing import Any, Literal

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, RootModel, field_validator
from pydantic import Field as Slot
from pydantic.dataclasses import dataclass as checked

from tether_jupyter.client.schemas import InvalidAnswer, Schema, SchemaError, parse
from tether_jupyter.llm.local.constraint import forms


class Mood(enum.Enum):
    GLAD = "glad"
    SAD = "sad"


class Person(BaseModel):
    name: str
    age: int | None = None
    mood: Mood = Mood.GLAD
    born: dt.date
    friend: Person | None = None


class Place(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper)
    city: str


@checked
class Stay:
    nights: int = Slot(alias="how-many")


class Named(BaseModel):
    full: str = Slot(alias="full-name")
    home: Place = Slot(validation_alias="lives-in", alias="home-town")
    seen: list[Place] = Slot(validation_alias=AliasChoices(AliasPath("x", 0), "seen-in", "been-in"))
    stay: Stay = Slot(serialization_alias="the-stay")


@dataclasses.dataclass
class Point:
    x: int
    y: int


def kinds(schema: Schema) -> dict[str, str]:
    return {field.name: field.kind for field in schema.fields}


def test_fields_are_typed_as_people_write_them() -> None:
    schema = parse("name, age int, tags list[str], score float, ok bool, born date, seen datetime, more dict")
    assert kinds(schema) == {
        "name": "str", "age": "int", "tags": "list", "score": "float", "ok": "bool", "born": "date",
        "seen": "datetime", "more": "dict",
    }  # fmt: skip
    assert schema.json_schema["required"] == list(kinds(schema))
    assert schema.json_schema["properties"]["tags"] == {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    "text", ["name: str, age: int", "name str\nage int", "name; age integer", "name, age int,"]
)
def test_pythons_way_and_lines_of_their_own_are_understood(text: str) -> None:
    assert kinds(parse(text)) == {"name": "str", "age": "int"}


def test_a_choice_holds_words_and_quoted_marks() -> None:
    (field,) = parse('mood one of very glad|sad|"a|b, c"').fields
    assert field.choices == ("very glad", "sad", "a|b, c")


def test_a_question_mark_lets_a_value_be_null_or_left_out() -> None:
    schema = parse("name, age int?, mood one of a|b?, nick?")
    assert schema.validate('{"name": "Ada", "age": null}') == {
        "name": "Ada", "age": None, "mood": None, "nick": None,
    }  # fmt: skip
    assert schema.json_schema["properties"]["age"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def test_a_description_reaches_the_model() -> None:
    schema = parse('age int: in whole years, title: "short, please", from date: when it began')
    properties = schema.json_schema["properties"]
    assert properties["age"]["description"] == "in whole years"
    assert properties["title"] == {"type": "string", "description": "short, please"}
    assert "in whole years" in schema.instruction
    assert "short, please" in schema.instruction


def test_lists_are_nested() -> None:
    schema = parse("rows list[list[int]], moods list[one of a|b], counts dict[int]")
    assert schema.validate('{"rows": [[1], []], "moods": ["a"], "counts": {"x": 1}}') == {
        "rows": [[1], []], "moods": ["a"], "counts": {"x": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said", "column"),
    [
        ("name, age itn", "Did you mean `int`?", 10),
        ("name, age int years", "A comma must stand before the next field", 14),
        ("a, b, a", "stands twice", 6),
        ("a one of", "A choice must stand here", 8),
        ("a one of x|x", "`x` stands twice", 11),
        ("a list[int", "A `]` must stand here", 10),
        ("a, 1x", "A field's name must stand here", 3),
        ('a: "x', "close it", 3),
        ("a:", "A description must stand", 2),
        ("a,\nb wrong", "is no type", 2),
    ],
)
def test_what_cannot_be_read_is_shown_with_its_place(text: str, said: str, column: int) -> None:
    with pytest.raises(SchemaError) as raised:
        parse(text)
    first, line, mark = raised.value.message.split("\n")
    assert said in first
    assert line.strip() in text
    assert mark == "  " + " " * column + "^"


@pytest.mark.parametrize("nothing", ["", "  ", ",,", "\n"])
def test_a_schema_without_a_field_says_how_to_write_one(nothing: str) -> None:
    with pytest.raises(SchemaError, match="names no field"):
        parse(nothing)


def test_too_many_and_too_deep_are_refused() -> None:
    with pytest.raises(SchemaError, match="more than 100"):
        parse(", ".join(f"f{n}" for n in range(101)))
    with pytest.raises(SchemaError, match="nested too deeply"):
        parse("a " + "list[" * 9 + "int" + "]" * 9)


def test_an_answer_becomes_typed_values() -> None:
    schema = parse("name, age int, born date, seen datetime, score float")
    seen = "2024-01-02T03:04:05Z"
    given = {"name": 5, "age": "41", "born": "2024-02-29", "seen": seen, "score": 1, "more": 1}
    found = schema.validate(json.dumps(given))
    assert found == {
        "name": "5",
        "age": 41,
        "born": dt.date(2024, 2, 29),
        "seen": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        "score": 1.0,
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        'Sure! Here it is:\n```\n{"a": 1}\n```\nAnything else?',
        'The answer is {"a": 1}, I think.',
    ],
)
def test_words_around_the_json_are_passed_over(text: str) -> None:
    assert parse("a int").validate(text) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "It is empty"),
        ("I do not know", "no JSON object"),
        ('{"a": ', "no JSON object"),
        ('{"a": "x"}', "`a`"),
        ("{}", "`a`"),
        ("[1]", "object"),
        ('{"a": 1.5}', "`a`"),
    ],
)
def test_an_answer_of_another_form_is_refused_with_what_it_was(text: str, problem: str) -> None:
    with pytest.raises(InvalidAnswer, match=problem) as raised:
        parse("a int").validate(text)
    assert raised.value.answers == (text,)
    assert not raised.value.retryable


def test_nan_is_no_number() -> None:
    with pytest.raises(InvalidAnswer, match="`a`"):
        parse("a float").validate('{"a": NaN}')


def test_both_attempts_stand_in_the_hint() -> None:
    error = InvalidAnswer("`a`: no.", "first try", "second try")
    assert error.hint == "It wrote: first try\nand then: second try"


def test_a_pydantic_class_comes_back_as_its_instance() -> None:
    schema = parse(Person)
    found = schema.validate('{"name": "Ada", "born": "1815-12-10", "mood": "sad"}')
    assert found == Person(name="Ada", born=dt.date(1815, 12, 10), mood=Mood.SAD)
    assert kinds(schema) == {
        "name": "str",
        "age": "int",
        "mood": "choice",
        "born": "date",
        "friend": "object",
    }
    assert schema.columns(found)["mood"] == "sad"
    assert schema.json_schema["type"] == "object"


def test_columns_have_the_names_that_the_schema_asks_for() -> None:
    answer = {
        "full-name": "Ada", "lives-in": {"CITY": "Rome"}, "seen-in": [{"CITY": "Bonn"}],
        "stay": {"how-many": 2},
    }  # fmt: skip
    schema = parse(Named)
    assert list(schema.json_schema["properties"]) == list(answer)
    assert schema.columns(schema.validate(json.dumps(answer))) == answer
    many = parse(list[Named])
    assert many.columns(many.validate(json.dumps({"answer": [answer]}))) == {"answer": [answer]}


def test_a_class_around_another_has_that_ones_columns() -> None:
    around: Any = RootModel[Place]
    assert parse(around).columns(around({"CITY": "Rome"})) == {"CITY": "Rome"}


def test_a_dataclass_and_its_values_are_understood() -> None:
    found = parse(Point).validate('{"x": 1, "y": 2}')
    assert found == Point(1, 2)
    assert parse(Point).columns(found) == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("type_", "answer", "value", "kind"),
    [
        (Literal["a", "b"], '{"answer": "a"}', "a", "choice"),
        (int, '{"answer": 4}', 4, "int"),
        (int, "4", 4, "int"),
        (list[int], '{"answer": [1, 2]}', [1, 2], "list"),
        (bool, '{"answer": true}', True, "bool"),
        (Mood, '{"answer": "sad"}', Mood.SAD, "choice"),
    ],
)
def test_a_type_that_is_no_object_is_put_into_one(type_: Any, answer: str, value: Any, kind: str) -> None:
    schema = parse(type_)
    assert schema.wrapped
    assert kinds(schema) == {"answer": kind}
    assert schema.validate(answer) == value


@pytest.mark.parametrize("as_text", [False, True])
def test_a_json_schema_is_taken_as_it_is(as_text: bool) -> None:
    wanted = {
        "type": "object",
        "properties": {"n": {"type": ["integer", "null"]}, "when": {"type": "string", "format": "date"}},
        "required": ["n", "when"],
    }
    schema = parse(json.dumps(wanted) if as_text else wanted)
    assert schema.json_schema == wanted
    assert kinds(schema) == {"n": "int", "when": "date"}
    assert schema.validate('{"n": null, "when": "2024-01-01"}') == {"n": None, "when": "2024-01-01"}
    with pytest.raises(InvalidAnswer, match="`n`"):
        schema.validate('{"n": "x", "when": "2024-01-01"}')


def test_a_json_schemas_references_still_lead_somewhere_when_it_is_wrapped() -> None:
    schema = parse({"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}})
    assert schema.validate('{"answer": [1]}') == [1]
    forms.check(schema.response_format)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('{"type": ', "line 1, column 10"),
        ({"type": "strin"}, "at type"),
        (object(), "nothing that an answer can be made into"),
        (["a"], "nothing that an answer can be made into"),
    ],
)
def test_what_is_no_schema_is_said(wrong: Any, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        parse(wrong)


@pytest.mark.parametrize(
    "schema",
    [
        "name, age int?, tags list[str], m one of a|b?, d date, t datetime?, o dict, n dict[int]",
        Person,
        Point,
        int,
    ],
)
def test_the_local_engine_can_keep_all_of_them(schema: Any) -> None:
    forms.check(parse(schema).response_format)


def test_only_a_closed_schema_is_called_strict() -> None:
    assert parse("a int, b list[str]?").response_format["json_schema"]["strict"] is True
    assert "strict" not in parse("a dict").response_format["json_schema"]
    assert "strict" not in parse(Person).response_format["json_schema"]


def test_a_parsed_schema_stays_as_it_is() -> None:
    schema = parse("a")
    assert parse(schema) is schema


def test_the_repairing_question_holds_the_problem_and_the_form() -> None:
    said = parse("mood one of a|b").repair("It is empty.")
    assert "It is empty." in said
    assert '{"mood": "a" | "b"}' in said


def test_reading_a_text_loads_nothing_heavy() -> None:
    code = "import sys; from tether_jupyter.client.schemas import parse; parse('a int').instruction; "
    code += "print([m for m in ('pydantic', 'jsonschema', 'httpx') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


class Looked(BaseModel):
    label: str

    @field_validator("label")
    @classmethod
    def known(cls, value: str) -> str:
        return {"a": "first"}[value]


def test_a_validator_that_fails_in_any_way_refuses_the_answer() -> None:
    schema = parse(Looked)
    schema.prepare()
    assert schema.validate('{"label": "a"}') == Looked.model_construct(label="first")
    with pytest.raises(InvalidAnswer, match=r"own check failed on it \(KeyError: 'b'\)") as raised:
        schema.validate('{"label": "b"}')
    assert "KeyError" in schema.repair(raised.value.problem)


@pytest.mark.parametrize("place", ["#/$defs/no", "#no", "#/$defs/yes/title", "#/$defs/yes/title/no"])
def test_a_reference_that_leads_nowhere_is_said_before_anything_is_asked(place: str) -> None:
    schema = {"properties": {"a": {"items": {"$ref": place}}}, "$defs": {"yes": {"title": "Yes"}}}
    with pytest.raises(SchemaError, match=re.escape(f"no schema in it at `{place}`")):
        parse(schema)


def test_anchors_and_names_that_look_like_references_are_none_that_lead_nowhere() -> None:
    schema = parse(
        {
            "type": "object",
            "properties": {"$ref": {"type": "string"}, "b": {"$ref": "#here"}, "c": {"$ref": "#"}},
            "$defs": {"b": {"$anchor": "here", "type": "integer"}},
        }
    )
    assert schema.validate('{"$ref": "#/nowhere", "b": 1, "c": {}}')["b"] == 1
