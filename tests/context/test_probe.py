"""What `probe.look` tells of Python's own values, in which order, and within which bounds."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import json
import pathlib
import uuid
from typing import Any

import pytest

from tether_jupyter.context.probe import look


def told(x: Any, level: str = "schema", name: str = "x") -> dict[str, Any]:
    """Return the description of one object."""
    found = look({name: x}, level=level, seconds=5)
    assert found["left_out"] == []
    return dict(found["variables"][0])


def names(namespace: dict[str, Any], **options: Any) -> list[str]:
    return [variable["name"] for variable in look(namespace, seconds=5, **options)["variables"]]


class Colour(enum.Enum):
    RED = "#f00"


@dataclasses.dataclass
class Point:
    x: int
    label: str = "here"


@dataclasses.dataclass(slots=True)
class Slotted:
    x: int
    empty: float = dataclasses.field(init=False)


Pair = collections.namedtuple("Pair", ["left", "right"])  # noqa: PYI024


@pytest.mark.parametrize(
    ("x", "kind", "value"),
    [
        (5, "int", "5"),
        (True, "bool", "True"),
        (None, "NoneType", "None"),
        (1.5, "float", "1.5"),
        (2j, "complex", "2j"),
        ("hi", "str", "'hi'"),
        (b"abc", "bytes", "<bytes of 3>"),
        (dt.date(2024, 2, 29), "datetime.date", "2024-02-29"),
        (decimal.Decimal("1.10"), "decimal.Decimal", "1.10"),
        (uuid.UUID(int=1), "uuid.UUID", "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("a/b"), "pathlib.PurePosixPath", "a/b"),
        (range(3), "range", "range(0, 3)"),
        pytest.param(10**5000, "int", "<int of 16,610 bits>", id="huge"),
        ([1, "a"], "list", "[1, 'a']"),
        ((1,), "tuple", "(1,)"),
        ({"a": [1, {"b": (2, [3])}]}, "dict", "{'a': [1, {'b': (… 2)}]}"),
        (collections.deque([1]), "collections.deque", "deque([1])"),
    ],
)
def test_a_plain_value_is_told_by_type_and_shown_above_schema(x: Any, kind: str, value: str) -> None:
    assert told(x)["type"] == kind
    assert "value" not in told(x)
    assert told(x, "samples")["value"] == value


def test_an_enum_member_is_its_name() -> None:
    assert told(Colour.RED, "samples")["value"].endswith("Colour.RED")


def test_a_string_tells_its_length_and_only_its_head() -> None:
    found = told("é" * 10_000, "samples")
    assert found["length"] == 10_000
    assert len(found["value"]) <= 120
    assert "value" not in told("é" * 10_000)
    assert len(told("é" * 10_000, "values")["value"]) <= 1_000


def test_a_list_tells_the_types_of_what_is_in_it() -> None:
    assert told([1, 2, "a", None])["dtype"] == "int, str, NoneType"
    assert told(list(range(1_000_000)))["length"] == 1_000_000
    assert told([])["length"] == 0


def test_a_dictionary_tells_its_keys_and_the_types_of_its_values() -> None:
    found = told({"a": 1, ("b", 2): [1.5]})
    assert found["fields"] == [{"name": "a", "type": "int"}, {"name": "('b', 2)", "type": "list"}]
    assert len(told(dict.fromkeys(map(str, range(10_000))))["fields"]) == 50


def test_keys_are_cut() -> None:
    assert told({"k" * 500: 1})["fields"][0]["name"] == "k" * 79 + "…"


@pytest.mark.parametrize(
    ("x", "fields"),
    [
        (Point(1), [{"name": "x", "type": "int"}, {"name": "label", "type": "str"}]),
        (Slotted(1), [{"name": "x", "type": "int"}]),
        (Pair(1, "b"), [{"name": "left", "type": "int"}, {"name": "right", "type": "str"}]),
    ],
)
def test_a_record_tells_its_fields(x: Any, fields: list[dict[str, str]]) -> None:
    assert told(x)["fields"] == fields


def test_a_dataclass_shows_its_values_where_values_may_be_shown() -> None:
    assert told(Point(1), "samples")["value"] == "x=1, label='here'"


def test_an_object_of_a_class_tells_what_it_keeps_by_name_and_type() -> None:
    class Thing:
        def __init__(self) -> None:
            self.rate = 0.5
            self._hidden = 1

    assert told(Thing())["fields"] == [{"name": "rate", "type": "float"}]


def test_a_function_tells_its_signature_and_no_default() -> None:
    def f(a, /, b, c=1, *rest, d, e=2, **more):
        return a

    async def g() -> None: ...

    assert told(f)["note"] == "(a, /, b, c=…, *rest, d, e=…, **more)"
    assert told(g)["note"] == "async ()"
    assert told(lambda *, k: k)["note"] == "(*, k)"
    assert told(functools.partial(f, 1))["note"] == "of f"


def test_a_class_tells_its_ancestors() -> None:
    assert told(Pair)["type"] == "class"
    assert told(Pair)["note"] == "of tuple"


def test_an_iterator_is_not_consumed() -> None:
    counting = iter(range(3))
    generator = (n for n in range(3))
    look({"counting": counting, "generator": generator}, level="values")
    assert list(counting) == list(generator) == [0, 1, 2]


def test_a_list_that_holds_itself_ends() -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    assert told(endless, "values")["value"].startswith("[1, [1, [1, [… 2]]]")


@pytest.mark.parametrize(
    "name",
    [
        *("password", "DB_PASSWORD", "token", "hf_token", "authToken", "api_key", "apiKey", "OPENAI_API_KEY"),
        *("client_secret", "secrets", "AWS_SECRET_ACCESS_KEY", "private_key", "OPENAI_KEY", "credentials"),
        *("database_url", "session_cookie", "jwt", "conn_str", "Passwords2"),
    ],
)
@pytest.mark.parametrize("level", ["schema", "samples", "values"])
def test_a_secret_by_name_never_shows_a_value(name: str, level: str) -> None:
    for x in ("hunter2", ["hunter2"], {"hunter2": "hunter2"}, Point(1, "hunter2"), b"hunter2"):
        found = look({name: x}, level=level)
        assert "hunter2" not in json.dumps(found)
        assert found["variables"][0]["note"].startswith("hidden")


@pytest.mark.parametrize(
    "name", ["tokenizer", "max_tokens", "n_tokens", "monkey", "key", "author", "compass"]
)
def test_a_name_that_only_sounds_like_a_secret_shows_its_value(name: str) -> None:
    assert told(5, "samples", name)["value"] == "5"


def test_a_secret_inside_something_else_is_hidden_too() -> None:
    config = {"user": "ada", "password": "hunter2", "deep": {"api_key": "hunter2"}}
    text = json.dumps(look({"config": config, "p": Login("ada", "hunter2")}, level="values"))
    assert "ada" in text
    assert "hunter2" not in text


@dataclasses.dataclass
class Login:
    user: str
    password: str


def test_what_is_asked_for_comes_in_that_order_and_what_is_not_there_is_named() -> None:
    found = look({"a": 1, "b": 2, "c": 3}, ["c", "nope", "a", "c"])
    assert [variable["name"] for variable in found["variables"]] == ["c", "a"]
    assert found["missing"] == ["nope"]
    assert found["left_out"] == []


def test_a_path_leads_to_what_is_kept_there() -> None:
    namespace = {"config": {"model": {"rate": 0.5}}, "p": Point(1)}
    found = look(namespace, ["config['model']", "config.model.rate", "p.label"], level="samples")
    assert [(v["name"], v["value"]) for v in found["variables"]] == [
        ("config['model']", "{'rate': 0.5}"),
        ("config.model.rate", "0.5"),
        ("p.label", "'here'"),
    ]


def test_a_path_into_nothing_is_missing_and_the_variable_is_told_instead() -> None:
    found = look({"config": {"a": 1}}, ["config.b"])
    assert found["missing"] == ["config.b"]
    assert [variable["name"] for variable in found["variables"]] == ["config"]


def test_a_path_to_a_secret_is_hidden() -> None:
    found = look({"config": {"password": "hunter2"}}, ["config.password"], level="values")
    assert "hunter2" not in json.dumps(found)


def test_the_newest_comes_first_and_code_last() -> None:
    namespace = {"old": 1, "f": test_keys_are_cut, "Point": Point, "json": json, "new": 2}
    assert names(namespace) == ["new", "old", "Point", "f"]


def test_what_was_used_last_comes_before_what_is_new() -> None:
    namespace = {"In": ["", "old + 1"], "_ih": None, "old": 1, "new": 2}
    assert names(namespace, hidden={"In": namespace["In"]}) == ["old", "new"]


def test_what_ipython_put_there_is_left_out() -> None:
    inputs: list[str] = []
    namespace = {
        "_": 1,
        "__": 1,
        "_1": 1,
        "_i": "",
        "_ii": "",
        "_i1": "",
        "_ih": inputs,
        "_oh": {},
        "_dh": [],
        "__name__": "__main__",
        "__builtins__": {},
        "In": inputs,
        "exit": print,
        "mine": 1,
        "_mine": 2,
    }
    assert names(namespace) == ["_mine", "mine"]
    # Something of the user's under such a name is the user's.
    assert "exit" in names({**namespace, "exit": 3})


def test_the_answer_keeps_to_its_bytes_and_names_what_is_left_out() -> None:
    namespace = {f"variable_{n}": {f"key_{k}": "x" * 200 for k in range(50)} for n in range(300)}
    for most in (500, 2_000, 8_192):
        found = look(namespace, level="values", max_bytes=most, seconds=5)
        assert len(json.dumps(found, ensure_ascii=False).encode()) <= most
        assert found["left_out"]
        shown = len(found["variables"]) + len(found["left_out"])
        more = found["left_out"][-1]
        if more.startswith("…"):
            shown += int(more.split()[2].replace(",", "")) - 1
        assert shown == 300


def test_bytes_are_those_of_utf_8() -> None:
    found = look({f"größe_{n}": "ü" * 500 for n in range(100)}, level="values", seconds=5)
    assert len(json.dumps(found, ensure_ascii=False).encode()) <= 8192


def test_a_name_without_meaning_as_text_does_no_harm() -> None:
    assert look({"bad\ud800": "worse\ud800", "ok": 1, 5: "no name"}, level="values")["variables"]  # type: ignore[dict-item]


def test_without_time_everything_is_left_out_and_named() -> None:
    found = look({"a": 1, "b": 2}, seconds=0)
    assert found["variables"] == []
    assert found["left_out"] == ["b", "a"]


def test_at_most_so_many_are_told() -> None:
    found = look({f"v{n}": n for n in range(300)}, limit=10, max_bytes=100_000, seconds=5)
    assert len(found["variables"]) == 10


def test_an_unknown_level_tells_the_least() -> None:
    assert "value" not in look({"x": "data"}, level="everything")["variables"][0]


def test_looking_keeps_nothing_and_changes_nothing() -> None:
    class Kept:
        pass

    import weakref

    thing = Kept()
    gone = weakref.ref(thing)
    namespace = {"thing": thing, "nest": [thing]}
    before = dict(namespace)
    look(namespace, level="values")
    assert namespace == before
    namespace.clear()
    before.clear()
    del thing
    assert gone() is None
