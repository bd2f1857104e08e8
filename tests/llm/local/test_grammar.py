"""From JSON Schema to GBNF: what is taken, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.grammar import compile_schema, from_response_format


def test_text_needs_no_grammar() -> None:
    assert from_response_format(None) == ""
    assert from_response_format({"type": "text"}) == ""


def test_required_properties_come_first_and_the_others_may_follow() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "null"}},
        "required": ["b"],
    }
    root = next(line for line in compile_schema(schema).splitlines() if line.startswith("r0 "))
    assert root == r'r0 ::= "{" ws "\"b\"" ws ":" ws r2 ("," ws "\"a\"" ws ":" ws r1)? "}" ws'


def test_a_schema_may_lead_back_to_itself() -> None:
    node = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}
    grammar = compile_schema({"$defs": {"node": node}, "$ref": "#/$defs/node"})
    assert "d0 ::=" in grammar


@pytest.mark.parametrize("value", ['"', "\\", "\x00", "\n", "é", "😀", "]", '" | root'])
def test_no_text_of_a_schema_gets_out_of_its_quotes(value: str) -> None:
    for line in compile_schema({"const": value}).splitlines():
        if line.startswith("r0 ::= "):
            inner = line[len('r0 ::= "') : -len('" ws')]
            plain = inner.replace("\\\\", "").replace('\\"', "")
            assert '"' not in plain
            assert inner.isprintable()


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "string", "pattern": "a*"}, "pattern"),
        ({"type": "integer", "minimum": 3}, "minimum"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "array", "maxItems": 10**9}, "maxItems"),
        ({"type": "string", "minLength": -1}, "minLength"),
        ({"allOf": [{}, {}]}, "allOf"),
        ({"anyOf": []}, "anyOf"),
        ({"enum": []}, "enum"),
        ({"type": "nonsense"}, "type"),
        ({"$ref": "http://example.org/schema"}, r"\$ref"),
        ({"$ref": "#/$defs/none"}, r"\$ref"),
        ({"type": "object", "properties": {"a": 7}}, "schema"),
        ({"type": "object", "properties": {}, "required": ["a"]}, "required"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(schema: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        compile_schema(schema)


def test_choices_of_choices_are_bounded() -> None:
    doubling: dict[str, Any] = {f"a{i}": {"anyOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(30)}
    doubling["a30"] = {"type": "null"}
    with pytest.raises(InvalidRequest, match="too many choices"):
        compile_schema({"$defs": doubling, "$ref": "#/$defs/a0"})
    few = {name: part for name, part in doubling.items() if int(name[1:]) > 19}
    compile_schema({"$defs": few, "$ref": "#/$defs/a20"})


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        {
            "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}},
            "oneOf": [{"$ref": "#/$defs/a"}],
        },
    ],
)
def test_a_choice_that_is_its_own_first_part_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="leads back to itself"):
        compile_schema(schema)


def test_a_schema_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidRequest, match="too large"):
        compile_schema(schema)
