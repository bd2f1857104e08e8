"""`--schema`: an answer as a typed value, or an error that shows what was wrong with it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any, Literal, NewType

import pandas as pd
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from pydantic import BaseModel

from tests.support.fake_tether import FakeTether, words
from tests.support.kernels import Kernel
from tether_jupyter.client.schemas import parse
from tether_jupyter.core.request import ChatRequest
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.magics.typed import NoValue

Said = Callable[..., str]
ADA = {"name": "Ada", "age": 36, "tags": ["maths"], "mood": "good"}
LINE = "'name, age int, tags list[str], mood one of good|bad: how it sounds'"


class Person(BaseModel):
    """A class of the user's own."""

    name: str
    age: int
    boss: Person | None = None


def reply(value: Any, finish_reason: str = "stop") -> list[dict[str, Any]]:
    """Return the script of an answer in JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return words(text, finish_reason=finish_reason)


class TestAValue:
    def test_has_attributes_and_types(self, shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
        tether.script = reply(ADA)
        shown = said(f"-o person --schema {LINE} Ada is 36 and likes maths.")
        person = shell.user_ns["person"]
        assert repr(person) == "Person(name='Ada', age=36, tags=['maths'], mood='good')"
        assert person.age + 1 == 37
        assert person.model_dump() == ADA
        assert "person: Person" in shown

    def test_is_asked_for_with_its_form_and_a_length_that_suits_it(
        self, tether: FakeTether, said: Said
    ) -> None:
        tether.script = reply(ADA)
        said(f"-o person --schema {LINE} Who is it?")
        (request,) = tether.requests
        schema = request["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["mood"]["enum"] == ["good", "bad"]
        assert schema["required"] == ["name", "age", "tags", "mood"]
        assert request["message"].startswith("Who is it?\n\nAnswer with one JSON object")
        assert 256 <= request["max_tokens"] <= 4096
        assert ChatRequest.model_validate(request)
        said(f"-o person --max-tokens 77 --schema {LINE} Who is it?")
        assert tether.requests[-1]["max_tokens"] == 77

    def test_has_the_length_that_is_set_where_one_is(self, tether: FakeTether, said: Said) -> None:
        tether.script, tether.settings = reply(ADA), {"max_tokens": {"value": 8000, "layer": "environment"}}
        said(f"-o person --schema {LINE} Who is it?")
        assert "max_tokens" not in tether.requests[-1]

    def test_is_an_instance_of_the_users_own_class(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.user_ns["Person"] = Person
        tether.script = reply({"name": "Bob", "age": 7, "boss": {"name": "Ada", "age": 36}})
        said("-o bob --schema Person who is it?")
        assert shell.user_ns["bob"] == Person(name="Bob", age=7, boss=Person(name="Ada", age=36))

    def test_follows_a_json_schema_with_names_that_python_does_not_have(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        inner = {"type": "object", "properties": {"city": {"type": "string"}}}
        names = {"total-cost": {"type": "number"}, "class": {"type": "string"}, "copy": {"type": "integer"}}
        wanted = {"type": "object", "properties": {**names, "address": inner}, "required": ["total-cost"]}
        shell.user_ns["wanted"] = wanted
        tether.script = reply({"total-cost": 1.5, "class": "A", "copy": 2, "address": {"city": "Rome"}})
        said("-o bill --schema wanted what does it cost?")
        bill = shell.user_ns["bill"]
        assert (bill.total_cost, bill.class_, bill.copy_, bill.address.city) == (1.5, "A", 2, "Rome")
        tether.script = reply({"total-cost": 2})
        said(f"-o bill --schema '{json.dumps(wanted)}' what does it cost?")
        assert shell.user_ns["bill"].total_cost == 2

    def test_follows_a_json_schema_whose_quotes_are_escaped(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        tether.script = reply({"answer": 7})
        said(r'-o bare --schema "{\"type\": \"integer\"}" how many?')
        assert shell.user_ns["bare"] == 7

    @pytest.mark.parametrize(
        ("schema", "answer", "value"),
        [("int", 7, 7), ("list[str]", ["a", "b"], ["a", "b"]), ("bool", True, True)],
    )
    def test_may_be_bare(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, schema: str, answer: Any, value: Any
    ) -> None:
        tether.script = reply({"answer": answer})
        said(f"-o bare --schema {schema} how many?")
        assert shell.user_ns["bare"] == value

    def test_is_read_out_of_a_fence(self, shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
        tether.script = reply(f"Here it is:\n```json\n{json.dumps(ADA)}\n```\nYours!")
        said(f"-o person --schema {LINE} Who?")
        assert shell.user_ns["person"].name == "Ada"

    def test_shows_as_json_in_a_notebook_with_its_variable(self, kernel: Kernel, tether: FakeTether) -> None:
        tether.script = reply(ADA)
        ran = kernel.run(f"%%tether -o person --schema {LINE}\nWho?")
        assert ran.markdown.startswith('```json\n{"name": "Ada"')
        assert "person: Person*" in ran.markdown
        assert kernel.value("person.tags") == "['maths']"
        assert ran.metadata["schema"]["required"] == ["name", "age", "tags", "mood"]
        assert ran.metadata["prompt"] == "Who?"
        tether.script = reply(f"Here it is:\n```json\n{json.dumps(ADA)}\n```\n")
        assert kernel.run(f"%%tether -o person --schema {LINE}\nWho?").markdown.startswith("Here it is:\n")


ROWS = [
    {"name": "Ada", "born": "1815-12-10", "age": 36},
    {"name": "Bob", "born": "2015-01-01", "age": None},
]
FIELDS = "'name, born date, age int?'"


class TestMany:
    def test_become_a_list(self, shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
        tether.script = reply({"items": ROWS})
        said(f"-o people --many --schema {FIELDS} Who?")
        ada, bob = shell.user_ns["people"]
        assert (ada.born, bob.age) == (dt.date(1815, 12, 10), None)
        assert type(ada) is type(bob)
        assert type(ada)(name="Eve", born="2000-01-01").age is None
        schema = tether.requests[0]["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["items"]["items"]["properties"]["born"]["format"] == "date"

    def test_may_come_as_a_bare_list(self, shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
        tether.script = reply(ROWS)
        said(f"-o people --many --schema {FIELDS} Who?")
        assert len(shell.user_ns["people"]) == 2

    def test_become_a_frame_whose_columns_have_types(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        rows = [{**row, "ok": True, "mood": "good", "rate": 1, "at": "2024-01-01T00:00:00Z"} for row in ROWS]
        tether.script = reply({"items": rows})
        more = "ok bool, mood one of good|bad, rate float, at datetime"
        shown = said(f"-o table --frame --schema 'name, born date, age int?, {more}' Who?")
        table = shell.user_ns["table"]
        kinds = {name: str(dtype) for name, dtype in table.dtypes.items()}
        assert kinds["age"] == "Int64"
        assert (kinds["ok"], kinds["rate"], kinds["mood"]) == ("bool", "float64", "category")
        assert pd.api.types.is_datetime64_any_dtype(table["born"])
        assert str(table["at"].dt.tz) == "UTC"
        assert pd.api.types.is_string_dtype(table["name"])
        assert "DataFrame, 2 × 7" in shown

    def test_may_be_none_and_the_frame_keeps_its_columns(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        tether.script = reply({"items": []})
        said(f"-o table --frame --schema {FIELDS} Who?")
        assert list(shell.user_ns["table"].columns) == ["name", "born", "age"]
        assert str(shell.user_ns["table"]["age"].dtype) == "Int64"

    def test_of_a_class_that_refers_to_itself(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        import jsonschema

        shell.user_ns["Person"] = Person
        rows = [{"name": "Bob", "age": 7, "boss": {"name": "Ada", "age": 36, "boss": None}}]
        tether.script = reply({"items": rows})
        said("-o people --many --schema Person Who?")
        assert shell.user_ns["people"][0].boss.name == "Ada"
        schema = tether.requests[0]["response_format"]["json_schema"]["schema"]
        jsonschema.validate({"items": rows}, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"items": [{"name": "Bob"}]}, schema)

    def test_a_list_of_a_class_is_said_as_python_says_it(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.user_ns["Person"] = Person
        tether.script = reply({"answer": [{"name": "Bob", "age": 7}]})
        said("-o people --schema list[Person] Who?")
        assert shell.user_ns["people"] == [Person(name="Bob", age=7)]

    def test_a_schema_that_leads_back_to_its_root_still_does(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        import jsonschema

        tree: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        tree["properties"]["left"] = {"$ref": "#"}
        shell.user_ns["tree"] = tree
        tether.script = reply({"items": [{"n": 1, "left": {"n": 2}}]})
        said("-o trees --many --schema tree Plant one.")
        schema = tether.requests[0]["response_format"]["json_schema"]["schema"]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"items": [{"n": 1, "left": {"n": "x"}}]}, schema)


class TestAnAnswerThatDoesNotFit:
    BAD = '{"name": "Ada", "age": "old"}'
    ASK = "-o person --schema 'name, age int' Who?"

    def test_is_asked_for_once_more_with_what_was_wrong(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        tether.scripts = [reply(self.BAD), reply({"name": "Ada", "age": 36})]
        shown = said(self.ASK)
        assert shell.user_ns["person"].age == 36
        assert "does not fit the schema" in shown
        first, second = tether.requests
        assert second["conversation_id"] == "c_1"
        assert self.BAD in second["message"]
        assert "`age`" in second["message"]
        assert second["response_format"] == first["response_format"]

    def test_says_the_question_again_where_nothing_is_kept(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        tether.scripts = [reply(self.BAD), reply({"name": "Ada", "age": 36})]
        said(f"--no-store {self.ASK}")
        assert tether.requests[1]["message"].startswith("Who?\n\n")
        assert self.BAD in tether.requests[1]["message"]
        assert shell.user_ns["person"].age == 36

    @pytest.mark.parametrize("how", ["", "--no-store "])
    def test_cannot_ask_for_a_variable(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, how: str
    ) -> None:
        shell.user_ns["customers"] = ["Ann"]
        tether.scripts = [reply("I need to see @customers first"), reply({"name": "Ada", "age": 36})]
        said(f"{how}{self.ASK}")
        repair = tether.requests[1]
        assert "@customers" in repair["message"]
        assert "context" not in repair
        assert repair["see"]["words"] is False, "the server would look for it"

    def test_twice_is_an_error_with_both_and_leaves_the_variable(
        self, shell: InteractiveShell, tether: FakeTether
    ) -> None:
        shell.user_ns["person"] = "untouched"
        tether.scripts = [reply(self.BAD), reply("I cannot.")]
        with pytest.raises(NoValue) as raised:
            shell.run_line_magic("tether", self.ASK)
        shown = "\n".join(raised.value._render_traceback_())  # type: ignore[attr-defined]
        for part in (self.BAD, "I cannot.", "Answer 1: `age`", "Answer 2: There is no JSON"):
            assert part in shown
        assert raised.value.answers == [self.BAD, "I cannot."]
        assert shell.user_ns["person"] == "untouched"
        assert len(tether.requests) == 2

    def test_is_asked_for_only_once_on_request(self, shell: InteractiveShell, tether: FakeTether) -> None:
        tether.script = reply(self.BAD)
        with pytest.raises(NoValue, match="does not fit"):
            shell.run_line_magic("tether", f"--no-repair {self.ASK}")
        assert len(tether.requests) == 1

    def test_because_it_was_cut_says_so_and_what_to_do(
        self, shell: InteractiveShell, tether: FakeTether
    ) -> None:
        tether.script = reply('{"name": "Ad', finish_reason="length")
        with pytest.raises(NoValue, match=r"cut after 1 tokens.*--max-tokens"):
            shell.run_line_magic("tether", self.ASK)
        assert len(tether.requests) == 1, "the same room would cut it again"

    def test_because_it_was_stopped_is_not_asked_for_again(
        self, shell: InteractiveShell, tether: FakeTether
    ) -> None:
        shell.user_ns["person"] = "untouched"
        tether.script = reply('{"name": "Ad', finish_reason="cancelled")
        with pytest.raises(NoValue, match=r"^The answer was stopped before it was whole\. Run the cell"):
            shell.run_line_magic("tether", self.ASK)
        assert len(tether.requests) == 1, "whoever stops an answer wants no other"
        assert shell.user_ns["person"] == "untouched"

    def test_and_was_stopped_when_it_was_asked_again_says_so(
        self, shell: InteractiveShell, tether: FakeTether
    ) -> None:
        tether.scripts = [reply(self.BAD), reply('{"name": "Ad', finish_reason="cancelled")]
        with pytest.raises(NoValue, match=r"The second one was stopped before it was whole\. Run the cell"):
            shell.run_line_magic("tether", self.ASK)

    def test_goes_on_in_its_conversation(self, shell: InteractiveShell, tether: FakeTether) -> None:
        tether.script = reply(self.BAD)
        with pytest.raises(NoValue):
            shell.run_line_magic("tether", self.ASK)
        shell.run_line_magic("tether", "why?")
        assert tether.requests[-1]["conversation_id"] == "c_1"


class TestASchemaThatCannotBe:
    @pytest.mark.parametrize(
        ("schema", "told"),
        [
            ("'name, age itn'", "Did you mean `int`"),
            ("Persn", "There is no variable `Persn` here. Did you mean `Person`?"),
            ("Person.Nope", "`Person` has no `Nope`"),
            ("table", "`DataFrame`"),
            ("'{\"type\": 7}'", "JSON schema"),
        ],
    )
    def test_is_told_before_anything_is_sent(
        self, shell: InteractiveShell, tether: FakeTether, schema: str, told: str
    ) -> None:
        shell.user_ns |= {"Person": Person, "table": pd.DataFrame()}
        with pytest.raises(InvalidRequest) as raised:
            shell.run_line_magic("tether", f"-o x --schema {schema} why?")
        assert told in f"{raised.value.message} {raised.value.hint}"
        assert tether.paths == []

    @pytest.mark.parametrize("line", ["--schema 'a' q", "--frame q", "-o x --schema 'a' --code q"])
    def test_options_that_it_needs_or_excludes_are_told(
        self, shell: InteractiveShell, tether: FakeTether, line: str
    ) -> None:
        with pytest.raises(UsageError):
            shell.run_line_magic("tether", line)
        assert tether.paths == []

    def test_a_variable_that_holds_a_word_is_no_schema(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.user_ns["name"] = "Bob"
        tether.script = reply({"name": "Ada"})
        said("-o it --schema name who?")
        assert shell.user_ns["it"].name == "Ada"


class TestAVariableOfTheFieldsName:
    @pytest.mark.parametrize("how", ["", "--many ", "--frame "])
    def test_may_hold_the_answer_of_the_run_before(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, how: str
    ) -> None:
        tether.script = reply({"items": [{"topic": "food"}]} if how else {"topic": "food"})
        for _ in range(2):
            said(f"-o topic {how}--schema topic What is it about?")
        first, second = tether.requests
        assert first["response_format"] == second["response_format"]

    @pytest.mark.parametrize("held", [4, None, [1], {"room": 1}, len, json, Person(name="Ada", age=36)])
    def test_may_hold_anything_that_is_no_schema(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, held: Any
    ) -> None:
        shell.user_ns["stars"] = held
        tether.script = reply({"stars": "five"})
        said("-o it --schema stars how many?")
        assert shell.user_ns["it"].stars == "five"

    @pytest.mark.parametrize(
        "held",
        [
            Literal[7, 8],
            int | None,
            NewType("Stars", int),
            int,
            parse("answer int"),
            {"enum": [7, 8]},
            "answer int, more?",
        ],
    )
    def test_is_the_schema_where_it_holds_one(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, held: Any
    ) -> None:
        shell.user_ns["stars"] = held
        tether.script = reply({"answer": 7})
        said("-o it --schema stars how many?")
        it = shell.user_ns["it"]
        assert getattr(it, "answer", it) == 7
