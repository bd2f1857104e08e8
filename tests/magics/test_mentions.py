"""`@df` in a question: what goes along of the user's variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether
from tether_jupyter.errors import NotFound

Said = Callable[..., str]


@pytest.fixture
def variables(shell: InteractiveShell) -> dict[str, Any]:
    table = pd.DataFrame({"price": [1.5, 2.5], "unit price": [1, 2], "town": ["Rome", "Oslo"]})
    petals = pd.DataFrame({"Sepal.Length": [3, 4], "town": ["Rome", "Oslo"]})
    mine = {"sales": table, "rate": 0.19, "settings": {"depth": 3}, "i": 7, "petals": petals}
    shell.user_ns.update(mine)
    return mine


def sent(tether: FakeTether) -> dict[str, Any]:
    """Return the variables of the last request, by name."""
    items = tether.requests[-1].get("context", [])
    assert all(item["kind"] == "variable" for item in items)
    return {item["name"]: item["data"] for item in items}


@pytest.mark.usefixtures("variables")
class TestAMention:
    def test_sends_what_there_is_to_know_and_leaves_the_level_to_the_server(
        self, tether: FakeTether, said: Said
    ) -> None:
        said("what is wrong with @sales and @rate?")
        found = sent(tether)
        assert list(found) == ["sales", "rate"]
        assert found["sales"]["shape"] == [2, 3]
        assert [column["name"] for column in found["sales"]["columns"]] == ["price", "unit price", "town"]
        assert "Oslo" in found["sales"]["rows"]
        assert "0.19" in found["rate"]["value"]
        assert "level" not in tether.requests[-1]["see"]
        assert tether.requests[-1]["message"] == "what is wrong with @sales and @rate?"

    @pytest.mark.parametrize(
        ("mention", "column"),
        [
            ("@sales.price", "price"),
            ("@sales['unit price']", "unit price"),
            ("@petals['Sepal.Length']", "Sepal.Length"),
        ],
    )
    def test_of_a_column_sends_that_column_alone(
        self, tether: FakeTether, said: Said, mention: str, column: str
    ) -> None:
        said(f"why is {mention} so low?")
        (data,) = sent(tether).values()
        assert [each["name"] for each in data["columns"]] == [column]
        assert "Oslo" not in str(data)

    def test_of_a_column_and_its_table_sends_the_table_once(self, tether: FakeTether, said: Said) -> None:
        said("how does @sales.price of @sales look?")
        assert list(sent(tether)) == ["sales"]

    def test_of_what_every_table_has_sends_the_table(self, tether: FakeTether, said: Said) -> None:
        said("why is @sales.shape so small?")
        assert list(sent(tether)) == ["sales"]

    @pytest.mark.parametrize(
        ("question", "told"),
        [
            ("what of @sale?", "There is no variable `sale` here. Did you mean `sales`?"),
            ("what of @SALES?", "Did you mean `sales`?"),
            ("what of @nothing_like_it?", "There is no variable `nothing_like_it` here."),
            ("what of @sales.prise?", "`sales` has no column or entry `prise`. Did you mean `price`"),
        ],
    )
    def test_of_nothing_is_told_before_anything_is_sent(
        self, shell: InteractiveShell, tether: FakeTether, question: str, told: str
    ) -> None:
        with pytest.raises(NotFound) as raised:
            shell.run_line_magic("tether", question)
        assert told in raised.value.message
        assert "Nothing was sent" in str(raised.value.hint)
        assert tether.paths == []

    def test_is_neither_an_address_nor_code(self, tether: FakeTether, said: Said) -> None:
        said("", "Write to ada@example.org about `@property`:\n\n```python\n@cache\ndef f(): ...\n```")
        assert sent(tether) == {}

    def test_in_data_that_fills_the_question_asks_for_nothing(
        self, variables: dict[str, Any], shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.user_ns["tweet"] = "see @sales now, and @bob"
        said("Sum up {tweet} for @rate")
        (request,) = tether.requests
        assert request["message"] == "Sum up see @sales now, and @bob for @rate"
        assert list(sent(tether)) == ["rate"]
        assert request["see"]["words"] is False, "the server would look for them"


@pytest.mark.usefixtures("variables")
class TestANameWithoutAnAt:
    def test_sends_nothing_by_itself(self, tether: FakeTether, said: Said) -> None:
        said("is sales right?")
        assert sent(tether) == {}

    def test_goes_along_where_the_question_says_how_much_may_be_seen(
        self, tether: FakeTether, said: Said
    ) -> None:
        said("--see schema is sales at this rate right, and i mean it?")
        assert list(sent(tether)) == ["sales", "rate"]
        assert tether.requests[-1]["see"]["level"] == "schema"

    def test_goes_along_where_the_session_says_so(self, tether: FakeTether, said: Said) -> None:
        said("use --see samples")
        said("is sales right?")
        assert list(sent(tether)) == ["sales"]
        said("--see off is sales right?")
        assert sent(tether) == {}

    @pytest.mark.parametrize(
        ("layer", "level", "names"),
        [
            ("client settings", "schema", ["sales"]),
            ("client settings", "off", []),
            ("default", "samples", []),
        ],
    )
    def test_goes_along_where_the_users_settings_say_so(
        self, tether: FakeTether, said: Said, layer: str, level: str, names: list[str]
    ) -> None:
        tether.settings = {"see": {"value": {"level": level}, "layer": layer}}
        said("is sales right?")
        assert list(sent(tether)) == names

    def test_is_no_module_function_or_class(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.run_cell("import json\ndef area(): ...\nclass Circle: ...\n")
        said("--see values use json for the area of a Circle")
        assert sent(tether) == {}
