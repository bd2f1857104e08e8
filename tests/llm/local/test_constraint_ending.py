"""A constrained answer ends before its tokens do, whatever is said until then."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import jsonschema
import numpy as np
import pytest

from tether_jupyter.llm.local.constraint import Constraint, Constraints, Ending

END = 0


class Vocabulary:
    """Every byte, an end, and some words."""

    def __init__(self) -> None:
        words = [b"the", b'","', b'"]', b"12", b'": ', b"],[", b"10,"]
        self.pieces = [b"", *(bytes([code]) for code in range(256)), *words]
        self.size = len(self.pieces)

    def piece(self, token: int, /) -> bytes:
        return self.pieces[token]

    def ends(self, token: int, /) -> bool:
        return token == END


VOCABULARY = Vocabulary()
CONSTRAINTS = Constraints(VOCABULARY)
NAMES: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 9}
SCHEMAS: list[Any] = [
    {"type": "string"},
    {"type": "array", "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2}},
    {"type": "array", "items": {"enum": ["ab", "abc", "b", "c"]}, "uniqueItems": True},
    NAMES,
    {"type": "object", "properties": {"a": NAMES, "b": {"type": "number"}}, "required": ["a", "b"]},
]


def begin(schema: Any) -> Constraint:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    found = CONSTRAINTS.compile(form)
    assert found is not None
    return found


def write(schema: Any, length: int, seed: int) -> list[int]:
    """Return an answer in JSON of at most so many tokens; see `answer`."""
    return answer(begin(schema), length, seed)


def answer(constraint: Constraint, length: int, seed: int) -> list[int]:
    """Return an answer of at most so many tokens by a model that ends nothing if it can help it."""
    chance = random.Random(seed)  # noqa: S311
    ending = Ending(constraint)
    said: list[int] = []
    while len(said) < length:
        token = ending.step()
        if token is None:
            allowed = np.flatnonzero(constraint.mask()).tolist()
            token = chance.choice([each for each in allowed if each != END] or [END])
            if token != END:
                assert constraint.allows(token)
                token = ending.following(token, length - len(said))
        said.append(token)
        if token == END:
            break
        constraint.accept(token)
    return said


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("length", [40, 63, 97, 128, 300])
@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_an_answer_is_whole_when_its_tokens_run_out(schema: Any, length: int, seed: int) -> None:
    said = write(schema, length, seed)
    assert said[-1] == END
    assert len(said) <= length
    text = b"".join(VOCABULARY.pieces[token] for token in said).decode("utf-8", "replace")
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))


@pytest.mark.parametrize("spare", [0, 1, 5, 20])
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"first": {}, "last": {"const": "x" * 90}}, "required": ["last"]},
        {"type": "array", "items": {"const": "again and again"}, "minItems": 5},
        {"type": "array", "items": {"type": "string"}, "minItems": 5, "uniqueItems": True},
    ],
    ids=str,
)
def test_an_answer_whose_shortest_form_takes_nearly_all_its_tokens_is_whole(schema: Any, spare: int) -> None:
    shortest = begin(schema).closing(1000)
    assert shortest is not None
    for seed in range(4):
        said = write(schema, len(shortest) + spare, seed)
        assert said[-1] == END
        text = b"".join(VOCABULARY.pieces[token] for token in said).decode("utf-8", "replace")
        jsonschema.Draft202012Validator(schema).validate(json.loads(text))


@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("regex", ["[0-9]+", "[a-z]*", "[0-9]+([a-f][0-9]*)?"])
def test_an_answer_that_may_end_anywhere_has_all_its_tokens(regex: str, length: int) -> None:
    for seed in range(4):
        constraint = CONSTRAINTS.compile({"type": "regex", "regex": regex})
        assert constraint is not None
        said = answer(constraint, length, seed)
        assert len(said) == length
        assert END not in said, "that nothing more would have come is not known"
        text = b"".join(VOCABULARY.pieces[token] for token in said).decode()
        assert re.fullmatch(regex, text)


def test_an_answer_that_cannot_be_whole_is_cut_and_goes_on_until_then() -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 60}
    said = write(schema, 50, 1)
    assert len(said) == 50
    assert END not in said


def test_a_way_that_is_known_is_followed_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a text whatever is said leaves the same way out."""
    searches = []
    search = Ending.search

    def counted(self: Ending, token: int, limit: int) -> list[int] | None:
        searches.append(limit)
        return search(self, token, limit)

    monkeypatch.setattr(Ending, "search", counted)
    constraint = begin({"type": "array", "items": {"type": "string"}})
    ending = Ending(constraint)
    text = b'["' + b"the best of all " * 3
    for place, code in enumerate(text):
        token = 1 + code
        assert ending.following(token, 60 - place) == token
        constraint.accept(token)
    assert len(searches) <= 3
    assert ending.way == [1 + ord('"'), 1 + ord("]"), END]
