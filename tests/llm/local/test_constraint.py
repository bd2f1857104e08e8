"""Answers that are kept to a form, whatever the model would rather say: random tokens stand in for it."""

from __future__ import annotations

import builtins
import json
import random
import re
from typing import Any

import jsonschema
import numpy as np
import pytest

from tests.support import random_schemas
from tether_jupyter.errors import InvalidRequest, ModelNotReady
from tether_jupyter.llm.local import constraint
from tether_jupyter.llm.local.constraint import Constraint, Constraints, formats

END, CONTROL = 0, 1
WORDS = [
    "null",
    "true",
    "alse",
    '{"',
    '":',
    '": "',
    '","',
    '", "',
    '"}',
    '"},{"',
    "],",
    "[[[[",
    "{}",
    '""',
    '"a"',
]
WORDS += [
    '"a":1,"',
    "10",
    "00",
    "123",
    "1.5",
    "e9",
    "-1",
    ", ",
    " a",
    "the",
    "name",
    'x"',
    "\\n",
    '\\"',
    "\\u00",
]
WORDS += ["é", "日本", "😀", "abc", "2024-", "a@b", "://", "AB", "foo"]


class Vocabulary:
    """Every byte, an end, a control token, two ways to spell `the`, half of a character, and some words."""

    def __init__(self) -> None:
        single = [bytes([code]) for code in range(256)]
        self.pieces = [
            b"",
            b"",
            *single,
            b"the",
            "é".encode() + b"\xf0\x9f",
            *(word.encode() for word in WORDS),
        ]
        self.size = len(self.pieces)

    def piece(self, token: int, /) -> bytes:
        return self.pieces[token]

    def ends(self, token: int, /) -> bool:
        return token == END


VOCABULARY = Vocabulary()
BYTE = {code: code + 2 for code in range(256)}


@pytest.fixture(scope="module")
def constraints() -> Constraints:
    return Constraints(VOCABULARY)


def luck(seed: int) -> random.Random:
    """Return what stands in for a model's choices."""
    return random.Random(seed)  # noqa: S311


def of(schema: Any) -> dict[str, Any]:
    """Return a `response_format` for a schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}


def begin(constraints: Constraints, wanted: dict[str, Any]) -> Constraint:
    found = constraints.compile(wanted)
    assert found is not None
    return found


def said(tokens: list[int]) -> bytes:
    return b"".join(VOCABULARY.pieces[token] for token in tokens)


def walk(turn: Constraint, chance: random.Random, length: int = 60) -> bytes:
    """Return an answer of random tokens, now and then of closing ones, that is led to its end."""
    found: list[int] = []
    while not turn.finished:
        mask = turn.mask()
        allowed = np.flatnonzero(mask).tolist()
        assert allowed, f"nothing may follow {said(found)!r}"
        if len(found) >= length or chance.random() < 0.02:
            way = turn.closing(5000)
            assert way is not None, f"no end was found for {said(found)!r}"
            found += follow(turn, way)
            break
        closers = [BYTE[code] for code in b'"}],:0' if mask[BYTE[code]]]
        token = chance.choice(closers if closers and chance.random() < 0.4 else allowed)
        assert turn.allows(token)
        if token == END:
            break
        turn.accept(token)
        found.append(token)
    return said(found)


def follow(turn: Constraint, way: list[int]) -> list[int]:
    """Go a way to its end, and return it without the end."""
    assert way[-1] == END
    for token in way[:-1]:
        assert turn.allows(token)
        turn.accept(token)
    assert turn.allows(END)
    return way[:-1]


def spell(turn: Constraint, text: str) -> bool:
    """Return whether an answer may be a text, byte by byte."""
    for code in text.encode():
        if not turn.allows(BYTE[code]):
            return False
        turn.accept(BYTE[code])
    return turn.allows(END)


def read(answer: bytes) -> Any:
    """Return the JSON of an answer, in which no name may come twice and no number may be infinite."""

    def entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), f"a name comes twice in {answer!r}"
        return dict(pairs)

    text = answer.decode()
    value = json.loads(text, object_pairs_hook=entries)
    json.dumps(value, allow_nan=False).encode()
    json.dumps(value, ensure_ascii=False).encode()  # Half of a character could not be encoded.
    return value


def check_answers(constraints: Constraints, schema: Any, seed: int, count: int = 3) -> None:
    """Take random answers and check them with a validator that shares no code with the constraint."""
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    turn, chance = begin(constraints, of(schema)), luck(seed)
    for _ in range(count):
        answer = walk(turn.copy(), chance)
        faults = [fault.message for fault in validator.iter_errors(read(answer))]
        assert not faults, f"{answer!r} for {json.dumps(schema)}"


@pytest.mark.parametrize("seed", range(10))
def test_every_answer_to_a_random_schema_is_valid(constraints: Constraints, seed: int) -> None:
    for number, case in enumerate(random_schemas.cases(40, seed=900 + seed)):
        if "colour" in json.dumps(case.schema):
            with pytest.raises(InvalidRequest, match=r"`format`.*colour"):
                constraint.check(of(case.schema))
        else:
            check_answers(constraints, case.schema, number, 2)


def whole(**schema: Any) -> dict[str, Any]:
    return {"type": "integer", **schema}


ITEM = {"$ref": "#/$defs/item"}
SCHEMAS: dict[str, Any] = {
    "anything": {},
    "a number with an open end": {"type": "number", "exclusiveMinimum": 0.1, "exclusiveMaximum": 0.2},
    "a number in a gap of floats": {"type": "number", "minimum": 0.1, "maximum": 0.30000000000000004},
    "a great number": whole(minimum=10**17),
    "a multiple that floats miss": {"type": "number", "multipleOf": 0.1, "maximum": 3, "minimum": 0},
    "a price": {"type": "number", "multipleOf": 0.01},
    "quarters": {"type": "number", "multipleOf": 0.25, "minimum": -3},
    "sevens": whole(multipleOf=7, exclusiveMinimum=-(10**6)),
    "odd numbers": whole(**{"not": {"multipleOf": 2}}),
    "no whole number": {"type": "number", "not": {"type": "integer"}},
    "a number of int32": whole(format="int32"),
    "a pattern anywhere": {"type": "string", "pattern": r"\d[^\W\d]", "maxLength": 9},
    "two patterns": {"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "z$"}], "minLength": 4},
    "no pattern": {"type": "string", "not": {"pattern": "[aeiou ]"}},
    "quotes in a pattern": {"type": "string", "pattern": '^"\\\\\\n+"$'},
    "no constants": {"type": ["string", "null"], "not": {"enum": ["", "a", None]}},
    "different names": {"enum": ["a", "b", "ab"]},
    "a set of few": {
        "type": "array",
        "items": {"enum": ["a", "ab", "b", 1, None]},
        "uniqueItems": True,
        "minItems": 4,
    },
    "a set of numbers": {"type": "array", "items": {"type": "number"}, "uniqueItems": True, "minItems": 3},
    "a set of digits": {
        "type": "array",
        "items": whole(minimum=0, maximum=11),
        "uniqueItems": True,
        "minItems": 9,
    },
    "sets in objects": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    },
    "two that are contained": {
        "type": "array",
        "items": whole(),
        "contains": whole(minimum=5),
        "minContains": 2,
    },
    "at most one contained": {
        "type": "array",
        "items": {"enum": [1, 2]},
        "contains": {"const": 1},
        "maxContains": 1,
    },
    "an object that is contained": {
        "type": "array",
        "contains": {"type": "object", "properties": {"k": {"const": "deep"}}, "required": ["k"]},
    },
    "a tuple": {"type": "array", "prefixItems": [{"type": "null"}, whole()], "items": False, "minItems": 2},
    "names by pattern": {
        "type": "object",
        "patternProperties": {"^x-": whole(), "^[a-c]$": {"type": "null"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "overlapping patterns": {
        "type": "object",
        "patternProperties": {"a": whole(minimum=3), "b": whole(maximum=9)},
        "additionalProperties": {"type": "null"},
        "minProperties": 1,
    },
    "few names": {"type": "object", "propertyNames": {"pattern": "^[ab]$"}, "additionalProperties": whole()},
    "listed names": {"type": "object", "propertyNames": {"enum": ["p", "q", "r"]}, "minProperties": 2},
    "counted names": {
        "type": "object",
        "properties": {"a": {}, "b": {}},
        "minProperties": 2,
        "maxProperties": 3,
    },
    "one name asks for another": {
        "type": "object",
        "properties": {"a": whole(), "b": whole(), "c": whole()},
        "dependentRequired": {"a": ["b"]},
        "dependentSchemas": {"c": {"properties": {"a": False}}},
        "additionalProperties": False,
    },
    "if": {
        "type": "object",
        "properties": {"t": {"enum": ["x", "y"]}, "v": True},
        "required": ["t", "v"],
        "if": {"properties": {"t": {"const": "x"}}},
        "then": {"properties": {"v": whole()}},
        "else": {"properties": {"v": {"type": "boolean"}}},
    },
    "one of overlapping": {"oneOf": [{"type": "string", "maxLength": 5}, {"type": "string", "minLength": 3}]},
    "one of objects": {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
    "nothing else": {
        "allOf": [{"properties": {"a": whole()}}, {"$ref": "#/$defs/item"}],
        "type": "object",
        "unevaluatedProperties": False,
        "$defs": {"item": {"properties": {"b": {"type": "null"}}, "required": ["b"]}},
    },
    "a list that leads back": {
        "$defs": {
            "item": {
                "type": "object",
                "properties": {"next": {"anyOf": [ITEM, {"type": "null"}]}},
                "required": ["next"],
                "additionalProperties": False,
            }
        },
        **ITEM,
    },
    "constants of any kind": {"enum": [1, 1.5, "x", None, True, [1, {"a": []}], {"é\u0000": "\u2028\\"}]},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_keyword_is_kept(constraints: Constraints, name: str) -> None:
    check_answers(constraints, SCHEMAS[name], len(name), 8)


@pytest.mark.parametrize("name", sorted(formats.PATTERNS))
def test_every_format_is_kept(constraints: Constraints, name: str) -> None:
    check_answers(constraints, {"type": "string", "format": name}, len(name), 12)


def test_text_needs_no_constraint(constraints: Constraints) -> None:
    assert constraints.compile(None) is None
    assert constraints.compile({"type": "text"}) is None


def test_any_object_will_do_for_json_object(constraints: Constraints) -> None:
    assert isinstance(read(walk(begin(constraints, {"type": "json_object"}), luck(1))), dict)
    assert not spell(begin(constraints, {"type": "json_object"}), "[]")


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "object"}, '{"a": 1, "b":2}', '{"a":1,"a":2}'),
        ({"type": "object"}, '{"a":{"a":1}}', '{"a":  1}'),
        ({"type": "object", "properties": {"a": {}}}, '{"b":1}', '{"b":1,"a":2}'),
        ({"type": "string"}, '"é😀\\n"', '"\\ud800"'),
        ({"type": "number"}, "-12.50e-7", "1e999"),
        ({"type": "number"}, "0", "01"),
        ({"type": "integer"}, "999999999999999", "1" * 400),
        ({"type": "integer", "minimum": 0}, "0", "-0"),
        ({"type": "array", "items": {"type": "number"}, "uniqueItems": True}, "[1,1.5]", "[1,1.0]"),
        ({"type": "array", "items": {"enum": [1, 10]}, "uniqueItems": True}, "[1, 10]", "[1,1]"),
        ({"type": "string", "pattern": "^a$"}, '"a"', '"a\\n"'),
        ({"type": "number", "minimum": 0.1}, "0.1", "0.09"),
        ({"const": {"a": [1.0]}}, '{"a": [1.0]}', '{"a": [2]}'),
    ],
)
def test_what_may_be_said(constraints: Constraints, schema: Any, right: str, wrong: str) -> None:
    assert spell(begin(constraints, of(schema)), right)
    assert not spell(begin(constraints, of(schema)), wrong)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "string", "format": "colour"}, "format"),
        ({"type": "string", "pattern": "(?=a)b"}, "pattern"),
        ({"type": "string", "pattern": r"(a)\1"}, "pattern"),
        ({"type": "string", "pattern": "a^b"}, "pattern"),
        ({"type": "string", "pattern": "("}, "pattern"),
        ({"type": "string", "pattern": r"\bword\b"}, "pattern"),
        ({"type": "string", "minLength": 10**9}, "minLength"),
        ({"type": "string", "minLength": -1}, "minLength"),
        ({"type": "array", "items": {"type": "object"}, "uniqueItems": True}, "uniqueItems"),
        ({"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True, "minItems": 3}, "minItems"),
        ({"type": "array", "items": [{}]}, "items"),
        ({"allOf": [{"contains": {"const": 1}}, {"contains": {"const": 2}}], "type": "array"}, "contains"),
        ({"oneOf": [{"type": "null"}, {"type": "null"}]}, "oneOf"),
        ({"not": {"multipleOf": 3}, "type": "integer"}, "multipleOf"),
        ({"multipleOf": 0}, "multipleOf"),
        ({"minimum": "3"}, "minimum"),
        ({"enum": []}, "enum"),
        ({"anyOf": []}, "anyOf"),
        ({"type": "nonsense"}, "type"),
        ({"$ref": "https://example.org/schema"}, r"\$ref"),
        ({"$ref": "#/$defs/none"}, r"\$ref"),
        ({"$dynamicRef": "#a"}, r"\$dynamicRef"),
        ({"nullable": True}, "nullable"),
        ({"properties": {"a": {"$id": "https://example.org/a"}}}, r"\$id"),
        ({"anyOf": [{"type": "array"}], "unevaluatedItems": False}, "unevaluatedItems"),
        ({"type": "object", "properties": {"a": 7}}, "no schema"),
        ({"const": "\ud800"}, "half of a character"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "No value satisfies"),
        ({"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "^b"}]}, "No value satisfies"),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "No value satisfies"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "No value satisfies"),
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "leads back"),
        (False, "No value satisfies"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(constraints: Constraints, schema: Any, word: str) -> None:
    for refuse in (constraint.check, constraints.compile):
        with pytest.raises(InvalidRequest, match=word):
            refuse(of(schema))


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "yaml"},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"schema": []}},
        {"type": "regex"},
        {"type": "regex", "regex": "("},
        {"type": "regex", "regex": "a{1,9}(?=b)"},
        {"type": "grammar", "grammar": "start: nothing"},
        {"type": "grammar", "grammar": 'root ::= "a'},
        {"type": "grammar", "grammar": "start: A\nA: /a/ & /b/"},
        "json",
    ],
)
def test_a_form_that_cannot_be_read_is_refused(constraints: Constraints, wanted: Any) -> None:
    for refuse in (constraint.check, constraints.compile):
        with pytest.raises(InvalidRequest, match="response_format"):
            refuse(wanted)


@pytest.mark.parametrize(
    ("wanted", "right", "wrong"),
    [
        ({"type": "regex", "regex": "(yes|no)!{1,3}"}, "no!!", "no"),
        ({"type": "grammar", "grammar": 'root ::= "a" root "b" | "c"'}, "aacbb", "aacb"),
        ({"type": "grammar", "grammar": 'start: "a" start "b" | /[0-9]+/'}, "aa12bb", "aa12bbb"),
    ],
)
def test_expressions_and_grammars_are_kept(
    constraints: Constraints, wanted: dict[str, Any], right: str, wrong: str
) -> None:
    assert spell(begin(constraints, wanted), right)
    assert not spell(begin(constraints, wanted), wrong)
    turn = begin(constraints, wanted)
    follow(turn, turn.closing(20) or [])


def test_a_grammar_cannot_ask_for_control_tokens(constraints: Constraints) -> None:
    turn = begin(constraints, {"type": "grammar", "grammar": f'start: (<[{CONTROL}]> | "a")+'})
    assert not turn.allows(CONTROL)
    assert not turn.mask()[CONTROL]


def nested(depth: int, wrap: Any) -> Any:
    schema: Any = {"type": "null"}
    for _ in range(depth):
        schema = wrap(schema)
    return schema


DOUBLING = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)} | {
    "a40": {"const": 1}
}
DOUBLED = {
    f"a{n}": {"type": "array", "items": {"$ref": f"#/$defs/a{n + 1}"}, "minItems": 2} for n in range(40)
}
HOSTILE: dict[str, Any] = {
    "deep": nested(5000, lambda schema: {"type": "array", "items": schema}),
    "many constants": {"enum": [f"value {number}" for number in range(30_000)]},
    "a long constant": {"const": "x" * 10**6},
    "doubling choices": {"$defs": DOUBLING, "$ref": "#/$defs/a0"},
    "doubling values": {"$defs": DOUBLED | {"a40": {"const": 1}}, "$ref": "#/$defs/a0"},
    "choices in all ways": {
        "allOf": [{"anyOf": [{"minLength": n}, {"maxLength": 99 + n}]} for n in range(30)]
    },
    "many names": {"type": "object", "properties": {f"p{number}": {} for number in range(5000)}},
    "long arrays": nested(3, lambda schema: {"type": "array", "items": schema, "minItems": 900}),
    "repetitions": {"type": "string", "pattern": "((((a{1,99}){1,99}){1,99}){1,99}){1,99}"},
    "brackets": {"type": "string", "pattern": "(" * 400 + ")" * 400},
    "a loop": {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    "a great bound": whole(minimum=10**400),
    "no number": whole(minimum=float("nan")),
    "many patterns": {"type": "object", "patternProperties": {f"^{n}": {} for n in range(20)}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_refused(constraints: Constraints, name: str) -> None:
    for refuse in (constraint.check, constraints.compile):
        with pytest.raises(InvalidRequest):
            refuse(of(HOSTILE[name]))


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+b$", "(x+x+)+y", "(.*a){20}", "^(a|b)*a(a|b){300}$"])
def test_a_catastrophic_pattern_costs_nothing(constraints: Constraints, pattern: str) -> None:
    turn = begin(constraints, of({"type": "string", "pattern": pattern}))
    text = json.loads(walk(turn, luck(2)))
    assert spell(
        begin(constraints, of({"type": "string", "pattern": pattern})), json.dumps(text, ensure_ascii=False)
    )
    evil = "a" * 3000 + "!"
    with pytest.raises(InvalidRequest, match="No value satisfies"):
        constraints.compile(of({"enum": [evil], "pattern": "^(a+)+$"}))


@pytest.mark.parametrize(
    "schema", [{}, SCHEMAS["a list that leads back"], {"type": "array", "items": {"$ref": "#"}}]
)
def test_an_answer_that_goes_ever_deeper_finds_its_way_out(constraints: Constraints, schema: Any) -> None:
    turn, found = begin(constraints, of(schema)), []
    while not turn.finished and len(found) < 200:
        mask = turn.mask()
        opening = [BYTE[code] for code in b"[{" if mask[BYTE[code]]] or [BYTE[0x22]]
        token = opening[0] if mask[opening[0]] else int(np.flatnonzero(mask)[-1])
        turn.accept(token)
        found.append(token)
    found += [] if turn.finished else follow(turn, turn.closing(1000) or [])
    value, depth = read(said(found)), 0
    while isinstance(value, (list, dict)) and value:
        value, depth = next(iter(value.values() if isinstance(value, dict) else value)), depth + 1
    assert 20 < depth < 50


def test_a_copy_goes_on_by_itself(constraints: Constraints) -> None:
    turn = begin(constraints, of({"type": "object"}))
    for code in b'{"a":1,"':
        turn.accept(BYTE[code])
    ahead = turn.copy()
    for code in b'b":2,"b':
        ahead.accept(BYTE[code])
    assert not ahead.allows(BYTE[0x22])
    assert turn.allows(BYTE[0x62])
    assert spell(turn, 'b":3}')


def test_the_mask_and_the_single_check_agree(constraints: Constraints) -> None:
    for number, case in enumerate(random_schemas.cases(25, seed=5)):
        if "colour" in json.dumps(case.schema):
            continue
        turn, chance = begin(constraints, of(case.schema)), luck(number)
        for _ in range(25):
            mask = turn.mask()
            assert mask.shape == (VOCABULARY.size,)
            assert mask.tolist() == [turn.allows(token) for token in range(VOCABULARY.size)]
            token = chance.choice(np.flatnonzero(mask).tolist())
            if token == END:
                break
            turn.accept(token)


def test_what_must_come_is_known_ahead(constraints: Constraints) -> None:
    turn = begin(constraints, of({"type": "object", "properties": {"name": whole()}, "required": ["name"]}))
    forced = turn.forced(16)
    assert said(forced) == b'{"name":'
    assert said(turn.forced(1)) == said(forced[:1])
    for token in forced:
        assert turn.allows(token)
        turn.accept(token)
    assert turn.forced(16) == []


def test_the_end_is_known(constraints: Constraints) -> None:
    turn = begin(constraints, of({"type": "object", "maxProperties": 0}))
    assert not turn.finished
    assert not turn.allows(END)
    assert spell(turn, "{}")
    assert turn.finished
    assert np.flatnonzero(turn.mask()).tolist() == [END]


def test_there_is_no_way_where_it_would_be_too_long(constraints: Constraints) -> None:
    turn = begin(constraints, of({"type": "string", "pattern": "^[a-z]{40}$"}))
    assert turn.closing(20) is None
    assert len(turn.closing(80) or []) == 43


def test_a_token_that_is_not_allowed_is_not_taken(constraints: Constraints) -> None:
    turn = begin(constraints, of(whole()))
    for token in (BYTE[0x61], CONTROL, END, -1, VOCABULARY.size):
        assert not turn.allows(token)
    with pytest.raises(ValueError, match="not allowed"):
        turn.accept(BYTE[0x61])
    assert spell(turn, "12")


def test_no_text_of_a_schema_gets_out_of_its_quotes(constraints: Constraints) -> None:
    for text in ['"', "\\", "/", "/i", "\n", "é", '" | start', "[a-z]*", "\x7f", "%json {}", "(?i:a)"]:
        turn = begin(constraints, of({"const": text}))
        assert read(walk(turn, luck(3))) == text


def test_without_the_library_one_hears_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def missing(name: str, *args: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "llguidance":
            raise ImportError(name)
        return known(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ModelNotReady, match=re.escape('pip install "tether-jupyter[local]"')):
        constraint.check({"type": "json_object"})
    constraint.check({"type": "text"})
